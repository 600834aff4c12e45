// Words of people and of logs: cut, stemmed and compared in one way for all rooms.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace silt::answer::language {

std::string lower(std::string_view text);

// Calls `word(piece, begin)` for each run of letters or digits, and, where such a run is made of
// several (allocateBlock, SCREEN_ON, node3), also for its parts. Bytes above ASCII are letters.
void for_each_word(std::string_view text, const std::function<void(std::string_view, std::size_t)>& word);

// The stem of a lower-case word: English, or German, French and Spanish endings when `language` says so.
std::string stem(std::string_view word, std::string_view language = "en");

// Whether `word` (lower case) stands in the text, upper or lower case, at word or camel-case borders.
// Several words, with a space between, stand there when nothing but up to three marks is between them.
bool has_word(std::string_view text, std::string_view word);
std::size_t find_word(std::string_view text, std::string_view word, std::size_t from = 0);  // npos: none

// Edits (insert, delete, change, swap) that make one of the other; more than `limit` gives limit + 1.
int edits(std::string_view a, std::string_view b, int limit);
// The edits that a typo may have in a word of this length: 0 below 4 letters, 1, then 2 from 8 on.
int typo_limit(std::size_t length);

}  // namespace silt::answer::language
