// Pre-tokeniser: cuts text into the pieces within which BPE merges.
//
// Equal to cutting at every match of, with leftmost alternatives first and over the code points of
// UTF-8 text,
//   silt-pre-1     \p{L}+ | \p{N}{1,3} | ?[^\s\p{L}\p{N}]+ | \s+
//   silt-pre-2   ?\p{L}+ | \p{N}{1,3} | ?[^\s\p{L}\p{N}]+ | \s+
// where " ?" takes one space in front: of punctuation, and in silt-pre-2 of a word too, which makes a
// quarter fewer tokens of prose. A byte that does not belong
// to a well-formed sequence (overlong forms, surrogates and values above U+10FFFF are not) counts as
// one character of class "other", like punctuation; so any bytes are cut, and nothing is lost.
// Pure functions, safe from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace silt::model {

enum class CharClass : std::uint8_t { kOther, kLetter, kNumber, kSpace };

// By Unicode 16.0.0, as the library that trained the tokenizer has it.
CharClass char_class(std::uint32_t code_point);

enum class Pretokenizer : std::uint8_t { kSilt1, kSilt2 };

// By the name that a weight file gives; nothing for one that this program does not have.
std::optional<Pretokenizer> pretokenizer_named(std::string_view name);

// The length of the first piece of a text that is not empty.
std::size_t first_piece(Pretokenizer rule, std::string_view text);

}  // namespace silt::model
