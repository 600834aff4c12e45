#include "model/sampler.h"

#include <algorithm>
#include <cmath>

namespace silt::model {

Sampler::Sampler(float temperature, float top_p, std::uint64_t seed)
    : temperature_(temperature), top_p_(top_p), random_(seed) {}

// SplitMix64: a counter through a bijective mix; good enough for choosing words and four lines long.
double Sampler::uniform() {
  std::uint64_t z = random_ += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
}

std::optional<Token> Sampler::choose(std::span<const float> logits, const std::vector<bool>& allowed) {
  candidates_.clear();
  std::optional<std::size_t> best;
  for (std::size_t t = 0; t < logits.size(); ++t) {
    if (!allowed[t] || !std::isfinite(logits[t])) continue;
    if (!best || logits[t] > logits[*best]) best = t;
    candidates_.push_back({.token = static_cast<Token>(t), .weight = logits[t]});
  }
  if (!best) return std::nullopt;
  if (!(temperature_ > 0)) return static_cast<Token>(*best);

  double total = 0;
  for (Candidate& candidate : candidates_) {
    candidate.weight = std::exp((candidate.weight - logits[*best]) / temperature_);
    total += candidate.weight;
  }
  if (top_p_ < 1) {
    std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
      return a.weight != b.weight ? a.weight > b.weight : a.token < b.token;
    });
    double kept = 0;
    std::size_t count = 0;
    while (count < candidates_.size() && kept < top_p_ * total) kept += candidates_[count++].weight;
    candidates_.resize(std::max<std::size_t>(count, 1));
    total = std::max(kept, candidates_.front().weight);
  }
  double left = uniform() * total;
  for (const Candidate& candidate : candidates_) {
    left -= candidate.weight;
    if (left < 0) return candidate.token;
  }
  return candidates_.back().token;
}

}  // namespace silt::model
