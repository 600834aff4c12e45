// Keys of the store: fixed-width big-endian numbers after a one-byte table name, so that the order
// of bytes is the order of values and a tenant's or source's rows are one range of each table.
//
//   family  key                                       row
//   main    'm' "schema"                              SchemaRow
//           'n' tenant source                         SourceRow
//           'j' tenant source seq                     JournalRow
//           'i' tenant source                         IntakeHeadRow
//           'c' connector 0x00 cursor-key             CursorRow
//           'd' tenant source first-seq               ShedRow
//           'h' tenant source                         HeadRow
//           'e' tenant source seq                     EvidenceRow
//           'p' tenant source pattern                 PatternRow
//           'v' tenant source learned-seq             StateVersionRow
//           'q' tenant request-id                     RequestRow
//   state   'b' tenant source learned-seq             a state blob
//   index   'w' tenant source term 0x00 block(6)      seqs of one block of 65,536: their low 16 bits
//           'y' tenant source segment                 least and greatest event time of 256 records
// tenant, source and pattern have 4 bytes, numbers 8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/store/types.h"

namespace silt::daemon::keys {

inline constexpr char kSchema = 'm', kSource = 'n', kJournal = 'j', kIntakeHead = 'i', kCursor = 'c',
                      kShed = 'd', kHead = 'h', kEvidence = 'e', kPattern = 'p', kVersion = 'v',
                      kRequest = 'q', kBlob = 'b', kPosting = 'w', kTime = 'y';

inline constexpr int kPostingBlockBits = 16;
inline constexpr int kTimeSegmentBits = 8;

std::string schema();
std::string of_table(char table);                     // prefix of all its rows
std::string of_source(char table, SourceRef source);  // a row, or the prefix of its rows
std::string of_number(char table, SourceRef source, std::uint64_t number);
std::string of_pattern(SourceRef source, PatternId pattern);
std::string of_cursor(std::string_view connector, std::string_view key);
std::string of_tenant(char table, TenantId tenant);  // prefix
std::string of_request(TenantId tenant, std::string_view request_id);
std::string of_term(SourceRef source, std::string_view term);  // prefix of the term's blocks
std::string of_posting(SourceRef source, std::string_view term, Seq seq);

// The first key behind all keys that start with `prefix`.
std::string after(std::string prefix);

std::uint64_t number_at_end(std::string_view key, int bytes);  // big-endian
SourceRef source_of(std::string_view key);                     // of a key made by of_source() etc.

}  // namespace silt::daemon::keys
