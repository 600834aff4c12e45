#include "daemon/answer/meaning/sentence_scorer.h"

#include <limits>
#include <string_view>

#include "daemon/answer/meaning/packed_vector.h"

namespace silt::answer::meaning {

// The mean of the texts' vectors: its products are the means of theirs. Empty when they cannot be encoded.
const std::vector<float>& SentenceScorer::mean_of(const std::vector<std::string>& texts) {
  const auto [at, is_new] = means_.try_emplace(texts);
  std::vector<float>& mean = at->second;
  if (!is_new) return mean;
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  std::vector<float> vectors;
  if (!encoder_->encode(views, vectors).is_ok()) return mean;
  mean.assign(static_cast<std::size_t>(encoder_->width()), 0);
  for (std::size_t i = 0; i < vectors.size(); ++i) mean[i % mean.size()] += vectors[i] / static_cast<float>(texts.size());
  return mean;
}

std::vector<float> SentenceScorer::score(const std::vector<std::string>& texts, const search::Profile& profile) {
  std::vector<float> out(profile.patterns.size(), std::numeric_limits<float>::quiet_NaN());
  const auto table = vectors_.of(profile.ref);
  if (!encoder_ || table->empty()) return out;  // nothing to compare with: the texts need not be encoded
  const std::vector<float>& mean = mean_of(texts);
  if (mean.empty()) return out;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (const auto found = table->find(profile.patterns[i].id); found != table->end()) out[i] = dot(found->second.bytes, mean);
  }
  return out;
}

}  // namespace silt::answer::meaning
