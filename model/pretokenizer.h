// Pre-tokeniser: cuts text into the pieces within which BPE merges ("silt-pre-1").
//
// Equal to cutting at every match of   \p{L}+ | \p{N}{1,3} | ?[^\s\p{L}\p{N}]+ | \s+
// with leftmost alternatives first, over the code points of UTF-8 text. A byte that does not belong
// to a well-formed sequence (overlong forms, surrogates and values above U+10FFFF are not) counts as
// one character of class "other", like punctuation; so any bytes are cut, and nothing is lost.
// Pure functions, safe from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace silt::model {

enum class CharClass : std::uint8_t { kOther, kLetter, kNumber, kSpace };

// By Unicode 16.0.0, as the library that trained the tokenizer has it.
CharClass char_class(std::uint32_t code_point);

// The length of the first piece of a text that is not empty.
std::size_t first_piece(std::string_view text);

}  // namespace silt::model
