// A question as tokens: quoted strings, identifiers and words, with what each turned out to be for.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace silt::answer {

enum class QuestionTokenKind {
  kWord,        // letters only, perhaps with inner apostrophe or hyphen
  kIdentifier,  // anything that looks like a value: addresses, paths, ids, numbers, dotted names
  kQuoted,      // the text between quotation marks
};

struct QuestionToken {
  std::string raw;    // without surrounding punctuation or quotes
  std::string lower;  // ASCII lower case; misspelt question words are corrected
  QuestionTokenKind kind = QuestionTokenKind::kWord;
  bool used = false;  // already understood as a time, a source, a kind ...: no search term
};

// Any bytes. At most kMaxQuestionTokens tokens, the first ones.
inline constexpr std::size_t kMaxQuestionTokens = 96;
std::vector<QuestionToken> split_question(std::string_view question);

}  // namespace silt::answer
