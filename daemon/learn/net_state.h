// NetState: everything that reading a source's journal has taught its net, as one value.
//
// A pure function of (records behind the base up to learned_seq with their fold marks, shed marks, policy
// history, model, backend path). The blob holds all of it; the digest covers all of it but the mere
// counts of lines, so equal digests mean equal futures. Owned by the learner thread.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/status.h"
#include "daemon/fold/policy.h"
#include "daemon/learn/policy_history.h"
#include "daemon/store/types.h"
#include "model/learner.h"

namespace silt::learn {

// A record whose score is not final: some of its tokens wait for their mini-batch, or those of a record
// before it do. Sums are of the tokens already scored.
struct PendingRecord {
  store::Score score;         // without the nats
  std::uint32_t waiting = 0;  // tokens not yet scored
  double adapted_nats = 0;
  double frozen_nats = 0;

  store::Score scored(double adapted, double frozen) const;
};

struct NetState {
  model::AdaptedState net;
  fold::Policy policy;
  // All records from the first unfinished one on, so that scores become final in order. The first one
  // waits for tokens.
  std::deque<PendingRecord> pending;
  std::uint32_t settled_tokens = 0;  // the first so many open tokens are of records that are final
  store::NetHead head;               // state_digest is filled in by commits
};

inline constexpr std::size_t kWindowBatches = 32;  // mini-batches in NetHead::window_bits

// What a learner over several devices knows a source by: where its state lives is decided by it.
std::uint64_t key_of(store::SourceRef source);

// The state at the base of `base`: learned_seq = base_seq, version = base_version.
NetState fresh_state(model::Learner& learner, const store::NetHead& base, const PolicyHistory& history, std::uint64_t key = 0);

// Whether the net has read anything since the base. If not, there is nothing to replay or to keep.
bool has_net(const store::NetHead& head);
// Counts the records behind learned_seq up to `last`, which need not be read or cannot be. They get no
// scores.
void count_unread(store::NetHead& head, store::Seq last, fold::Outcome outcome);
void count(store::NetHead& head, store::Decision decision, fold::Outcome outcome);
// What a replay must reach besides the digest.
bool same_counts(const store::NetHead& a, const store::NetHead& b);

Digest digest_of(const NetState& state, const model::Learner& learner);
// Of many at once, which devices do faster.
std::vector<Digest> digests_of(std::span<const NetState* const> states, const model::Learner& learner);

std::string encode_state(const NetState& state, const model::Learner& learner);
// kDataLoss or the learner's own reason when the blob is damaged or foreign. Identity fields of the
// head (backend, fingerprint, learn_config) are the caller's.
Result<NetState> decode_state(std::string_view blob, model::Learner& learner, const PolicyHistory& history,
                              std::uint64_t key = 0);

}  // namespace silt::learn
