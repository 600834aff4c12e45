// SentenceScorer: how near patterns are to a question, by the sentence encoder. English mostly.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/answer/meaning/pattern_vectors.h"
#include "daemon/answer/plan/topic.h"

namespace silt::answer::meaning {

// For one question: its texts are encoded once, whatever the number of sources. One thread uses it.
class SentenceScorer final : public plan::TopicScorer {
 public:
  explicit SentenceScorer(PatternVectors& vectors) : vectors_(vectors), encoder_(vectors.encoder()) {}
  // Cosines; NaN of patterns that have no vector yet.
  std::vector<float> score(const std::vector<std::string>& texts, const search::Profile& profile) override;

 private:
  const std::vector<float>& mean_of(const std::vector<std::string>& texts);

  PatternVectors& vectors_;
  std::shared_ptr<const model::Encoder> encoder_;  // null: not opened yet
  std::map<std::vector<std::string>, std::vector<float>> means_;
};

}  // namespace silt::answer::meaning
