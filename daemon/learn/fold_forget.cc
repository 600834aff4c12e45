// The part of FoldLoop that puts tombstones in the place of records. Segments are replaced some at a time; what is
// left to do after a crash is done by the same call again.
#include <chrono>

#include "daemon/learn/fold_loop.h"
#include "daemon/store/seq_ranges.h"
#include "daemon/store/tombstone.h"

namespace silt::learn {

using store::FoldCommit;
using store::RecordView;
using store::Seq;
using store::SourceRef;

namespace {

constexpr std::chrono::seconds kBetweenSigns{1};

}  // namespace

Status FoldLoop::forget(SourceRef source, const std::vector<store::SeqRange>& ranges, const std::function<void()>& alive) {
  auto done = post(source, [this, source, ranges] { return leave_tombstones(source, ranges); });
  if (!done.is_ok()) return done.status();
  while (done->wait_for(kBetweenSigns) != std::future_status::ready) alive();
  ready(std::span(&source, 1));
  return done->get();
}

Status FoldLoop::leave_tombstones(SourceRef source, const std::vector<store::SeqRange>& ranges) {
  SILT_ASSIGN(const auto segments, folds_.segments(source));
  FoldCommit commit;
  std::uint64_t bytes = 0;
  const auto write = [&]() -> Status {
    if (commit.sealed.empty()) return Status::ok();
    commit.source = source;
    SILT_ASSIGN(commit.head, folds_.fold_head(source));
    SILT_TRY(folds_.commit({&commit, 1}));
    point("fold.segments_forgotten");
    commit = FoldCommit();
    bytes = 0;
    return Status::ok();
  };
  for (const store::SegmentInfo& segment : segments) {
    if (!store::touches(ranges, segment.first_seq, segment.last_seq)) continue;
    SILT_TRY(seal_without(source, segment, ranges, commit));
    bytes += commit.sealed.back().bytes.size();
    last_progress_us_ = clock_.monotonic_us();
    if (bytes >= options_.commit_bytes) SILT_TRY(write());
  }
  SILT_TRY(write());
  SILT_TRY(folds_.forget(source, ranges));
  point("fold.forgotten");
  return Status::ok();
}

// Of a segment that cannot be read nothing can be told: it is all tombstones.
Status FoldLoop::seal_without(SourceRef source, const store::SegmentInfo& segment, const std::vector<store::SeqRange>& ranges,
                              FoldCommit& commit) {
  store::SegmentBuilder builder;
  SILT_ASSIGN(const store::BlockPtr block, log_.block_after(source, segment.first_seq - 1));
  const bool readable = block && block->damage.empty() && block->first_seq == segment.first_seq;
  for (Seq seq = segment.first_seq; seq <= segment.last_seq; ++seq) {
    const std::size_t at = seq - segment.first_seq;
    RecordView record;
    record.seq = seq;
    record.arrival_us = segment.last_arrival_us;
    if (readable) record = block->records.records()[at];
    if (!readable || store::contains(ranges, seq)) record = store::tombstone_of(record);
    store::FoldMark mark;
    mark.event_us = record.arrival_us;
    if (readable && at < block->marks.size() && !store::is_forgotten(record)) mark = block->marks[at];
    fold::scan_line(record.text, line_);
    add(builder, record, mark);
  }
  return finish_segment(builder, commit);
}

}  // namespace silt::learn
