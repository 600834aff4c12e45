// Words of questions: stems, stop words, synonyms of operations talk, spelling. Pure functions over
// lower-case ASCII; other bytes pass through unchanged.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace silt::answer {

std::string lower_ascii(std::string_view text);

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// A light stemmer: plural, -ed, -ing, -ion, -ure, final e, doubled final letters. The result is a prefix of
// the word, so index terms can be found with it.
std::string stem(std::string_view word);

// Two words are forms of one word: same stem, or one long stem continued (allocate, allocateblock).
bool same_word(std::string_view stem_of_word, std::string_view term);

bool is_stop_word(std::string_view word);  // carries no meaning in a question
bool is_weak_word(std::string_view word);  // or its stem: may rank records, never selects them: "attempts"

// Other words that logs use for it, empty for most. `word` in any form.
std::span<const std::string_view> synonyms(std::string_view word);

// At most one letter added, dropped or changed, or two neighbours swapped.
bool within_one_edit(std::string_view a, std::string_view b);

}  // namespace silt::answer
