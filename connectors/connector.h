// Connector: one configured input. It finds streams, cuts them into records and says exactly where
// it stands; it never stores anything itself.
//
// Pull, not push: the intake thread calls poll() when the journal has room, and back-pressure is
// simply not calling it. What poll() returns is journalled in one synced batch together with the
// cursor rows that stand for it; only then is confirm() called. A batch that was never confirmed
// is read again after a restart, from the cursor rows of the last one that was.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace silt::connectors {

// Flags of a record, stored in the journal: values are forever.
enum RecordFlags : std::uint32_t {
  kRecordCut = 1,      // longer than the limit: text is a prefix, bytes_cut more were dropped
  kRecordPartial = 2,  // the origin ended without a line end and will not be continued
  kRecordGap = 4,      // not a line: text describes bytes that were lost, and why
};

// Where a record's bytes were: `path` as it was named when read, the generation of the file (two
// files of the same name are two generations) and the byte range without the line end.
struct Origin {
  std::string path;
  std::uint64_t generation = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// One line, ticket event or document section. `text` is the raw bytes without the line end.
struct Record {
  std::string text;
  Origin origin;
  std::uint32_t flags = 0;
  std::uint64_t bytes_cut = 0;
};

// One row of a connector's position. The journal keeps rows by key until they are deleted; only
// the connector understands the value.
struct CursorRow {
  std::string key;
  std::string value;
  bool deleted = false;
};

// Records of one stream, in order, and the position after them. A stream becomes a source: for a
// connector that learns per file it is the live path of the log, otherwise it is empty.
struct Batch {
  std::string stream;
  std::vector<Record> records;
  std::vector<CursorRow> cursors;  // may be set without records (a file was seen, moved or ended)
  std::uint64_t bytes = 0;         // of all texts
};

struct ReadLimits {
  std::uint64_t batch_bytes_max = 256 * 1024;
  std::uint32_t batch_records_max = 4096;
  std::uint32_t record_bytes_max = 64 * 1024;
};

struct ConnectorStats {
  std::uint64_t files_open = 0;
  std::uint64_t files_known = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_lost = 0;  // known to have existed and never read, with gap records
  std::uint64_t records_cut = 0;
  std::uint64_t read_errors = 0;
  std::uint64_t backlog_bytes = 0;  // seen but not yet read
  std::string last_error;           // one line, with the remedy; empty when all is well
};

// The intake thread owns a connector and makes all calls but wait(); poll() never blocks for long.
class Connector {
 public:
  virtual ~Connector() = default;

  // Once, before the first poll: continue exactly after these rows (all that the journal holds).
  virtual Status resume(std::span<const CursorRow> rows) = 0;

  // Fills `out` with the next batch, which may be empty. True: more is waiting, poll again soon.
  // A failure is of the connector as a whole; a single unreadable file is counted in stats().
  virtual Result<bool> poll(const ReadLimits& limits, Batch& out) = 0;

  // The last polled batch is durable. Not called for a batch that could not be stored.
  virtual void confirm() = 0;

  // Calls `wake` once, from any thread, when poll() may have something new (or after a time).
  virtual void notify_when_ready(std::function<void()> wake) = 0;

  virtual ConnectorStats stats() const = 0;
};

}  // namespace silt::connectors
