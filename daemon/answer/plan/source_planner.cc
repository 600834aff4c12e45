#include "daemon/answer/plan/source_planner.h"

#include <algorithm>
#include <array>
#include <set>

#include "daemon/answer/language/words.h"
#include "daemon/answer/plan/thesaurus.h"

namespace silt::answer::plan {
namespace {

using language::Reading;
using search::Profile;

bool has(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

constexpr float kFieldWeight = 2.5F;

}  // namespace

std::vector<std::string> operand_words(const Reading& reading) {
  std::vector<std::string> out;
  for (const std::size_t i : reading.operand) out.push_back(reading.words[i].text);
  return out;
}

SourcePlanner::SourcePlanner(const Reading& reading, const Profile& profile, std::size_t index)
    : reading_(reading), profile_(profile), topic_(topic_of(reading)) {
  out_.sources = {index};
  out_.query.sources = {profile.name};
  out_.query.op = reading.op();
  out_.query.window = language::intersect(reading.windows);
  out_.query.not_words = reading.not_words;
  weight_.assign(topic_.words.size(), 0);
  got_.assign(topic_.words.size(), 0);
  split_topic();
  ground_values();
  matches_ = match_topic(pick(subject_), profile_, 64);
  for (std::size_t i = 0; i < subject_.size(); ++i) weight_[subject_[i]] = matches_.weights[i];
  if (!matches_.best.empty()) fitness_ = matches_.best.front().coverage * 10 + matches_.best.front().score;
  fitness_ += kFieldWeight * static_cast<float>(fields_.tests.size());
  fitness_ += 8 * static_cast<float>(out_.query.words.size());
}

Topic SourcePlanner::pick(const std::vector<std::size_t>& words) const {
  Topic out;
  for (const std::size_t i : words) out.words.push_back(topic_.words[i]);
  return out;
}

void SourcePlanner::split_topic() {
  fields_ = ground_fields(reading_, topic_, profile_);
  const std::set<std::size_t> operand(reading_.operand.begin(), reading_.operand.end());
  for (std::size_t t = 0; t < topic_.words.size(); ++t) {
    if (operand.contains(topic_.words[t].at)) {
      operand_.push_back(t);
    } else if (fields_.taken.contains(t)) {
      weight_[t] = got_[t] = kFieldWeight;
    } else if (!fields_.plain.contains(t)) {
      subject_.push_back(t);
    }
  }
}

// Identifiers and quoted text must be there as they are.
void SourcePlanner::ground_values() {
  for (const std::string& value : reading_.values) out_.query.words.push_back({language::lower(value)});
}

void SourcePlanner::use_match(const PatternMatch& match, const TopicMatches& matches, const std::vector<std::size_t>& words) {
  std::set<std::uint32_t> stems;
  for (const std::uint32_t w : match.words) {
    const std::uint32_t stem = profile_.words[w].stem;
    if (!stems.insert(stem).second) continue;
    WordGroup group = {profile_.words[w].text};
    for (const std::uint32_t other : profile_.words_of_stem[stem]) {
      if (other != w) group.push_back(profile_.words[other].text);
    }
    out_.query.words.push_back(std::move(group));
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (match.matched[i]) got_[words[i]] = matches.weights[i];
  }
  for (const PatternMatch& other : matches.best) {
    const bool all = std::all_of(match.words.begin(), match.words.end(), [&](std::uint32_t w) {
      return std::any_of(other.words.begin(), other.words.end(), [&](std::uint32_t o) { return profile_.words[o].stem == profile_.words[w].stem; });
    });
    if (all) chosen_.push_back(other.pattern);
  }
}

std::vector<std::uint32_t> SourcePlanner::patterns_in_scope() const {
  return chosen_;
}

OperandChoice SourcePlanner::operand_for(OperandUse use) const {
  OperandRequest request;
  request.profile = &profile_;
  request.patterns = patterns_in_scope();
  request.words = operand_words(reading_);
  for (const std::size_t i : reading_.topic) {
    const std::string& text = reading_.words[i].text;
    if (!has(request.words, text)) request.other_words.push_back(text);
  }
  request.use = use;
  request.unit = reading_.unit;
  request.who = reading_.who;
  request.where = reading_.where;
  return choose_operand(request);
}

// Coverage: what share of the question's weight the query holds.
void SourcePlanner::measure() {
  float all = 0, got = 0;
  for (std::size_t t = 0; t < topic_.words.size(); ++t) {
    all += weight_[t];
    got += std::min(got_[t], weight_[t]);
    if (weight_[t] > 0 && got_[t] <= 0) out_.lost.push_back(topic_.words[t].text);
  }
  for (const std::string& number : fields_.lost) {
    all += kFieldWeight;
    out_.lost.push_back(number);
  }
  out_.coverage = all > 0 ? got / all : 1;
}

Candidate SourcePlanner::plan() {
  out_.query.tests = fields_.tests;
  if (!subject_.empty() && !matches_.best.empty()) {
    const PatternMatch& best = matches_.best.front();
    if (fields_.tests.empty() || best.coverage > 0.5F) use_match(best, matches_, subject_);
  }
  for (const PatternMatch& match : matches_.best) {
    if (out_.near.size() < 5) out_.near.push_back({out_.sources[0], match.pattern, match.score});
  }
  out_.ground = !out_.query.words.empty() ? (chosen_.empty() ? Ground::kValue : Ground::kPatterns)
                : !fields_.tests.empty()  ? Ground::kField
                                          : Ground::kAll;
  shape();
  measure();
  return std::move(out_);
}

}  // namespace silt::answer::plan
