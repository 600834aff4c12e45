// Connector: one configured input. It finds streams, cuts them into records and says exactly where
// it stands; it never stores anything itself.
//
// Pull, not push: the intake thread calls poll() when the journal has room, and back-pressure is
// simply not calling it. What poll() returns is journalled in one synced batch, records of all
// streams together with the cursor rows that stand for them; only then is confirm() called. A batch
// that was never confirmed is read again, by the next poll() or after a restart, from the cursor rows
// of the last one that was. (Input that is pushed comes through an Inbox, which is a Connector too.)
//
// Text, names and places are bytes: no encoding is promised, and NULs may be in them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "connectors/activity.h"
#include "connectors/arena.h"

namespace silt::connectors {

// Flags of a record, stored in the journal: values are forever.
enum RecordFlags : std::uint32_t {
  // Longer than the limit: text is a prefix, and bytes_cut more were dropped; none of a record of many
  // lines, which the next record goes on with.
  kRecordCut = 1,
  kRecordPartial = 2,        // the origin ended without a line end and will not be continued
  kRecordGap = 4,            // not a line: text describes bytes that were lost, and why
  kRecordAttributesCut = 8,  // some attributes, or ends of their values, were dropped
};

// Where a record comes from. `place` is shown and never parsed: "/var/log/a.log" (as the file was
// named when it was read), "journald:ssh.service", "jira:OPS-12". For files, the generation of the
// file (two files of the same name are two generations) and the byte range without the line end.
struct Origin {
  std::string_view place;
  std::uint64_t generation = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// The attribute of a gap record that says why; its bytes_cut are the bytes that are missing, 0: not known.
inline constexpr std::string_view kGapCause = "cause";
// When the file of a record was last modified (RFC 3339), where that was long before it was read: its lines
// are not from later.
inline constexpr std::string_view kModified = "modified";

// What the origin tells beside the text: level=error, host=db3.
struct Attribute {
  std::string_view key;
  std::string_view value;
};

// The attribute of a record whose place names one item that may change: a comment, a section of a document. Its
// value is a number, or kItemGone. A later record of the same place in the same stream stands for the item
// instead: what was said before is history, which no answer takes for the present.
inline constexpr std::string_view kItemVersion = "version";
inline constexpr std::string_view kItemGone = "deleted";

// A record has at most so many, of so many bytes each. attach() keeps the first ones, whole but for
// the ends of longer values, and marks a record from which something was dropped.
constexpr std::size_t kAttributesMax = 32;
constexpr std::size_t kAttributeKeyBytesMax = 128;     // an attribute with a longer key is dropped
constexpr std::size_t kAttributeValueBytesMax = 1024;  // a longer value is cut

// A line, lines that belong together (see RecordRules), a ticket event or a document section. `text` is the
// raw bytes without the last line end; lines in it end with '\n'.
// Everything that a record points to is owned by its batch.
struct Record {
  std::string_view text;
  Origin origin;
  std::int64_t told_us = 0;  // event time told by the origin, microseconds since 1970; 0: none
  std::span<const Attribute> attributes;
  std::uint32_t flags = 0;
  std::uint64_t bytes_cut = 0;
};

// Gives the record these attributes, within the limits above, copied into `arena`.
void attach(std::span<const Attribute> attributes, Record& record, Arena& arena);

// One row of a connector's position. The journal keeps rows by key until they are deleted; only
// the connector understands the value.
struct CursorRow {
  std::string key;
  std::string value;
  bool deleted = false;
};

// Records of one stream, in order. A stream becomes a source of this name; empty: the source is named
// after the input.
struct StreamBatch {
  std::string stream;
  std::vector<Record> records;  // never empty in a batch
};

// What one poll() found: records of any number of streams, each stream at most once, and the position
// after all of them. Moving a batch keeps its views valid.
struct Batch {
  std::vector<StreamBatch> streams;
  std::vector<CursorRow> cursors;  // may be set without records (a file was seen, moved or ended)
  std::uint64_t bytes = 0;         // of all texts and attributes
  std::uint64_t records = 0;       // of all streams

  // Owners of what the records point to.
  Arena arena;
  std::vector<std::shared_ptr<const void>> shared;

  bool empty() const { return streams.empty() && cursors.empty(); }
  void clear();  // keeps memory for the next poll
};

// A batch exceeds them by at most one record, or one delivery of an Inbox.
struct ReadLimits {
  std::uint64_t batch_bytes_max = 1024 * 1024;
  std::uint32_t batch_records_max = 16 * 1024;
  std::uint32_t record_bytes_max = 64 * 1024;
};

struct ConnectorStats {
  std::uint64_t files_open = 0;
  std::uint64_t files_known = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_lost = 0;  // known to have existed and never read, with gap records
  std::uint64_t records_cut = 0;
  std::uint64_t read_errors = 0;
  std::uint64_t backlog_bytes = 0;  // seen but not yet read, or taken but not yet stored
  std::uint64_t refused = 0;        // pushed deliveries that found no room
  std::uint64_t repeated = 0;       // pushed deliveries that were stored before
  std::int64_t lag_ms = -1;         // since all that there was had been read; -1: not told
  std::string last_error;           // one line, with the remedy; empty when all is well
};

// One thread at a time makes the calls: intake gives each connector one of its own, for a file system may
// hang. Beyond that, no call waits.
class Connector {
 public:
  virtual ~Connector() = default;

  // Once, before the first poll: continue exactly after these rows (all that the journal holds).
  virtual Status resume(std::span<const CursorRow> rows) = 0;

  // Clears `out` and fills it with the next batch, which may be empty: as many streams as fit the
  // limits. True: more is waiting, poll again soon. Never waits for a network or for a writer. A
  // failure is of the connector as a whole; a single unreadable file is counted in stats().
  virtual Result<bool> poll(const ReadLimits& limits, Batch& out) = 0;

  // All of the last polled batch is durable. Not called for a batch that could not be stored.
  virtual void confirm() = 0;

  // Calls `wake` once, from any thread, when poll() may have something new (or after a time).
  virtual void notify_when_ready(std::function<void()> wake) = 0;

  // Calls `wake` once, from any thread, when so much waits here that the next poll() should not be put off to make
  // a larger append: what is pushed would be refused before. A connector that holds nothing never does.
  virtual void notify_when_filling(std::function<void()> wake) { static_cast<void>(wake); }

  virtual ConnectorStats stats() const = 0;

  // What the thread that makes the calls is at, for the case that one never comes back; null: not told.
  virtual std::shared_ptr<const Activity> activity() const { return nullptr; }
};

}  // namespace silt::connectors
