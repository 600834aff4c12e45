// What a question excludes: "logins that were not accepted", "requests without a 200".
#include <algorithm>
#include <string_view>

#include "daemon/answer/language/one_of.h"
#include "daemon/answer/language/words.h"
#include "daemon/answer/plan/source_planner.h"

namespace silt::answer::plan {
namespace {

using language::is_one_of;

bool negates(std::string_view word) {
  return is_one_of(word, {"not", "never", "nicht", "nie", "pas", "jamais", "nunca"});
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// The slot of categories (a status, a code) that has the number for a value.
const search::SlotProfile* slot_with(const search::Profile& profile, const std::string& number) {
  const search::SlotProfile* best = nullptr;
  for (const search::SlotProfile& slot : profile.slots) {
    const bool category = slot.role != search::Role::kPlain && (language::has_word(slot.base(), "status") || language::has_word(slot.base(), "code"));
    if (category && slot.values.contains(number) && (best == nullptr || slot.count > best->count)) best = &slot;
  }
  return best;
}

// Verbs that only say that something came: "did not |return| a 200".
bool only_brings(std::string_view word) {
  const std::string stem = language::stem(word);
  for (const std::string_view verb : {"return", "give", "come", "send", "receive", "answer", "reply", "respond", "end", "result", "show", "carry", "hold", "go"}) {
    if (stem == language::stem(verb)) return true;
  }
  return false;
}

}  // namespace

// Whether a test or a word of the query holds the word; it holds all but these afterwards.
bool SourcePlanner::exclude(const std::string& word) {
  for (Test& test : out_.query.tests) {
    const bool holds = test.compare == Compare::kIs && std::any_of(test.any.begin(), test.any.end(), [&](const std::string& any) { return language::lower(any) == word; });
    if (!holds) continue;
    test.compare = Compare::kIsNot;
    std::erase(out_.soft_tests, test.slot);
    return true;
  }
  const std::string stem = language::stem(word);
  auto& groups = out_.query.words;
  const auto group = std::find_if(groups.begin(), groups.end(), [&](const WordGroup& each) {
    return std::any_of(each.begin(), each.end(), [&](const std::string& one) { return language::stem(one) == stem; });
  });
  if (group == groups.end()) return false;
  const auto at = group - groups.begin();
  out_.query.not_words.insert(out_.query.not_words.end(), group->begin(), group->end());
  if (static_cast<std::size_t>(at) < out_.firm_words) --out_.firm_words;
  out_.word_weights.erase(out_.word_weights.begin() + at);
  groups.erase(group);
  out_.query.patterns.clear();
  return true;
}

// Where the log itself says "not accepted" the phrase is what is looked for (join_phrases), and "could not
// be found" is no exclusion either.
void SourcePlanner::exclude_negated() {
  const Op op = out_.query.op;
  if (out_.prose || op == Op::kExplain || op == Op::kSummary || op == Op::kNew || op == Op::kExists) return;
  std::erase_if(out_.query.not_words, [&](const std::string& word) {  // "other than 200"
    const search::SlotProfile* slot = is_number(word) ? slot_with(profile_, word) : nullptr;
    if (slot != nullptr) out_.query.tests.push_back({slot->name, Compare::kIsNot, {word}, 0, ""});
    return slot != nullptr;
  });
  std::vector<std::string> stems;
  for (const language::QuestionWord& word : reading_.words) stems.push_back(language::stem(word.text));
  for (std::size_t i = 0; i + 1 < reading_.words.size(); ++i) {
    const bool known = reading_.words[i].taken == language::Taken::kNegated;  // "not from 10.0.0.1": excluded already
    if (known || !negates(reading_.words[i].text)) continue;
    if (i > 0 && is_one_of(reading_.words[i - 1].text, {"could", "can", "would", "will", "why"})) continue;
    const auto phrases = Thesaurus::standard().at(stems, i);
    if (std::any_of(phrases.begin(), phrases.end(), [](const Thesaurus::Hit& hit) { return hit.length > 1; })) continue;
    const bool phrase = std::any_of(out_.query.words.begin(), out_.query.words.end(), [&](const WordGroup& group) {
      return std::any_of(group.begin(), group.end(), [](const std::string& word) { return word.starts_with("not "); });
    });
    if (!phrase && !exclude_behind(i)) out_.negation_lost = true;
  }
}

// Excludes what the "not" at `i` is about: "not |accepted|", "not return a |200|".
bool SourcePlanner::exclude_behind(std::size_t i) {
  std::vector<std::string> verbs;
  for (std::size_t at = i + 1; at < reading_.words.size(); ++at) {
    const language::QuestionWord& word = reading_.words[at];
    if (at > i + 1 && word.clause_start) break;
    const bool small = word.taken == language::Taken::kFiller ||
                       is_one_of(word.text, {"be", "been", "being", "yet", "get", "got", "a", "an", "the", "any", "from", "for", "by", "with"});
    if (small) continue;
    if (only_brings(word.text)) {
      verbs.push_back(word.text);
      continue;
    }
    if (exclude(word.text)) return true;
    break;
  }
  return std::any_of(verbs.begin(), verbs.end(), [&](const std::string& verb) { return exclude(verb); });
}

}  // namespace silt::answer::plan
