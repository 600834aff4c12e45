#include "daemon/answer/question.h"

#include <algorithm>
#include <array>

#include "daemon/answer/words.h"

namespace silt::answer {
namespace {

using namespace std::string_view_literals;

// Words that decide what a question means; a near miss of one, if it is no word of its own, is read
// as that word. Words of fewer than five letters only by the list of common slips below.
constexpr std::array kSpelling = {"which"sv,    "where"sv,    "yesterday"sv, "today"sv,     "between"sv,
                                  "compare"sv,  "explain"sv,  "summary"sv,   "summarize"sv, "frequent"sv,
                                  "common"sv,   "latest"sv,   "first"sv,     "since"sv,     "until"sv,
                                  "happened"sv, "users"sv,    "hosts"sv,     "addresses"sv, "errors"sv,
                                  "minutes"sv,  "hours"sv,    "failed"sv,    "recent"sv,    "surprising"sv,
                                  "unusual"sv,  "password"sv, "digest"sv,    "install"sv,   "installed"sv};
struct Slip {
  std::string_view wrong;
  std::string_view right;
};
constexpr std::array kSlips = {Slip{"hwo", "how"},      Slip{"wich", "which"},  Slip{"waht", "what"},
                               Slip{"wehn", "when"},    Slip{"whcih", "which"}, Slip{"manny", "many"},
                               Slip{"mny", "many"},     Slip{"tops", "top"},    Slip{"lst", "last"},
                               Slip{"loged", "logged"}, Slip{"frist", "first"}};

constexpr std::string_view kOpeners = "([{<,;:!?*";
constexpr std::string_view kClosers = ")]}>,;:!?.*";

bool in_plain_word(char c) {
  return is_letter(c) || static_cast<unsigned char>(c) >= 0x80 || c == '\'' || c == '-';
}

struct Quotation {
  std::string_view open;
  std::string_view close;
};
constexpr std::array kQuotations = {Quotation{"\"", "\""},         Quotation{"`", "`"},
                                    Quotation{"'", "'"},           Quotation{"\u201c", "\u201d"},
                                    Quotation{"\u201e", "\u201c"}, Quotation{"\u00ab", "\u00bb"},
                                    Quotation{"\u00bb", "\u00ab"}};

// That opens at the start of `text`, null when none does. Words are skipped as wholes, so an apostrophe opens
// only at the start of one.
const Quotation* quotation_at(std::string_view text) {
  const auto* const found = std::find_if(kQuotations.begin(), kQuotations.end(),
                                         [&](const Quotation& mark) { return text.starts_with(mark.open); });
  return found == kQuotations.end() ? nullptr : found;
}

// Less the blanks at its ends, which French has within its quotation marks, unbreakable ones too.
std::string_view without_blanks(std::string_view text) {
  constexpr std::array kBlanks = {" "sv, "\u00a0"sv, "\u202f"sv};
  for (std::size_t before = 0; before != text.size();) {
    before = text.size();
    for (const std::string_view blank : kBlanks) {
      if (text.starts_with(blank)) text.remove_prefix(blank.size());
      if (text.ends_with(blank)) text.remove_suffix(blank.size());
    }
  }
  return text;
}

bool looks_like_value(std::string_view raw) {
  if (!std::all_of(raw.begin(), raw.end(), in_plain_word)) return true;
  // addStoredBlock, PlcmSpIp: a capital after a small letter is a name from a program
  for (std::size_t i = 1; i < raw.size(); ++i) {
    if (raw[i] >= 'A' && raw[i] <= 'Z' && raw[i - 1] >= 'a' && raw[i - 1] <= 'z') return true;
  }
  return false;
}

std::string corrected(const std::string& lower) {
  for (const Slip& slip : kSlips) {
    if (lower == slip.wrong) return std::string(slip.right);
  }
  if (lower.size() < 5 || is_stop_word(lower) || is_weak_word(lower)) return lower;
  for (const std::string_view word : kSpelling) {
    if (lower == word) return lower;
  }
  for (const std::string_view word : kSpelling) {
    if (word.starts_with(lower) || lower.starts_with(word.substr(0, word.size() - 1)))
      continue;  // a form of it
    if (lower.front() == word.front() && within_one_edit(lower, word)) return std::string(word);
  }
  return lower;
}

void add_token(std::string_view raw, QuestionTokenKind kind, std::vector<QuestionToken>& out) {
  if (raw.empty() || out.size() >= kMaxQuestionTokens) return;
  QuestionToken token{std::string(raw), lower_ascii(raw), kind, false};
  if (kind == QuestionTokenKind::kWord) {
    if (token.lower.ends_with("'s")) token.lower.resize(token.lower.size() - 2);
    token.lower = corrected(token.lower);
  }
  out.push_back(std::move(token));
}

std::string_view trim(std::string_view word) {
  while (word.starts_with("\u00bf") || word.starts_with("\u00a1")) word.remove_prefix(2);
  while (!word.empty() && kOpeners.find(word.front()) != std::string_view::npos) word.remove_prefix(1);
  while (!word.empty() && kClosers.find(word.back()) != std::string_view::npos) word.remove_suffix(1);
  return word;
}

}  // namespace

std::vector<QuestionToken> split_question(std::string_view question) {
  std::vector<QuestionToken> out;
  std::size_t at = 0;
  while (at < question.size()) {
    if (static_cast<unsigned char>(question[at]) <= ' ' ||
        kOpeners.find(question[at]) != std::string_view::npos) {
      ++at;
      continue;
    }
    if (const Quotation* const mark = quotation_at(question.substr(at))) {
      const std::size_t begin = at + mark->open.size();
      const std::size_t end = question.find(mark->close, begin);
      if (end != std::string_view::npos) {
        add_token(without_blanks(question.substr(begin, end - begin)), QuestionTokenKind::kQuoted, out);
        at = end + mark->close.size();
        continue;
      }
      at = begin;
      continue;
    }
    std::size_t end = at;
    while (end < question.size() && static_cast<unsigned char>(question[end]) > ' ' && question[end] != '"')
      ++end;
    const std::string_view word = trim(question.substr(at, end - at));
    add_token(word, looks_like_value(word) ? QuestionTokenKind::kIdentifier : QuestionTokenKind::kWord, out);
    at = end;
  }
  return out;
}

}  // namespace silt::answer
