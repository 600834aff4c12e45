// Topic: what a question is about, as alternatives per word, and how well patterns match it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/answer/language/reading.h"
#include "daemon/answer/search/profile.h"

namespace silt::answer::plan {

// One way in which a log may say a word (or several words together) of the question.
struct Alternative {
  std::vector<std::string> stems;  // all must be there
  float factor = 1;                // 1: the word itself
};

struct TopicWord {
  std::string text;
  std::size_t at = 0;              // in the question
  float share = 1;                 // less for words that may be no topic (an operand's)
  std::vector<Alternative> alternatives;
};

struct Topic {
  std::vector<TopicWord> words;
  bool empty() const { return words.empty(); }
};

Topic topic_of(const language::Reading& reading);

// How a pattern matches a topic in its source.
struct PatternMatch {
  std::uint32_t pattern = 0;          // index in the profile
  float score = 0;
  float coverage = 0;                 // share of the topic's weight that it has, 0 to 1
  std::vector<std::uint32_t> words;   // of the profile, that matched
  std::vector<float> got;             // per topic word: how much of its weight
};

// A scorer says how well texts fit a question; matches are fused over scorers.
class TopicScorer {
 public:
  virtual ~TopicScorer() = default;
  // How near each pattern of the profile is to the texts, on average: -1 to 1, larger fits better, and the same
  // scale for all sources; NaN: not known. Empty: the scorer has nothing to say.
  virtual std::vector<float> score(const std::vector<std::string>& texts, const search::Profile& profile) = 0;
};

inline constexpr std::size_t kMatchesMost = 64;  // that are looked at of lines

struct TopicMatches {
  std::vector<PatternMatch> best;     // best first
  std::vector<std::uint32_t> nearest; // patterns by words and meaning together, best first, ten at most
  std::vector<float> weights;         // per topic word: its rarity in this source
  std::vector<bool> known;            // per topic word: the source has it in some way
};
// `near`: what a scorer says of the patterns, or empty. It takes part in `nearest` alone: where words match,
// they choose better.
TopicMatches match_topic(const Topic& topic, const search::Profile& profile, std::size_t most,
                         const std::vector<float>& near = {});

}  // namespace silt::answer::plan
