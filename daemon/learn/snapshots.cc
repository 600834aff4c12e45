#include "daemon/learn/snapshots.h"

namespace silt::learn {
namespace {

std::uint64_t key_of(store::SourceRef source) {
  return static_cast<std::uint64_t>(source.tenant) << 32 | static_cast<std::uint64_t>(source.source);
}

}  // namespace

void Snapshots::publish(std::shared_ptr<const Snapshot> snapshot) {
  const std::uint64_t key = key_of(snapshot->source);
  const std::lock_guard lock(mutex_);
  by_source_[key] = std::move(snapshot);
}

std::shared_ptr<const Snapshot> Snapshots::get(store::SourceRef source) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_source_.find(key_of(source));
  return found == by_source_.end() ? nullptr : found->second;
}

}  // namespace silt::learn
