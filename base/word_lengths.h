// The lengths of the words of a list by their first letter, a bit each: what asks for a few words among many refuses nearly
// all of them by this, without a comparison.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace silt {

class WordLengths {
 public:
  // `words` have a `text` of lower-case letters, of 1 to 31 bytes.
  template <class Words>
  explicit constexpr WordLengths(const Words& words) {
    for (const auto& word : words) bits_[word.text[0] & 0x1F] |= 1U << word.text.size();
  }
  // Whether a word of this first letter, upper or lower case, and length may be one of them; `size` below 32.
  constexpr bool may_hold(char first, std::size_t size) const { return (bits_[first & 0x1F] >> size & 1) != 0; }

 private:
  std::array<std::uint32_t, 32> bits_{};
};

}  // namespace silt
