// Pacer: holds the learner to its CPU share, and knows how fast it goes. Learner thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <utility>

#include "base/clock.h"
#include "daemon/learn/cpu_share.h"

namespace silt::learn {

class Pacer {
 public:
  // `wait` waits for so long, or less when something comes up.
  Pacer(const Clock& clock, double share, int threads, std::function<void(std::int64_t us)> wait)
      : clock_(clock), cpu_share_(share, threads), wait_(std::move(wait)) {}

  // After work, which read so many tokens: waits as the share demands.
  void pace(std::uint64_t tokens);

  std::uint64_t tokens_per_s();  // over the last minute
  // Monotonic time without the pauses: differences of it are times of work.
  std::int64_t worked_us() const { return clock_.monotonic_us() - paused_us_; }

 private:
  const Clock& clock_;
  CpuShare cpu_share_;
  std::function<void(std::int64_t us)> wait_;
  std::int64_t paused_us_ = 0;
  std::deque<std::pair<std::int64_t, std::uint64_t>> recent_tokens_;  // per second, for a minute
};

}  // namespace silt::learn
