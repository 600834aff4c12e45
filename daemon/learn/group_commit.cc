#include "daemon/learn/group_commit.h"

#include <utility>

namespace silt::learn {
namespace {

constexpr std::uint64_t kGroupBlobBytes = 32ull << 20;  // beyond it a group is written before it grows

}  // namespace

Status GroupCommit::add(std::span<const Member> members) {
  std::vector<const NetState*> states;
  for (const Member& member : members) states.push_back(&member.resident->state);
  std::vector<std::vector<store::Score>> tails(members.size());
  std::vector<NetReader::Tail> open;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (members[i].tail) open.push_back({states[i], &tails[i]});
  }
  SILT_TRY(reader_.tails(open));
  const std::vector<Digest> digests = digests_of(states, learner_);
  for (std::size_t i = 0; i < members.size(); ++i) {
    members[i].resident->state.head.state_digest = digests[i];
    SILT_TRY(add(members[i], std::move(tails[i])));
  }
  return Status::ok();
}

Status GroupCommit::add(const Member& member, std::vector<store::Score> tail) {
  Resident& resident = *member.resident;
  NetState& state = resident.state;
  store::NetCommit commit;
  commit.source = member.source;
  commit.scores = std::exchange(resident.scores, {});
  commit.tail = std::move(tail);
  commit.head = state.head;
  if (!resident.blob_reason.empty()) {
    commit.blob = encode_state(state, learner_);
    commit.blob_reason = std::exchange(resident.blob_reason, {});
    commit.written_us = clock_.wall_us();
    resident.since_blob = {};
    resident.aged_since_us = 0;
    blob_bytes_ += commit.blob->size();
    counters_.blob_bytes += commit.blob->size();
    ++counters_.blobs;
  }
  published_.push_back(snapshot_of(member.source, state.head, state.net.weights));
  group_.push_back(std::move(commit));
  return blob_bytes_ < kGroupBlobBytes ? Status::ok() : flush();
}

Status GroupCommit::add_counted(store::SourceRef source, const store::FoldHead& fold,
                                const fold::PolicyConfig& config) {
  SILT_ASSIGN(const auto stored, nets_.net_head(source));
  store::NetHead head = stored.value_or(store::NetHead());
  if (fold.folded_seq <= head.learned_seq) return Status::ok();
  count_unread(head, fold.folded_seq, fold::Outcome::kModeCount);
  head.processed_bytes = fold.folded_bytes;
  if (!has_net(head)) {
    // Nothing is to be replayed, so the base comes along and retention is free.
    head.backend = learner_.backend_name();
    head.model_fingerprint = options_.model_fingerprint;
    head.base_seq = head.learned_seq;
    head.base_bytes = head.processed_bytes;
    PolicyHistory history = PolicyHistory::from_base(head, config);
    history.counted_before = head.skipped_by_reason;
    head.learn_config = encode_history(history);
    head.state_digest = {};
  }
  published_.push_back(snapshot_of(source, head));
  store::NetCommit commit;
  commit.source = source;
  commit.head = std::move(head);
  group_.push_back(std::move(commit));
  return Status::ok();
}

Status GroupCommit::flush() {
  if (group_.empty()) return Status::ok();
  SILT_TRY(learner_.health());
  options_.point("learn.before_commit");
  SILT_TRY(nets_.commit(std::exchange(group_, {})));
  options_.point("learn.after_commit");
  blob_bytes_ = 0;
  ++counters_.commits;
  for (Snapshot& snapshot : published_) snapshots_.publish(std::move(snapshot));
  published_.clear();
  options_.point("learn.after_publish");
  return Status::ok();
}

void GroupCommit::abandon() {
  group_.clear();
  published_.clear();
  blob_bytes_ = 0;
}

}  // namespace silt::learn
