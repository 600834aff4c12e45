// SourceState: everything that reading a source's journal has led to, as one value.
//
// Two readers follow the journal: the fold (patterns, policy decisions, index) up to folded_seq, as
// fast as the disk gives, and the net up to learned_seq, as fast as the CPU share gives. The policy
// decides while folding; the net carries out what the evidence rows say. Hence questions see every
// journalled record at once, however far the net is behind.
//
// The state is a pure function of (records behind base_seq up to the two cursors, shed marks, learn
// config, model, backend path). The blob holds all of it; the digest covers all of it, so equal digests mean
// equal futures. Owned by the learner thread.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/status.h"
#include "daemon/fold/miner.h"
#include "daemon/fold/policy.h"
#include "daemon/store/types.h"
#include "model/learner.h"

namespace silt::daemon {

// A record some of whose tokens wait for their mini-batch. Sums are of the tokens already scored.
struct PendingRecord {
  Evidence evidence;  // without scores
  std::uint32_t tokens = 0;
  std::uint32_t waiting = 0;  // of these, not yet scored
  double adapted_nats = 0;
  double frozen_nats = 0;
  // Not part of the state: what the store already has of this record's evidence.
  enum class Stored : std::uint8_t { kUnscored, kTailScored } stored = Stored::kUnscored;

  Evidence scored(double adapted, double frozen) const;
};

struct SourceState {
  model::AdaptedState net;
  Miner miner;
  Policy policy;
  std::deque<PendingRecord> pending;  // in stream order
  Head head;                          // counters; state_digest is filled in by commits
};

inline constexpr std::size_t kWindowBatches = 32;  // mini-batches in Head::window_bits

// The state before the first record: both cursors = base.base_seq, version = base.base_version.
SourceState fresh_state(model::Learner& learner, const PolicyConfig& config, const Head& base);

Digest digest_of(const SourceState& state, const model::Learner& learner);

std::string encode_state(const SourceState& state, const model::Learner& learner);
// kDataLoss or the learner's own reason when the blob is damaged or foreign. Identity fields of the
// head (backend, fingerprint, learn_config) are the caller's.
Result<SourceState> decode_state(std::string_view blob, model::Learner& learner, const PolicyConfig& config);

// The learn config as stored in heads, so that a replay decides as the first run did.
std::string encode_config(const PolicyConfig& config);
PolicyConfig decode_config(std::string_view bytes, const PolicyConfig& fallback);

}  // namespace silt::daemon
