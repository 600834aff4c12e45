// Normals: which changes are no news, because someone said so. A copy of the store's rows in memory, which every change
// is held against; what is over is removed from both. Safe from any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "daemon/store/normal_store.h"
#include "daemon/watch/change.h"

namespace silt::watch {

class Normals {
 public:
  static constexpr std::int64_t kForMaxUs = 366LL * 86'400 * 1'000'000;
  static constexpr std::size_t kPerTenantMax = 1'000;

  // Both must outlive it.
  Normals(store::NormalStore& rows, const Clock& clock) : store_(rows), clock_(clock) {}

  // Whether a change like this is normal now. Where the store cannot be read, nothing is.
  bool covers(const Change& change);
  // What is normal now, by source, pattern and kind.
  Result<std::vector<store::NormalRow>> list();
  // Durable on return. kResourceExhausted: the tenant has too many.
  Status add(const std::vector<store::NormalRow>& rows);
  Status remove(const std::vector<store::NormalRow>& rows);
  // Rows may have gone with their source, or its patterns: they are read again.
  void reload();

 private:
  Status load();  // with the lock

  store::NormalStore& store_;
  const Clock& clock_;
  std::mutex mutex_;  // of what follows
  bool loaded_ = false;
  std::vector<store::NormalRow> rows_;
};

}  // namespace silt::watch
