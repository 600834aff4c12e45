// RecordLog: the journal. What is in it is durable, and nothing else is acknowledged.
// Safe from any thread; one intake thread appends.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "daemon/store/stretch.h"
#include "daemon/store/types.h"

namespace silt::store {

// Records of one source in an append.
struct StreamAppend {
  SourceRef source;
  std::vector<RecordView> records;  // the bytes stay the caller's; seq is given by append()
  IntakeHead delta;                 // lines, bytes, ... to add; redaction to set; journal_seq is ignored
};

struct CursorChange {
  std::string connector;  // scope of the row
  connectors::CursorRow row;
};

// Whatever one round of intake has: records of any number of sources, and the cursor rows that stand
// for them.
struct GroupAppend {
  std::vector<StreamAppend> streams;  // each source at most once
  std::vector<CursorChange> cursors;
};

// Records that lie together in the store, in seq order without holes, with what is known of them.
struct Block {
  Seq first_seq = 0;
  Seq last_seq = 0;
  RecordBlock records;
  std::vector<FoldMark> marks;  // of all records, or none when they are not folded yet
  std::string damage;           // not empty: the bytes fail their check; there are no records
};
using BlockPtr = std::shared_ptr<const Block>;

// Records first_seq..last_seq are counted only. Written before it takes effect, so that a replay
// decides the same.
struct ShedMark {
  Seq first_seq = 0;
  Seq last_seq = 0;
  std::string reason;
};

class RecordLog {
 public:
  static constexpr std::uint64_t kGapsKept = 1000;
  virtual ~RecordLog() = default;

  // The source that the input calls `stream`, created on first use (durably, with the next append).
  virtual Result<SourceInfo> open_source(const std::string& tenant, const std::string& stream,
                                         const std::string& connector) = 0;
  virtual std::vector<SourceInfo> sources() const = 0;
  virtual Result<SourceInfo> source(SourceRef ref) const = 0;

  // All or nothing, in one synced batch, durable on return. kAborted, with nothing stored, when a
  // source was deleted since it was opened: open it again.
  virtual Status append(const GroupAppend& group) = 0;
  // Cursor rows of a connector, as the last appends left them.
  virtual Result<std::vector<connectors::CursorRow>> cursors(const std::string& connector) const = 0;

  // The block that holds the first record behind `after` (its earlier records included); null behind
  // the last one. A damaged block is a block, too: its range is known, its records are not.
  virtual Result<BlockPtr> block_after(SourceRef source, Seq after) const = 0;
  // The same records, read no further than they are asked for; null behind the last one. A store without
  // columns gives the block.
  virtual Result<StretchPtr> stretch_after(SourceRef source, Seq after) const;
  // kNotFound: never written, or removed by retention. kDataLoss: its block is damaged.
  virtual Result<JournalRecord> read(SourceRef source, Seq seq) const = 0;
  virtual Result<IntakeHead> intake_head(SourceRef source) const = 0;

  // The loss ledger: the last kGapsKept gaps of the source, oldest first.
  virtual Result<std::vector<Gap>> gaps(SourceRef source) const = 0;

  virtual Status append_shed_mark(SourceRef source, const ShedMark& mark) = 0;
  virtual Result<std::vector<ShedMark>> shed_marks(SourceRef source, Seq after) const = 0;
};

}  // namespace silt::store
