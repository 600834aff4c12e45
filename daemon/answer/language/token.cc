#include "daemon/answer/language/token.h"

#include <algorithm>
#include <array>

#include "daemon/answer/language/words.h"

namespace silt::answer::language {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
constexpr std::string_view kTrail = ".,;:!?)]}'\"";
constexpr std::string_view kLead = "([{'\"";

QuestionWord word_of(std::string_view raw, std::string_view language) {
  QuestionWord word;
  word.raw = raw;
  word.text = lower(raw);
  if (word.text.ends_with("'s")) word.text.resize(word.text.size() - 2);
  for (const std::string_view tick : {"\xe2\x80\x99s", "\xe2\x80\x99"}) {
    if (word.text.ends_with(tick)) word.text.resize(word.text.size() - tick.size());
  }
  word.stem = stem(word.text, language);
  return word;
}

// "doesn't", "doesnt": does not. Returns the part before, or nothing.
std::string_view before_not(std::string_view text) {
  static constexpr std::array<std::string_view, 14> kAuxiliaries = {"does", "do", "did", "is", "are", "was", "were", "has", "have", "had", "could", "should", "would", "ca"};
  for (const std::string_view ending : {"n't", "n\xe2\x80\x99t", "nt"}) {
    if (!text.ends_with(ending)) continue;
    const std::string_view before = text.substr(0, text.size() - ending.size());
    if (before == "ca") return "can";
    if (before == "wo" && ending != "nt") return "will";
    if (std::find(kAuxiliaries.begin(), kAuxiliaries.end(), before) != kAuxiliaries.end()) return before;
  }
  return {};
}

}  // namespace

std::vector<QuestionWord> cut_question(std::string_view question, std::string_view language) {
  std::vector<QuestionWord> out;
  std::size_t at = 0;
  bool clause = true;
  while (at < question.size()) {
    if (is_space(question[at])) {
      ++at;
      continue;
    }
    if (question[at] == '"') {
      const std::size_t end = question.find('"', at + 1);
      if (end != std::string_view::npos && end > at + 1) {
        QuestionWord word = word_of(question.substr(at + 1, end - at - 1), language);
        word.quoted = true;
        out.push_back(std::move(word));
        at = end + 1;
        continue;
      }
    }
    std::size_t end = at;
    while (end < question.size() && !is_space(question[end])) ++end;
    std::string_view raw = question.substr(at, end - at);
    at = end;
    bool clause_next = false;
    while (!raw.empty() && kLead.find(raw.front()) != std::string_view::npos) {
      clause |= raw.front() == '(';
      raw.remove_prefix(1);
    }
    while (!raw.empty() && kTrail.find(raw.back()) != std::string_view::npos) {
      clause_next |= raw.back() != '\'' && raw.back() != '"';
      raw.remove_suffix(1);
    }
    if (raw.empty() || raw == "-" || raw == "\xe2\x80\x93") {
      clause = true;
      continue;
    }
    QuestionWord word = word_of(raw, language);
    word.clause_start = clause;
    clause = clause_next;
    if (const std::string_view before = before_not(word.text); !before.empty() && language == "en") {
      QuestionWord negator = word_of("not", language);
      const bool starts = word.clause_start;
      word = word_of(before, language);
      word.clause_start = starts;
      out.push_back(std::move(word));
      word = std::move(negator);
    }
    out.push_back(std::move(word));
  }
  return out;
}

}  // namespace silt::answer::language
