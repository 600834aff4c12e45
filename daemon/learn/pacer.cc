#include "daemon/learn/pacer.h"

#include <algorithm>

namespace silt::learn {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;

}  // namespace

void Pacer::pace(std::uint64_t tokens) {
  const std::int64_t now = clock_.monotonic_us();
  if (tokens > 0) {
    if (recent_tokens_.empty() || now - recent_tokens_.back().first >= kSecondUs)
      recent_tokens_.emplace_back(now, 0);
    recent_tokens_.back().second += tokens;
  }
  const std::int64_t pause_us = cpu_share_.pause_us(now);
  if (pause_us <= 0) return;
  wait_(std::min(pause_us, kSecondUs));
  paused_us_ += clock_.monotonic_us() - now;
}

std::uint64_t Pacer::tokens_per_s() {
  const std::int64_t now = clock_.monotonic_us();
  while (!recent_tokens_.empty() && now - recent_tokens_.front().first > 60 * kSecondUs)
    recent_tokens_.pop_front();
  if (recent_tokens_.empty()) return 0;
  std::uint64_t tokens = 0;
  for (const auto& [at, count] : recent_tokens_) tokens += count;
  const std::int64_t span_us = std::max(now - recent_tokens_.front().first, kSecondUs);
  return tokens * kSecondUs / static_cast<std::uint64_t>(span_us);
}

}  // namespace silt::learn
