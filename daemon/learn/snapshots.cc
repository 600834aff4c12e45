#include "daemon/learn/snapshots.h"

#include <utility>

namespace silt::learn {

Snapshot snapshot_of(store::SourceRef source, const store::NetHead& head,
                     std::shared_ptr<const model::FastWeights> weights) {
  Snapshot snapshot{source, head.state_version, head.learned_seq, head.state_digest, 0, std::move(weights)};
  for (const float bits : head.window_bits) snapshot.bits_per_byte_window += bits;
  if (!head.window_bits.empty())
    snapshot.bits_per_byte_window /= static_cast<double>(head.window_bits.size());
  return snapshot;
}

void Snapshots::publish(Snapshot snapshot) {
  auto shared = std::make_shared<const Snapshot>(std::move(snapshot));
  const std::lock_guard lock(mutex_);
  by_source_[shared->source] = std::move(shared);
}

void Snapshots::release_weights(store::SourceRef source) {
  const auto published = get(source);
  if (!published || !published->weights) return;
  Snapshot light = *published;
  light.weights = nullptr;
  publish(std::move(light));
}

void Snapshots::remove(store::SourceRef source) {
  const std::lock_guard lock(mutex_);
  by_source_.erase(source);
}

std::shared_ptr<const Snapshot> Snapshots::get(store::SourceRef source) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_source_.find(source);
  return found == by_source_.end() ? nullptr : found->second;
}

}  // namespace silt::learn
