// Generation: one life of a file and where we stand in it. Its cursor row is stored in the journal
// with the records that it stands for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "connectors/connector.h"
#include "connectors/encoding.h"
#include "connectors/file/file_key.h"

namespace silt::connectors {

// The stored part. Values are forever; fields are only added, under a new version.
struct GenerationRow {
  std::uint64_t id = 0;  // counts up; also the row's key and the records' generation
  std::string chain;     // the live path under which the file was found first
  std::string path;      // where the file was seen last, without links
  FileKey key;
  std::uint64_t offset = 0;        // end of the last line that was read
  Fingerprint head;                // of the first bytes
  Fingerprint tail;                // of the last bytes before offset
  std::uint64_t seen_size = 0;     // the file was this long once
  std::int64_t order_ns = 0;       // place in the chain: birth time, or when it was truncated
  std::int64_t gone_since_us = 0;  // wall clock; 0: the file exists
  bool loss_reported = false;      // the unread rest of a vanished file was reported
  bool ignored = false;            // rotated before we came: known, never read
  bool unlinked = false;           // as of the last look at the open file: no name is left

  ContentProof proof() const { return {head, tail, offset}; }
};

CursorRow encode_row(const GenerationRow& row);
Result<GenerationRow> decode_row(const CursorRow& row);
CursorRow deleted_row(std::uint64_t id);

// What lies at the read position. In a line that is longer than the limit, and in a run of NULs (after
// the beginning of a line, perhaps), the position stays where it is while `scan_to` moves: such
// stretches may be gigabytes.
enum class Stretch : std::uint8_t { kLine, kLongLine, kNulRun };

struct Generation : GenerationRow {
  Fd fd;
  Encoding encoding = Encoding::kUnknown;  // of its file, asked once
  Stretch stretch = Stretch::kLine;
  std::uint64_t scan_to = 0;        // valid unless kLine: read up to here
  Fingerprint scan_tail;            // of the last bytes before scan_to
  std::uint64_t nul_from = 0;       // where the NULs begin, if there are some
  bool nul_to_end = false;          // and they go on to the end: room that the writer has not filled yet
  std::int64_t modified_ns = 0;     // as of the last look; 0: it may have been written since
  std::uint64_t blocks = 0;         // the same
  bool written = false;             // somebody wrote to it or truncated it since
  bool untold = false;              // it grew once without an event
  std::int64_t quiet_since_us = 0;  // monotonic: when it was found, last grew or was rotated
  std::uint64_t lost_bytes = 0;     // to be reported by a gap record
  std::uint32_t lost_files = 0;     // the same, of files that were never open: nobody knows their bytes
  const char* lost_why = "";
  // Whole lines behind the offset that wait for the rest of their record: where they end and, monotonic,
  // when they are one without it; 0: none wait. Their bytes, unless they are many: a truncation may come first.
  std::uint64_t open_to = 0;
  std::int64_t flush_at_us = 0;
  std::string open_text;
  bool torn = false;            // one of them waits for its own rest, perhaps long: what was seen is stored
  std::uint64_t last_used = 0;  // for closing the least recently used
  bool live = false;            // the chain's path leads to it
  bool dirty = false;           // may have something to read
  bool finishing = false;       // rotated and quiet: the rest without a line end is its last record
  bool retired = false;         // its file was truncated: only lost_bytes are left to report
  bool in_batch = false;        // the batch that awaits its confirmation has records of it
  bool dormant = false;         // the globs no longer want its chain; kept in case they do again
  bool look_soon = false;       // its path led elsewhere

  // What it stands for in the counts of Generations.
  bool counted = false;
  std::uint64_t counted_unread = 0;

  std::uint64_t data_end() const { return nul_to_end ? nul_from : seen_size; }
  std::uint64_t unread() const { return data_end() > offset ? data_end() - offset : 0; }
  bool waits() const { return flush_at_us != 0 && !retired && !dormant; }
  bool counts() const { return present() && !retired && !ignored && !dormant; }
  bool settled() const { return retired && lost_bytes == 0 && lost_files == 0 && open_text.empty(); }  // nothing left to say: the row goes
  bool present() const { return gone_since_us == 0; }
};

}  // namespace silt::connectors
