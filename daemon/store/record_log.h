// RecordLog: the journal. What is in it is durable, and nothing else is acknowledged.
// Safe from any thread; one intake thread appends.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "daemon/store/types.h"

namespace silt::daemon {

struct JournalBatch {
  SourceRef source;
  std::string connector;               // scope of the cursor rows
  std::vector<JournalRecord> records;  // seq is given by append()
  std::vector<connectors::CursorRow> cursors;
  IntakeHead head_delta;  // lines, bytes, ... to add; key_lines_left to set; journal_seq is ignored
};

// Records first_seq..last_seq are counted only. Written before it takes effect, so that a replay
// decides the same (DESIGN section 3).
struct ShedMark {
  Seq first_seq = 0;
  Seq last_seq = 0;
  std::string reason;
};

class RecordLog {
 public:
  virtual ~RecordLog() = default;

  // The source of that name, created on first use (durably, with the next append).
  virtual Result<SourceInfo> open_source(const std::string& tenant, const std::string& name,
                                         const std::string& connector) = 0;
  virtual std::vector<SourceInfo> sources() const = 0;

  // Records, cursor rows and counters in one synced batch: all or nothing, durable on return.
  // Without records only the cursor rows are stored, and `source` is not looked at.
  virtual Status append(JournalBatch& batch) = 0;
  // Cursor rows of a connector, as the last appends left them.
  virtual Result<std::vector<connectors::CursorRow>> cursors(const std::string& connector) const = 0;

  // Records with seq > after, in order, until `bytes_max` of text or `records_max` records.
  virtual Status read_after(SourceRef source, Seq after, std::uint64_t bytes_max, std::uint32_t records_max,
                            std::vector<JournalRecord>& out) const = 0;
  virtual Result<JournalRecord> read(SourceRef source, Seq seq) const = 0;
  virtual Result<IntakeHead> intake_head(SourceRef source) const = 0;

  virtual Status append_shed_mark(SourceRef source, const ShedMark& mark) = 0;
  virtual Result<std::vector<ShedMark>> shed_marks(SourceRef source, Seq after) const = 0;
};

}  // namespace silt::daemon
