// LatencyWindow: how long things took, those of the last minute. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace silt::learn {

class LatencyWindow {
 public:
  void add(std::int64_t latency_us, std::int64_t now_us);
  // So many of them, 0 to 1, took no longer, to 19%. 0 when there are none.
  std::uint64_t ms(double share, std::int64_t now_us);

 private:
  static constexpr std::size_t kSteps = 4;  // of each doubling
  static constexpr std::size_t kBuckets = 36 * kSteps;
  struct Second {
    std::int64_t begin_us = 0;
    std::array<std::uint32_t, kBuckets> counts{};
  };
  void forget(std::int64_t now_us);
  std::deque<Second> seconds_;
};

}  // namespace silt::learn
