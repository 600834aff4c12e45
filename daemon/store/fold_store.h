// FoldStore: what the fold makes of the journal, moved together with its cursor.
// Safe from any thread; one fold thread commits.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "daemon/store/types.h"

namespace silt::store {

struct SegmentInfo {
  Seq first_seq = 0;
  Seq last_seq = 0;
  std::uint64_t stored_bytes = 0;
  std::uint64_t raw_bytes = 0;
  std::int64_t last_arrival_us = 0;
  std::int64_t first_event_us = 0;  // least and greatest
  std::int64_t last_event_us = 0;
};

// Replaces all chunks, marks and segments between its first and last record.
struct SealedSegment {
  SegmentInfo info;
  std::string bytes;  // segment.h, proved by decoding
};

// Everything that one step of the fold changes for a source.
struct FoldCommit {
  SourceRef source;
  FoldHead head;                      // segment_bytes is the store's business
  std::vector<PatternRow> patterns;   // changed ones
  Seq marks_first_seq = 0;
  std::vector<FoldMark> marks;        // of the next folded records, whole chunks of them
  std::vector<SealedSegment> sealed;  // ascending
};

class FoldStore {
 public:
  virtual ~FoldStore() = default;

  virtual Result<FoldHead> fold_head(SourceRef source) const = 0;  // all zero: nothing was folded yet
  virtual Status patterns(SourceRef source, std::vector<PatternRow>& out) const = 0;
  // All or nothing, in one synced batch; what is said of a source that was deleted is left out.
  virtual Status commit(std::span<const FoldCommit> commits) = 0;

  // In seq order; reads headers only.
  virtual Result<std::vector<SegmentInfo>> segments(SourceRef source) const = 0;
  // Retention: removes the segments whose records all lie at or below `floor`, which is lowered to
  // what the net still needs for a replay. Returns the floor that holds now.
  virtual Result<Seq> trim(SourceRef source, Seq floor) = 0;
  // Starts the fold again from the floor: patterns and marks go, segments stay as records.
  virtual Status reset_fold(SourceRef source) = 0;
  // Leaves tombstones of these records in chunks, without their gap rows, and starts the fold again from the floor.
  // `ranges`: ascending, apart. Segments are the caller's: it has replaced them.
  virtual Status forget(SourceRef source, const std::vector<SeqRange>& ranges) = 0;
  // How often the fold was started again since the store was opened: what was kept of another one is of a past
  // that is no more.
  virtual std::uint64_t fold_generation(SourceRef source) const = 0;
};

}  // namespace silt::store
