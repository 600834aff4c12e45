#include "daemon/answer/plan/follow.h"

#include <algorithm>

namespace silt::answer::plan {
namespace {

using language::Reading;

constexpr int kSaid = 40;  // strength of an operation that was said, not guessed

bool says_operation(const Reading& reading) {
  return reading.ops.front().strength >= kSaid;
}

// A name or number rather than a word: what "and for db3?" exchanges.
bool is_value(const WordGroup& group) {
  return group.size() == 1 && group.front().find_first_of("0123456789") != std::string::npos;
}

void exchange_tests(const Query& fresh, Query& out) {
  for (const Test& test : fresh.tests) {
    const auto same = std::find_if(out.tests.begin(), out.tests.end(), [&](const Test& old) {
      return old.slot == test.slot && old.compare == test.compare;
    });
    if (same != out.tests.end()) *same = test;
    else out.tests.push_back(test);
  }
}

void join_words(const Reading& reading, const Candidate& candidate, Query& out) {
  const std::vector<WordGroup>& words = candidate.query.words;
  if (words.empty()) return;
  const bool narrows = reading.narrows || says_operation(reading);
  const bool only_values = candidate.firm_words == words.size();
  if (!narrows && only_values) std::erase_if(out.words, is_value);
  if (!narrows && !only_values) out.words.clear();
  if (!narrows) out.patterns.clear();
  for (const WordGroup& group : words) {
    if (std::find(out.words.begin(), out.words.end(), group) == out.words.end()) out.words.push_back(group);
  }
}

}  // namespace

bool goes_on(const Reading& reading) {
  const bool only_asked_for = std::ranges::all_of(reading.topic, [&](std::size_t word) { return std::ranges::find(reading.operand, word) != reading.operand.end(); });
  const bool bare = only_asked_for && reading.values.empty() && reading.numbers.empty();
  return reading.goes_on || (bare && (!reading.windows.empty() || !reading.operand.empty() || !says_operation(reading)));
}

void go_on(const Query& last, const Reading& reading, Candidate& candidate) {
  const Query& fresh = candidate.query;
  Query out = last;
  out.sources = fresh.sources;
  if (!reading.windows.empty()) {
    out.window = fresh.window;
    out.other_window = fresh.other_window;
  }
  if (says_operation(reading) || !reading.operand.empty()) {  // "which hosts?" asks for these, not for how many again
    out.op = fresh.op;
    out.operand = fresh.operand;
    out.group = fresh.group;
    out.number = fresh.number;
    out.from_words = fresh.from_words;
    out.to_words = fresh.to_words;
    out.limit = fresh.limit;
  }
  exchange_tests(fresh, out);
  join_words(reading, candidate, out);
  for (const std::string& word : fresh.not_words) {
    if (std::find(out.not_words.begin(), out.not_words.end(), word) == out.not_words.end()) out.not_words.push_back(word);
  }
  const bool brought = candidate.weight > 0;
  candidate.query = std::move(out);
  candidate.word_weights.assign(candidate.query.words.size(), 1);
  candidate.firm_words = candidate.query.words.size();  // none may be dropped: the asker relies on them
  candidate.soft_tests.clear();
  if (!brought) candidate.coverage = 1;
  candidate.ground = candidate.query.words.empty() ? (candidate.query.tests.empty() ? Ground::kAll : Ground::kField) : Ground::kPatterns;
}

}  // namespace silt::answer::plan
