// SentenceScorer: how near patterns are to a question, by the sentence encoder. English mostly.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemon/answer/meaning/pattern_vectors.h"
#include "daemon/answer/plan/topic.h"

namespace silt::answer::meaning {

// For one question: each text is encoded once, whatever the number of sources. One thread uses it.
class SentenceScorer final : public plan::TopicScorer {
 public:
  explicit SentenceScorer(PatternVectors& vectors) : vectors_(vectors) {}
  // Cosines; NaN of patterns that have no vector yet.
  std::vector<float> score(const std::string& text, const search::Profile& profile) override;

 private:
  PatternVectors& vectors_;
  std::map<std::string, std::vector<float>> encoded_;
};

}  // namespace silt::answer::meaning
