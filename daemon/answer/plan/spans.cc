// Spans: from which records to which others time is asked for, "from request to reply" or, by the state
// that begins and ends with them, "how long was the session open?" (states.tsv).
#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "daemon/answer/language/words.h"
#include "daemon/answer/plan/source_planner.h"
#include "daemon/answer/tables.h"

namespace silt::answer::plan {
namespace {

using search::PatternProfile;
using search::Profile;

// A state, the words of people for it, and what logs say when it begins and ends.
struct State {
  std::vector<std::string> stems;
  std::vector<std::string> begin;
  std::vector<std::string> end;
};

std::vector<std::string> split(std::string_view text, char mark) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(mark, begin), text.size());
    if (end > begin) out.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

const std::vector<State>& states() {
  static const std::vector<State> all = [] {
    std::vector<State> out;
    for (const std::string& line : split(kStatesTsv, '\n')) {
      const auto columns = split(line, '\t');
      if (line.starts_with('#') || columns.size() < 3) continue;
      State state{{}, split(columns[1], '|'), split(columns[2], '|')};
      for (const std::string& word : split(columns[0], '|')) state.stems.push_back(language::stem(word));
      out.push_back(std::move(state));
    }
    return out;
  }();
  return all;
}

bool holds(const Profile& profile, const PatternProfile& pattern, const std::string& word) {
  const auto id = profile.word_at.find(word);
  return id != profile.word_at.end() && pattern.word_at.contains(id->second);
}

// How much two patterns have in common, 0 to 1: begin and end are mostly worded alike.
float likeness(const PatternProfile& a, const PatternProfile& b) {
  std::size_t both = 0;
  for (const auto& [word, at] : a.word_at) both += b.word_at.contains(word);
  const std::size_t all = a.word_at.size() + b.word_at.size() - both;
  return all > 0 ? static_cast<float>(both) / static_cast<float>(all) : 0;
}

struct Ends {
  std::string begin_word, end_word;
  std::uint32_t begin = 0, end = 0;  // patterns
  float score = 0;
};

constexpr std::size_t kPatternsMost = 40;  // that hold a word, most frequent first

std::vector<std::uint32_t> patterns_with(const Profile& profile, const std::string& word) {
  std::vector<std::uint32_t> out;
  for (std::uint32_t p = 0; p < profile.patterns.size(); ++p) {
    if (holds(profile, profile.patterns[p], word)) out.push_back(p);
  }
  std::stable_sort(out.begin(), out.end(), [&](std::uint32_t a, std::uint32_t b) { return profile.patterns[a].count > profile.patterns[b].count; });
  if (out.size() > kPatternsMost) out.resize(kPatternsMost);
  return out;
}

// Of the patterns that may begin and end the state, the two that hold most of what else was said, by
// `coverage`, and are worded most alike.
Ends best_ends(const Profile& profile, const State& state, const std::function<float(std::uint32_t)>& coverage) {
  Ends best;
  for (std::size_t b = 0; b < state.begin.size(); ++b) {
    for (std::size_t e = 0; e < state.end.size(); ++e) {
      const auto ends = patterns_with(profile, state.end[e]);
      for (const std::uint32_t begin : patterns_with(profile, state.begin[b])) {
        if (coverage(begin) <= 0) continue;
        for (const std::uint32_t end : ends) {
          if (begin == end || coverage(end) <= 0) continue;
          const float like = likeness(profile.patterns[begin], profile.patterns[end]);
          const float score = coverage(begin) + coverage(end) + like - 0.02F * static_cast<float>(b + e);
          if (like > 0.2F && score > best.score) best = {state.begin[b], state.end[e], begin, end, score};
        }
      }
    }
  }
  return best;
}

}  // namespace

// The words by which a pattern matched. What the source writes as the question does stands alone:
// "install" is not "installed" where both are events.
std::vector<WordGroup> SourcePlanner::span_words(const PatternMatch& match) const {
  std::vector<WordGroup> out;
  std::set<std::uint32_t> stems;
  for (const std::uint32_t w : match.words) {
    const std::uint32_t stem = profile_.words[w].stem;
    if (!stems.insert(stem).second) continue;
    WordGroup group = {profile_.words[w].text};
    for (const TopicWord& word : topic_.words) {
      const auto known = profile_.word_at.find(word.text);
      if (known != profile_.word_at.end() && profile_.words[known->second].stem == stem) group = {word.text};
    }
    out.push_back(std::move(group));
  }
  return out;
}

bool SourcePlanner::shape_span() {
  if (reading_.span_from == 0) return false;
  std::vector<std::size_t> from, to;
  for (std::size_t t = 0; t < topic_.words.size(); ++t) {
    if (topic_.words[t].at >= reading_.span_to) to.push_back(t);
    else if (topic_.words[t].at >= reading_.span_from) from.push_back(t);
  }
  if (from.empty() || to.empty()) return false;
  const TopicMatches begins = match_topic(pick(from), profile_, 16), ends = match_topic(pick(to), profile_, 16);
  if (begins.best.empty() || ends.best.empty()) return false;
  // Of the second, the pattern that is not the first's.
  const auto begin_words = span_words(begins.best.front());
  for (const PatternMatch& end : ends.best) {
    auto end_words = span_words(end);
    if (end_words == begin_words) continue;
    Query& query = out_.query;
    query.words.clear();
    query.patterns.clear();
    ground_values();
    query.from_words = begin_words;
    query.to_words = std::move(end_words);
    query.operand.clear();
    query.group.clear();
    out_.operand_score = 1;
    out_.ground = Ground::kPatterns;
    claimed_ = false;
    operand_.clear();
    for (std::size_t i = 0; i < from.size(); ++i) {
      weight_[from[i]] = begins.weights[i];
      got_[from[i]] = begins.best.front().got[i];
    }
    for (std::size_t i = 0; i < to.size(); ++i) {
      weight_[to[i]] = ends.weights[i];
      got_[to[i]] = end.got[i];
    }
    return true;
  }
  return false;
}

// Records that end a state and say how long it was: "close, 5129 bytes sent, lifetime 01:01".
bool SourcePlanner::own_duration(std::uint32_t pattern, const std::string& word) {
  for (const auto& [at, uses] : profile_.patterns[pattern].slots) {
    const search::SlotProfile& slot = profile_.slots[at];
    if (!is_length_of_time(slot)) continue;
    out_.query.words.clear();
    out_.query.patterns.clear();
    ground_values();
    out_.query.words.push_back({word});
    out_.word_weights.push_back(1);
    out_.query.operand = slot.name;
    out_.query.group.clear();
    out_.operand_score = 0.8F;
    out_.ground = Ground::kPatterns;
    claimed_ = false;
    for (const std::size_t t : subject_) got_[t] = std::max(got_[t], 0.5F * weight_[t]);
    return true;
  }
  return false;
}

// The state that the question names, with the pair of patterns that begin and end it: those that hold
// most of what else is said, and are worded most alike.
bool SourcePlanner::shape_state() {
  std::vector<std::size_t> rest;
  const auto in_state = [&](std::size_t at, const State& state) {
    const std::string stem = language::stem(reading_.words[at].text);
    return std::find(state.stems.begin(), state.stems.end(), stem) != state.stems.end();
  };
  for (const State& state : states()) {
    bool said = false;
    for (std::size_t i = 0; i < reading_.words.size(); ++i) said |= in_state(i, state);
    if (!said) continue;
    rest.clear();
    for (const std::size_t t : subject_) {
      if (!in_state(topic_.words[t].at, state)) rest.push_back(t);
    }
    const TopicMatches others = match_topic(pick(rest), profile_, 256);
    std::map<std::uint32_t, const PatternMatch*> match_of;
    for (const PatternMatch& match : others.best) match_of[match.pattern] = &match;
    const auto coverage = [&](std::uint32_t pattern) {
      const auto found = match_of.find(pattern);
      return rest.empty() ? 1.0F : found == match_of.end() ? 0.0F : found->second->coverage;
    };
    const Ends best = best_ends(profile_, state, coverage);
    if (best.score <= 0 || (!rest.empty() && coverage(best.begin) + coverage(best.end) < 0.8F)) continue;
    if (own_duration(best.end, best.end_word)) return true;
    Query& query = out_.query;
    query.words.clear();
    query.patterns.clear();
    ground_values();
    query.from_words = {{best.begin_word}};
    query.to_words = {{best.end_word}};
    if (!rest.empty()) {
      const PatternMatch& begin = *match_of.at(best.begin);
      const PatternMatch& end = *match_of.at(best.end);
      for (const std::uint32_t w : begin.words) {
        if (std::find(end.words.begin(), end.words.end(), w) == end.words.end()) continue;
        query.words.push_back({profile_.words[w].text});
        out_.word_weights.push_back(others.weights.front());
      }
      for (std::size_t i = 0; i < rest.size(); ++i) {
        weight_[rest[i]] = others.weights[i];
        got_[rest[i]] = std::min(begin.got[i], end.got[i]);
      }
    }
    for (const std::size_t t : subject_) {
      if (std::find(rest.begin(), rest.end(), t) == rest.end()) got_[t] = weight_[t];
    }
    query.operand.clear();
    query.group.clear();
    out_.operand_score = 1;
    out_.ground = Ground::kPatterns;
    claimed_ = false;
    return true;
  }
  return false;
}

}  // namespace silt::answer::plan
