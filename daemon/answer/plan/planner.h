// Planner: from a reading and the profiles of the sources in scope to queries, best first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/answer/language/reading.h"
#include "daemon/answer/plan/signs.h"
#include "daemon/answer/plan/topic.h"
#include "daemon/answer/query.h"
#include "daemon/answer/search/execute.h"

namespace silt::answer::plan {

enum class Ground : std::uint8_t { kPatterns, kField, kValue, kAll, kOddness };

struct NearPattern {
  std::size_t source = 0;   // index in the scope
  std::uint32_t pattern = 0;  // index in the profile
  float score = 0;
};

// Words by which records are found, and how much of the question they hold.
struct Wording {
  std::vector<WordGroup> words;
  std::vector<float> weights;
  float coverage = 0;
};

struct Candidate {
  Query query;
  std::vector<std::size_t> sources;      // indexes in the scope
  std::vector<float> word_weights;       // per group of query.words: how much of the question it holds
  std::size_t firm_words = 0;            // the first ones, which were said literally
  std::vector<Wording> others;           // of the words behind the firm ones: the next best, where nothing is found
  std::vector<std::string> soft_tests;   // slots whose test is only a guess from a number
  float weight = 0;                      // of the whole question
  bool bound_lost = false;               // "more than 5 ..." of which no slot is known
  bool negation_lost = false;            // a "not" of the question that stands nowhere in the query
  bool state_lost = false;               // "failed", "refused": a word without which the rest means something else
  bool asked_lost = false;               // "who ...", "which host ...": no slot is known for it
  bool value_alone = false;              // of all that was said the query holds an identifier only
  bool prose = false;                    // the source is text: its lines are the answer
  std::string wanted_unit;               // of a number asked of prose
  std::vector<std::string> prose_words;  // what a line of prose should say
  Ground ground = Ground::kPatterns;
  Signs signs{};                         // of the source, where there are several
  float margin = 1;                      // the share of the source among them, 0 to 1
  float coverage = 0;                    // of the topic, 0 to 1
  float operand_score = 1;               // 1 when none is asked for
  std::vector<std::string> lost;         // words of the question that stand nowhere in the query
  std::vector<std::string> impossible;   // times of the question that there are not
  std::vector<NearPattern> near;         // closest patterns, for a reply that claims none
  Topic subject;                         // what they are near to, in words
  std::vector<std::string> asked;        // and as texts, where meaning is still to be looked at (fill_near)
};

struct PlanContext {
  language::TimeContext time;            // of the asker
  search::Profiles scope;
  bool scoped = false;                   // the asker named the sources
  std::size_t tried_max = 5;             // sources that are searched, of many
  std::optional<Query> last;             // of the conversation: what a follow-up goes on from
  TopicScorer* scorer = nullptr;         // meaning; null: words alone
};

// How near the patterns mean what the question does: the whole of it, and what it is about. Empty without a
// scorer.
std::vector<float> nearness(TopicScorer* scorer, const language::Reading& reading, const search::Profile& profile);

// Adds meaning to what a candidate is near to, where it had no say in the plan: for replies that show it.
void fill_near(Candidate& candidate, const search::Profiles& scope, TopicScorer* scorer);

// Never empty unless the scope is.
std::vector<Candidate> make_plans(const std::string& question, const PlanContext& context);

}  // namespace silt::answer::plan
