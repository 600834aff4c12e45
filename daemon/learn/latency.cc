#include "daemon/learn/latency.h"

#include <algorithm>
#include <cmath>

namespace silt::learn {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kWindowUs = 60 * kSecondUs;

}  // namespace

void LatencyWindow::add(std::int64_t latency_us, std::int64_t now_us) {
  forget(now_us);
  if (seconds_.empty() || now_us - seconds_.back().begin_us >= kSecondUs) seconds_.emplace_back().begin_us = now_us;
  const double doublings = std::log2(static_cast<double>(std::max<std::int64_t>(1, latency_us)));
  const auto bucket = static_cast<std::size_t>(std::ceil(doublings * kSteps));
  ++seconds_.back().counts[std::min(bucket, kBuckets - 1)];
}

std::uint64_t LatencyWindow::ms(double share, std::int64_t now_us) {
  forget(now_us);
  std::array<std::uint64_t, kBuckets> counts{};
  std::uint64_t total = 0;
  for (const Second& second : seconds_) {
    for (std::size_t i = 0; i < kBuckets; ++i) counts[i] += second.counts[i];
    for (const std::uint32_t count : second.counts) total += count;
  }
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(total)));
  std::uint64_t passed = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    passed += counts[i];
    if (passed < wanted || passed == 0) continue;
    return static_cast<std::uint64_t>(std::ceil(std::exp2(static_cast<double>(i) / kSteps) / 1000));
  }
  return 0;
}

void LatencyWindow::forget(std::int64_t now_us) {
  while (!seconds_.empty() && now_us - seconds_.front().begin_us > kWindowUs) seconds_.pop_front();
}

}  // namespace silt::learn
