#include "daemon/answer/meaning/sentence_scorer.h"

#include <limits>

#include "daemon/answer/meaning/packed_vector.h"

namespace silt::answer::meaning {

std::vector<float> SentenceScorer::score(const std::string& text, const search::Profile& profile) {
  std::vector<float> out(profile.patterns.size(), std::numeric_limits<float>::quiet_NaN());
  const auto table = vectors_.of(profile.ref);
  if (table->empty()) return out;  // nothing to compare with: the text need not be encoded
  const auto [at, is_new] = encoded_.try_emplace(text);
  if (is_new) {
    if (auto vector = vectors_.encoder().encode(text); vector.is_ok()) at->second = std::move(*vector);
  }
  if (at->second.empty()) return out;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (const auto found = table->find(profile.patterns[i].id); found != table->end()) out[i] = dot(found->second.bytes, at->second);
  }
  return out;
}

}  // namespace silt::answer::meaning
