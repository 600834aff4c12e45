// A store in memory that keeps the contracts of the real one, counts what is written, and breaks on
// demand; with a fold of its own, which gives a pattern to lines that differ in digits only.
#pragma once

#include <cctype>
#include <map>
#include <mutex>
#include <set>

#include "base/bytes.h"
#include "daemon/learn/control.h"
#include "daemon/store/fold_store.h"
#include "daemon/store/net_store.h"
#include "daemon/store/record_log.h"
#include "daemon/store/seq_ranges.h"
#include "daemon/store/tombstone.h"

namespace silt::testing {

struct StoredSource {
  store::SourceInfo info;
  std::vector<std::shared_ptr<store::Block>> blocks;
  std::vector<store::ShedMark> sheds;
  store::IntakeHead intake;
  store::FoldHead fold;
  std::map<std::string, store::PatternId> patterns;
  std::optional<store::NetHead> net;
  std::map<store::Seq, store::Score> scores;
  std::vector<store::Score> tail;
  std::vector<std::pair<store::StateVersionInfo, std::string>> blobs;  // oldest first
  std::vector<store::SeqRange> left_out;
};

class MemoryStore final : public store::RecordLog,
                          public store::FoldStore,
                          public store::NetStore,
                          public learn::FoldControl {
 public:
  // What the tests look at and turn.
  bool keep_blobs = true;
  std::size_t blobs_kept = 2;
  std::uint64_t net_commits = 0;       // each a sync
  std::uint64_t most_in_a_commit = 0;  // sources
  std::uint64_t blobs_written = 0;
  std::uint64_t scores_out_of_order = 0;
  std::uint64_t fold_resets = 0;

  // --- RecordLog
  Result<store::SourceInfo> open_source(const std::string& tenant, const std::string& stream,
                                        const std::string& connector) override {
    const std::lock_guard lock(mutex_);
    for (const auto& [ref, source] : sources_) {
      if (source.info.stream == stream) return source.info;
    }
    const store::SourceRef ref{store::TenantId{tenant == "default" ? 1U : 2U}, store::SourceId{static_cast<std::uint32_t>(++last_id_)}};
    StoredSource& source = sources_[ref];
    source.info = {ref, tenant, stream, stream, connector};
    return source.info;
  }
  std::vector<store::SourceInfo> sources() const override {
    const std::lock_guard lock(mutex_);
    std::vector<store::SourceInfo> out;
    for (const auto& [ref, source] : sources_) out.push_back(source.info);
    return out;
  }
  Result<store::SourceInfo> source(store::SourceRef ref) const override {
    return with(ref, [](const StoredSource& source) { return source.info; });
  }
  Status append(const store::GroupAppend& group) override {
    const std::lock_guard lock(mutex_);
    for (const store::StreamAppend& stream : group.streams) {
      StoredSource& source = sources_.at(stream.source);
      auto texts = std::make_unique<std::string[]>(stream.records.size());
      auto block = std::make_shared<store::Block>();
      std::vector<store::RecordView> records = stream.records;
      for (std::size_t i = 0; i < records.size(); ++i) {
        texts[i] = records[i].text;
        records[i].text = texts[i];
        records[i].seq = ++source.intake.journal_seq;
        source.intake.bytes += texts[i].size();
        source.intake.last_arrival_us = records[i].arrival_us;
      }
      source.intake.lines += records.size();
      block->first_seq = records.front().seq;
      block->last_seq = records.back().seq;
      block->records = store::RecordBlock(std::move(texts), std::move(records));
      source.blocks.push_back(std::move(block));
    }
    return Status::ok();
  }
  Result<std::vector<connectors::CursorRow>> cursors(const std::string&) const override {
    return std::vector<connectors::CursorRow>();
  }
  Result<store::BlockPtr> block_after(store::SourceRef ref, store::Seq after) const override {
    return with(ref, [&](const StoredSource& source) -> store::BlockPtr {
      for (const auto& block : source.blocks) {
        if (block->last_seq > after) return block;
      }
      return nullptr;
    });
  }
  Result<store::JournalRecord> read(store::SourceRef, store::Seq) const override {
    return unimplemented("not needed here");
  }
  Result<store::IntakeHead> intake_head(store::SourceRef ref) const override {
    return with(ref, [](const StoredSource& source) { return source.intake; });
  }
  Result<std::vector<store::Gap>> gaps(store::SourceRef) const override { return unimplemented("memory"); }
  Status append_shed_mark(store::SourceRef ref, const store::ShedMark& mark) override {
    const std::lock_guard lock(mutex_);
    sources_.at(ref).sheds.push_back(mark);
    return Status::ok();
  }
  Result<std::vector<store::ShedMark>> shed_marks(store::SourceRef ref, store::Seq after) const override {
    return with(ref, [&](const StoredSource& source) {
      std::vector<store::ShedMark> marks = source.sheds;
      std::erase_if(marks, [&](const store::ShedMark& mark) { return mark.last_seq <= after; });
      return marks;
    });
  }

  // --- FoldStore, and the fold itself
  Result<store::FoldHead> fold_head(store::SourceRef ref) const override {
    return with(ref, [](const StoredSource& source) { return source.fold; });
  }
  Status patterns(store::SourceRef, std::vector<store::PatternRow>&) const override { return Status::ok(); }
  Status commit(std::span<const store::FoldCommit>) override { return unimplemented("see fold()"); }
  Result<std::vector<store::SegmentInfo>> segments(store::SourceRef) const override {
    return std::vector<store::SegmentInfo>();
  }
  Result<store::Seq> trim(store::SourceRef ref, store::Seq floor) override {
    const std::lock_guard lock(mutex_);
    StoredSource& source = sources_.at(ref);
    while (!source.blocks.empty() && source.blocks.front()->last_seq <= floor) {
      source.fold.floor_seq = source.blocks.front()->last_seq;
      source.blocks.erase(source.blocks.begin());
    }
    return source.fold.floor_seq;
  }
  Status reset_fold(store::SourceRef ref) override {
    const std::lock_guard lock(mutex_);
    StoredSource& source = sources_.at(ref);
    source.fold = {.folded_seq = source.fold.floor_seq, .floor_seq = source.fold.floor_seq};
    source.patterns.clear();
    return Status::ok();
  }
  Status forget(store::SourceRef ref, const std::vector<store::SeqRange>& ranges) override {
    change(ref, [&](StoredSource& source) {
      for (auto& shared : source.blocks) {
        auto block = std::make_shared<store::Block>(copy_of(*shared));
        std::vector<store::RecordView> records(block->records.records().begin(), block->records.records().end());
        for (store::RecordView& record : records) {
          if (store::contains(ranges, record.seq)) record = store::tombstone_of(record);
        }
        auto texts = std::make_unique<std::string[]>(records.size());
        for (std::size_t i = 0; i < records.size(); ++i) records[i].text = texts[i] = records[i].text;
        block->records = store::RecordBlock(std::move(texts), std::move(records));
        shared = std::move(block);
      }
    });
    return reset_fold(ref);
  }
  Status forget(store::SourceRef ref, const std::vector<store::SeqRange>& ranges, const std::function<void()>&) override {
    ++fold_resets;
    SILT_TRY(forget(ref, ranges));
    fold(ref);
    return Status::ok();
  }
  std::uint64_t fold_generation(store::SourceRef) const override { return fold_resets; }
  Status reset(store::SourceRef ref) override {
    ++fold_resets;
    SILT_TRY(reset_fold(ref));
    fold(ref);
    return Status::ok();
  }
  void fold(store::SourceRef ref) {
    const std::lock_guard lock(mutex_);
    StoredSource& source = sources_.at(ref);
    for (auto& shared : source.blocks) {
      if (shared->last_seq <= source.fold.folded_seq) continue;
      auto block = std::make_shared<store::Block>(copy_of(*shared));
      for (const store::RecordView& record : block->records.records()) {
        if (store::is_forgotten(record)) {
          block->marks.push_back({0, record.arrival_us, false});
          continue;
        }
        std::string pattern;
        for (const char c : record.text) {
          if (std::isdigit(static_cast<unsigned char>(c)) == 0) pattern += c;
        }
        const auto [found, is_new] =
            source.patterns.try_emplace(pattern, static_cast<store::PatternId>(source.patterns.size() + 1));
        block->marks.push_back({found->second, record.arrival_us, is_new});
        source.fold.folded_bytes += record.text.size();
      }
      source.fold.folded_seq = block->last_seq;
      source.fold.patterns = source.patterns.size();
      shared = std::move(block);
    }
  }

  // --- NetStore
  Result<std::optional<store::NetHead>> net_head(store::SourceRef ref) const override {
    return with(ref, [](const StoredSource& source) { return source.net; });
  }
  Result<std::optional<store::Checkpoint>> load(store::SourceRef ref) const override {
    return with(ref, [](const StoredSource& source) -> std::optional<store::Checkpoint> {
      if (!source.net) return std::nullopt;
      if (source.blobs.empty()) return store::Checkpoint{*source.net, {}, {}};
      return store::Checkpoint{*source.net, source.blobs.back().first, source.blobs.back().second};
    });
  }
  Status commit(std::vector<store::NetCommit> commits) override {
    const std::lock_guard lock(mutex_);
    ++net_commits;
    most_in_a_commit = std::max<std::uint64_t>(most_in_a_commit, commits.size());
    for (store::NetCommit& commit : commits) {
      const auto found = sources_.find(commit.source);
      if (found == sources_.end()) continue;  // deleted
      StoredSource& source = found->second;
      for (const store::Score& score : commit.scores) {
        if (!source.scores.empty() && score.seq <= source.scores.rbegin()->first) ++scores_out_of_order;
        source.scores[score.seq] = score;
      }
      source.tail = std::move(commit.tail);
      source.net = commit.head;
      if (!commit.blob || !keep_blobs) continue;
      ++blobs_written;
      bool pinned = false;  // the same state, stored again, stays so
      std::erase_if(source.blobs, [&](const auto& blob) {
        const bool same = blob.first.learned_seq == commit.head.learned_seq;
        pinned |= same && blob.first.pinned;
        return same;
      });
      source.blobs.emplace_back(store::StateVersionInfo{.state_version = commit.head.state_version,
                                                        .learned_seq = commit.head.learned_seq,
                                                        .state_digest = commit.head.state_digest,
                                                        .blob_bytes = commit.blob->size(),
                                                        .written_us = commit.written_us,
                                                        .reason = commit.blob_reason,
                                                        .pinned = pinned},
                                std::move(*commit.blob));
      if (source.blobs.size() > blobs_kept) source.blobs.erase(source.blobs.begin());
    }
    return Status::ok();
  }
  Result<std::vector<store::StateVersionInfo>> versions(store::SourceRef ref) const override {
    return with(ref, [](const StoredSource& source) {
      std::vector<store::StateVersionInfo> out;
      for (const auto& [info, blob] : source.blobs) out.insert(out.begin(), info);
      return out;
    });
  }
  Result<std::string> blob(store::SourceRef ref, store::Seq learned_seq) const override {
    const std::lock_guard lock(mutex_);
    for (const auto& [info, blob] : sources_.at(ref).blobs) {
      if (info.learned_seq == learned_seq) return blob;
    }
    return not_found("no such version");
  }
  Status pin(store::SourceRef ref, store::Seq learned_seq, bool pinned, const store::RequestResult& request) override {
    change(ref, [&](StoredSource& source) {
      for (auto& [info, blob] : source.blobs) {
        if (info.learned_seq == learned_seq) info.pinned = pinned;
      }
    });
    return put_request({}, request);
  }
  Status rewind(const store::NetRewind& rewind) override {
    change(rewind.source, [&](StoredSource& source) {
      std::erase_if(source.blobs, [&](const auto& blob) { return blob.first.learned_seq > rewind.head.learned_seq; });
      std::erase_if(source.scores, [&](const auto& score) { return score.first > rewind.final_scores_through; });
      source.tail = rewind.tail;
      source.net = rewind.head;
      source.left_out.insert(source.left_out.end(), rewind.left_out.begin(), rewind.left_out.end());
    });
    return put_request({}, rewind.request);
  }
  Result<std::vector<store::SeqRange>> left_out(store::SourceRef ref, store::Seq) const override {
    return with(ref, [](const StoredSource& source) { return store::normalized(source.left_out); });
  }
  Status put_request(store::TenantId, const store::RequestResult& request) override {
    const std::lock_guard lock(mutex_);
    if (!request.request_id.empty()) requests_[request.request_id] = request.result;
    return Status::ok();
  }
  Status scores(store::SourceRef ref, store::Seq first, store::Seq last,
                std::vector<store::Score>& out) const override {
    out.clear();
    const std::lock_guard lock(mutex_);
    const StoredSource& source = sources_.at(ref);
    for (const auto& [seq, score] : source.scores) {
      if (seq >= first && seq <= last) out.push_back(score);
    }
    for (const store::Score& score : source.tail) {
      if (score.seq >= first && score.seq <= last) out.push_back(score);
    }
    return Status::ok();
  }
  Status reset_net(store::SourceRef ref, const store::NetHead& head,
                   const store::RequestResult& request) override {
    const std::lock_guard lock(mutex_);
    StoredSource& source = sources_.at(ref);
    source.scores.clear();
    source.tail.clear();
    source.blobs.clear();
    source.net = head;
    if (!request.request_id.empty()) requests_[request.request_id] = request.result;
    return Status::ok();
  }
  Result<std::optional<std::string>> request_result(store::TenantId, const std::string& id) const override {
    const std::lock_guard lock(mutex_);
    const auto found = requests_.find(id);
    return found == requests_.end() ? std::optional<std::string>() : found->second;
  }

  // --- for tests
  StoredSource of(store::SourceRef ref) const {
    const std::lock_guard lock(mutex_);
    return sources_.at(ref);
  }
  template <class Change>
  void change(store::SourceRef ref, Change&& change) {
    const std::lock_guard lock(mutex_);
    change(sources_.at(ref));
  }
  void damage(store::SourceRef ref, store::Seq in_block_of) {
    change(ref, [&](StoredSource& source) {
      for (auto& shared : source.blocks) {
        if (in_block_of < shared->first_seq || in_block_of > shared->last_seq) continue;
        auto block = std::make_shared<store::Block>();
        block->first_seq = shared->first_seq;
        block->last_seq = shared->last_seq;
        block->damage = "planted";
        shared = std::move(block);
      }
    });
  }
  void erase(store::SourceRef ref) {
    const std::lock_guard lock(mutex_);
    sources_.erase(ref);
  }
  // All that learning has led to, without the blobs, which depend on time.
  std::string learned(store::SourceRef ref) const {
    const StoredSource source = of(ref);
    const store::NetHead& head = *source.net;
    ByteWriter out;
    for (const std::uint64_t value :
         {head.learned_seq, head.state_version, head.steps, head.learned_lines, head.scored_lines,
          head.counted_lines, head.scored_tokens, head.scored_bytes, head.base_seq, head.base_version,
          head.base_bytes, head.processed_bytes})
      out.varint(value);
    out.string(head.state_digest.hex());
    out.f64(head.scored_nats);
    for (const std::uint64_t value : head.skipped_by_reason) out.varint(value);
    const auto write = [&](const store::Score& score) {
      out.varint(score.seq);
      out.u8(static_cast<std::uint8_t>(score.decision));
      out.u8(score.reason);
      out.varint(score.tokens);
      out.f32(score.adapted_nats);
      out.f32(score.frozen_nats);
    };
    for (const auto& [seq, score] : source.scores) write(score);
    for (const store::Score& score : source.tail) write(score);
    return out.take();
  }

 private:
  template <class Read>
  auto with(store::SourceRef ref, Read&& read) const
      -> Result<decltype(read(std::declval<StoredSource&>()))> {
    const std::lock_guard lock(mutex_);
    const auto found = sources_.find(ref);
    if (found == sources_.end()) return not_found("no such source");
    return read(found->second);
  }
  static store::Block copy_of(const store::Block& block) {
    const auto from = block.records.records();
    auto texts = std::make_unique<std::string[]>(from.size());
    std::vector<store::RecordView> records(from.begin(), from.end());
    for (std::size_t i = 0; i < records.size(); ++i) {
      texts[i] = records[i].text;
      records[i].text = texts[i];
    }
    store::Block copy{block.first_seq, block.last_seq, {}, {}, block.damage};
    copy.records = store::RecordBlock(std::move(texts), std::move(records));
    return copy;
  }

  mutable std::mutex mutex_;
  std::map<store::SourceRef, StoredSource> sources_;
  std::map<std::string, std::string> requests_;
  std::uint64_t last_id_ = 0;
};

}  // namespace silt::testing
