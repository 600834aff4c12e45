#include "daemon/learn/cpu_share.h"

#include <algorithm>
#include <ctime>

namespace silt::learn {
namespace {

constexpr double kBurstUs = 200'000;  // unused share that is kept for later

std::int64_t thread_cpu_us() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1'000'000LL + time.tv_nsec / 1000;
}

}  // namespace

std::int64_t CpuShare::pause_us(std::int64_t monotonic_us) {
  return pause_us(monotonic_us, thread_cpu_us());
}

std::int64_t CpuShare::pause_us(std::int64_t monotonic_us, std::int64_t cpu_us) {
  if (share_ <= 0) return 0;
  if (started_) {
    balance_us_ += share_ * static_cast<double>(monotonic_us - last_wall_us_);
    balance_us_ = std::min(balance_us_, kBurstUs);
    balance_us_ -= static_cast<double>((cpu_us - last_cpu_us_) * threads_);
  }
  started_ = true;
  last_wall_us_ = monotonic_us;
  last_cpu_us_ = cpu_us;
  return balance_us_ >= 0 ? 0 : static_cast<std::int64_t>(-balance_us_ / share_);
}

}  // namespace silt::learn
