// Snapshots: the committed state of each source, for readers. The output gate of silt: a snapshot
// is published only after its commit is durable, so no crash can undo what an answer used.
// Safe from any thread; a snapshot stays valid for as long as it is held.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "daemon/store/types.h"
#include "model/adapted_state.h"

namespace silt::learn {

struct Snapshot {
  store::SourceRef source;
  std::uint64_t state_version = 0;
  store::Seq learned_seq = 0;
  Digest state_digest;
  double bits_per_byte_window = 0;
  // Null: W_0. Nothing was learned yet, or the state is not in memory (learn.resident_mib_max).
  std::shared_ptr<const model::FastWeights> weights;
};

// What a committed head says, with the weights that belong to it.
Snapshot snapshot_of(store::SourceRef source, const store::NetHead& head,
                     std::shared_ptr<const model::FastWeights> weights = nullptr);

class Snapshots {
 public:
  void publish(Snapshot snapshot);
  // Leaves the newest snapshot without its weights: the state is not in memory any more.
  void release_weights(store::SourceRef source);
  void remove(store::SourceRef source);
  // Null when the source has never been published.
  std::shared_ptr<const Snapshot> get(store::SourceRef source) const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<store::SourceRef, std::shared_ptr<const Snapshot>> by_source_;
};

}  // namespace silt::learn
