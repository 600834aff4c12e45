// Keys of the store: fixed-width big-endian numbers after a one-byte table name, so that the order
// of bytes is the order of values and a tenant's or source's rows are one range of each table.
//
//   family   key                                      value
//   main     'm' "schema"                             SchemaRow
//            'n' tenant source                        SourceRow
//            'z' "numbers"                            NumbersRow
//            'i' tenant source                        IntakeHeadRow
//            'c' connector 0x00 cursor-key            CursorRow
//            'd' tenant source first-seq              ShedRow
//            'l' tenant source gap-number             GapRow
//            'o' tenant source                        FoldHeadRow
//            'g' tenant source first-seq              SegmentRow
//            'p' tenant source pattern                PatternRow
//            'h' tenant source                        NetHeadRow
//            'e' tenant source first-seq              scores (scores.h)
//            't' tenant source                        scores of the open mini-batch
//            'v' tenant source learned-seq            StateVersionRow
//            'x' tenant source number                 LeftOutRow
//            'a' "audit"                              AuditAnchorRow
//            'j' id                                   TokenRow
//            'u' tenant's name                        DayUseRow
//            'q' tenant request-id                    RequestRow
//            'w' tenant source pattern                a vector (vector_store.h)
//            'r' tenant source pattern-and-kind       NormalRow
//            'O' destination 0x00 number              OutboxRow
//            'H' destination                          OutboxHeadRow
//            'W' tenant source                        WatchCursorRow
//            'y' id                                   a plan of forgetting (forget_store.h)
//   chunk    'k' tenant source first-seq              a chunk (chunk.h)
//            'f' tenant source first-seq              marks of chunks (marks.h)
//   segment  's' tenant source first-seq              a segment (segment.h)
//   state    'b' tenant source learned-seq            a state blob
// tenant, source and pattern have 4 bytes, numbers 8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/store/types.h"

namespace silt::store::keys {

inline constexpr char kSchema = 'm', kSource = 'n', kIntakeHead = 'i', kCursor = 'c', kShed = 'd',
                      kGap = 'l', kFoldHead = 'o', kPattern = 'p', kNetHead = 'h', kScores = 'e', kTail = 't',
                      kVersion = 'v', kLeftOut = 'x', kAuditAnchor = 'a', kToken = 'j', kRequest = 'q', kVector = 'w', kChunk = 'k', kMarks = 'f', kSegment = 's',
                      kSegmentInfo = 'g', kBlob = 'b', kForgetPlan = 'y', kDayUse = 'u', kNormal = 'r', kOutbox = 'O', kOutboxHead = 'H',
                      kWatchCursor = 'W', kNumbers = 'z';

std::string schema();
std::string audit_anchor();
std::string numbers();
std::string of_token(std::string_view id);
std::string of_day_use(std::string_view tenant);
std::string of_table(char table);                     // prefix of all its rows
std::string of_source(char table, SourceRef source);  // a row, or the prefix of its rows
std::string of_number(char table, SourceRef source, std::uint64_t number);
std::string of_pattern(char table, SourceRef source, PatternId pattern);
std::string of_cursor(std::string_view connector, std::string_view key);
std::string of_tenant(char table, TenantId tenant);  // prefix
std::string of_request(TenantId tenant, std::string_view request_id);
std::string of_plan(std::string_view id);
std::string of_outbox(std::string_view destination);  // prefix of its rows
std::string of_outbox(std::string_view destination, std::uint64_t number);
std::string of_outbox_head(std::string_view destination);

// The first key behind all keys that start with `prefix`.
std::string after(std::string prefix);

std::uint64_t number_at_end(std::string_view key, int bytes);  // big-endian
SourceRef source_of(std::string_view key);                     // of a key made by of_source() etc.
TenantId tenant_of(std::string_view key);

}  // namespace silt::store::keys
