// The FoldStore part of RocksStore.
#include <algorithm>

#include "daemon/store/keys.h"
#include "daemon/store/marks.h"
#include "daemon/store/rocks_store.h"
#include "daemon/store/rows.h"

namespace silt::store {

Result<FoldHead> RocksStore::fold_head(SourceRef source) const {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(source);
  if (found == known_.end()) return not_found("no such source");
  return found->second.fold;
}

Status RocksStore::commit(std::span<const FoldCommit> commits) {
  const std::lock_guard changing(change_mutex_);
  WriteSet changes = database_->begin();
  std::vector<std::pair<SourceRef, FoldHead>> heads;
  for (const FoldCommit& commit : commits) {
    auto head = fold_head(commit.source);
    if (!head.is_ok()) continue;  // deleted since
    SILT_TRY(put_fold(commit, *head, changes));
    heads.emplace_back(commit.source, *head);
  }
  SILT_TRY(database_->write(std::move(changes)));
  for (const FoldCommit& commit : commits) {
    for (const SealedSegment& sealed : commit.sealed) {
      blocks_.drop(commit.source, sealed.info.first_seq);
    }
  }
  const std::lock_guard lock(mutex_);
  for (const auto& [source, head] : heads) known_.at(source).fold = head;
  return Status::ok();
}

Status RocksStore::put_fold(const FoldCommit& commit, FoldHead& head, WriteSet& changes) const {
  for (const PatternRow& pattern : commit.patterns) {
    const std::string key = keys::of_pattern(keys::kPattern, commit.source, pattern.id);
    changes.put(Family::kMain, key, rows::encode(key, pattern));
  }
  if (!commit.marks.empty()) {
    const std::string key = keys::of_number(keys::kMarks, commit.source, commit.marks_first_seq);
    changes.put(Family::kChunk, key, rows::seal(key, encode_marks(commit.marks)));
  }
  for (const SealedSegment& sealed : commit.sealed) SILT_TRY(put_sealed(commit.source, sealed, head, changes));
  const std::uint64_t segment_bytes = head.segment_bytes;
  const Seq floor = head.floor_seq;
  head = commit.head;
  head.segment_bytes = segment_bytes;
  head.floor_seq = floor;
  const std::string key = keys::of_source(keys::kFoldHead, commit.source);
  changes.put(Family::kMain, key, rows::encode(key, head));
  return Status::ok();
}

// Rows are deleted one by one: a range would stay in the way of every later look at its neighbours.
Status RocksStore::put_sealed(SourceRef source, const SealedSegment& sealed, FoldHead& head,
                              WriteSet& changes) const {
  const auto erase_between = [&](Family family, char table, const auto& erase) {
    return database_->scan(family, keys::of_number(table, source, sealed.info.first_seq),
                           keys::of_number(table, source, sealed.info.last_seq + 1), [&](auto key, auto value) {
                             erase(key, value);
                             changes.erase(family, key);
                             return true;
                           });
  };
  const auto nothing = [](auto, auto) {};
  SILT_TRY(erase_between(Family::kChunk, keys::kChunk, nothing));
  SILT_TRY(erase_between(Family::kChunk, keys::kMarks, nothing));
  SILT_TRY(erase_between(Family::kMain, keys::kSegmentInfo, [&](auto key, auto value) {
    SegmentInfo old;
    if (rows::decode(key, value, old).is_ok()) head.segment_bytes -= std::min(head.segment_bytes, old.stored_bytes);
    changes.erase(Family::kSegment, keys::of_number(keys::kSegment, source, keys::number_at_end(key, 8)));
  }));
  const std::string info_key = keys::of_number(keys::kSegmentInfo, source, sealed.info.first_seq);
  changes.put(Family::kMain, info_key, rows::encode(info_key, sealed.info));
  changes.put(Family::kSegment, keys::of_number(keys::kSegment, source, sealed.info.first_seq), sealed.bytes);
  head.segment_bytes += sealed.info.stored_bytes;
  return Status::ok();
}

Result<std::vector<SegmentInfo>> RocksStore::segments(SourceRef source) const {
  std::vector<SegmentInfo> out;
  const std::string begin = keys::of_source(keys::kSegmentInfo, source);
  SILT_TRY(database_->scan(Family::kMain, begin, keys::after(begin), [&](auto key, auto value) {
    SegmentInfo info;
    info.first_seq = keys::number_at_end(key, 8);
    if (rows::decode(key, value, info).is_ok()) out.push_back(info);
    return true;
  }));
  return out;
}

// What a replay of the net begins with: its newest state. A net that never stepped has none to lose.
Seq RocksStore::replay_base(SourceRef source) const {
  const auto head = net_head(source);
  if (!head.is_ok() || !head->has_value()) return 0;
  const auto stored = versions(source);
  if (stored.is_ok() && !stored->empty()) return stored->front().learned_seq;
  return (*head)->steps == 0 ? (*head)->learned_seq : (*head)->base_seq;
}

Result<Seq> RocksStore::trim(SourceRef source, Seq floor) {
  const std::lock_guard changing(change_mutex_);
  SILT_ASSIGN(FoldHead head, fold_head(source));
  floor = std::min(floor, replay_base(source));
  SILT_ASSIGN(const std::vector<SegmentInfo> all, segments(source));
  WriteSet changes = database_->begin();
  const Seq before = head.floor_seq;
  for (const SegmentInfo& info : all) {
    if (info.last_seq > floor) break;
    changes.erase(Family::kMain, keys::of_number(keys::kSegmentInfo, source, info.first_seq));
    changes.erase(Family::kSegment, keys::of_number(keys::kSegment, source, info.first_seq));
    head.floor_seq = info.last_seq;
    head.segment_bytes -= std::min(head.segment_bytes, info.stored_bytes);
  }
  if (head.floor_seq == before) return before;
  head.folded_seq = std::max(head.folded_seq, head.floor_seq);  // it may be on its way again
  // A row of scores that reaches over the floor stays until all of it is below.
  std::string last_scores;
  SILT_TRY(database_->scan(Family::kMain, keys::of_source(keys::kScores, source),
                           keys::of_number(keys::kScores, source, head.floor_seq + 1), [&](auto key, auto) {
                             if (!last_scores.empty()) changes.erase(Family::kMain, last_scores);
                             last_scores = key;
                             return true;
                           }));
  const std::string key = keys::of_source(keys::kFoldHead, source);
  changes.put(Family::kMain, key, rows::encode(key, head));
  SILT_TRY(database_->write(std::move(changes)));
  const std::lock_guard lock(mutex_);
  known_.at(source).fold = head;
  return head.floor_seq;
}

Status RocksStore::reset_fold(SourceRef source) {
  const std::lock_guard changing(change_mutex_);
  return start_fold_again(source, database_->begin());
}

// With `changes`, in one batch.
Status RocksStore::start_fold_again(SourceRef source, WriteSet changes) {
  SILT_ASSIGN(FoldHead head, fold_head(source));
  head.folded_seq = head.floor_seq;
  head.folded_bytes = 0;
  head.sealed_bytes = 0;
  head.open_chunks = 0;
  head.patterns = 0;
  head.last_event_us = head.last_event_arrival_us = 0;
  head.last_event_place = 0;
  const auto erase = [&](Family family, char table) {
    const std::string begin = keys::of_source(table, source);
    changes.erase_range(family, begin, keys::after(begin));
  };
  erase(Family::kMain, keys::kPattern);
  erase(Family::kMain, keys::kVector);
  erase(Family::kMain, keys::kWatchCursor);
  erase(Family::kMain, keys::kNormal);  // numbers of patterns mean others from now on
  erase(Family::kChunk, keys::kMarks);
  const std::string key = keys::of_source(keys::kFoldHead, source);
  changes.put(Family::kMain, key, rows::encode(key, head));
  SILT_TRY(database_->write(std::move(changes)));
  blocks_.drop(source);
  const std::lock_guard lock(mutex_);
  Known& known = known_.at(source);
  known.fold = head;
  ++known.fold_generation;
  return Status::ok();
}

std::uint64_t RocksStore::fold_generation(SourceRef source) const {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(source);
  return found == known_.end() ? 0 : found->second.fold_generation;
}

}  // namespace silt::store
