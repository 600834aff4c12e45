#include "daemon/descriptors.h"

#include <sys/resource.h>

#include <algorithm>

namespace silt::daemon {
namespace {

constexpr std::uint64_t kOwn = 30;       // logs, sockets, event loops, compactions
constexpr std::uint64_t kPerInput = 2;   // its inotify instance, and the wait for it
constexpr std::uint64_t kStoreMin = 20;  // RocksDB takes no less
constexpr std::uint64_t kStoreMax = 256;
constexpr std::uint64_t kInputMin = 2;
constexpr std::uint64_t kInputMax = 512;
constexpr std::uint64_t kUnlimited = 1 << 20;

}  // namespace

DescriptorShares share_descriptors(std::uint64_t limit, std::size_t inputs) {
  inputs = std::max<std::size_t>(inputs, 1);
  DescriptorShares shares;
  shares.limit = limit;
  shares.store = static_cast<std::uint32_t>(std::clamp(limit / 4, kStoreMin, kStoreMax));
  const std::uint64_t taken = kOwn + kPerInput * inputs + shares.store;
  const std::uint64_t left = limit > taken ? limit - taken : 0;
  // Half is left for callers, and for files that must stay open until they are read.
  shares.each_input = static_cast<std::uint32_t>(std::clamp(left / 2 / inputs, kInputMin, kInputMax));
  return shares;
}

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kUnlimited;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{std::min<rlim_t>(limit.rlim_max, kUnlimited), limit.rlim_max};
    if (raised.rlim_cur > limit.rlim_cur && ::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return std::min<std::uint64_t>(limit.rlim_cur, kUnlimited);
}

}  // namespace silt::daemon
