// Values that differ in their numbers, or in their numbers and words, only: times, addresses with ports,
// blk_-123, 12ms, R02-M1. What does not differ is the skeleton; each slot in it is a column of its own.
//
// A number is i64 in decimal, with '-' where no letter or digit stands before it. Either none of a slot's
// has leading zeros, or all have the same width, with zeros or ("Apr  9") with blanks before them; other
// values have no skeleton. A word is a run of
// letters (ASCII) and bytes that are not ASCII.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace silt::store {

// A value's place in the bytes of all texts.
struct ValueRef {
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
};

inline std::string_view view_of(const char* texts, ValueRef ref) {
  return {texts + ref.offset, ref.size};
}

inline constexpr std::size_t kMaxSlots = 16;  // of one value

// How wide a slot's numbers are, filled with zeros; plus kBlanks, with blanks; kAnyWidth, as many digits
// as they need; kWord, it has words.
inline constexpr std::uint8_t kAnyWidth = 0;
inline constexpr std::uint8_t kBlanks = 64;
inline constexpr std::uint8_t kMaxWidth = 20;
inline constexpr std::uint8_t kWord = 255;

struct Skeleton {
  std::vector<std::string> literals;               // before each slot, and after the last
  std::vector<std::uint8_t> widths;                // of each slot
  std::vector<std::vector<std::int64_t>> columns;  // of each slot: numbers, or pack_ref() of words

  std::size_t slots() const { return widths.size(); }
  bool is_word(std::size_t slot) const { return widths[slot] == kWord; }
  // All values are plain decimal numbers.
  bool is_number() const {
    return slots() == 1 && widths[0] == kAnyWidth && literals[0].empty() && literals[1].empty();
  }
};

inline std::int64_t pack_ref(ValueRef ref) {
  return static_cast<std::int64_t>(std::uint64_t{ref.offset} << 32 | ref.size);
}
inline ValueRef unpack_ref(std::int64_t packed) {
  return {static_cast<std::uint32_t>(static_cast<std::uint64_t>(packed) >> 32),
          static_cast<std::uint32_t>(packed)};
}

enum class Slots { kNumbers, kNumbersAndWords };

// False: the values have no common skeleton with such slots (`out` is then undefined). What is the same in
// all values has become part of the literals; at least one slot is left.
bool split_values(const char* texts, std::span<const ValueRef> values, Slots slots, Skeleton& out);

void append_number(std::int64_t value, unsigned width, std::string& out);

// The value's letters, numbers and marks in classes: "R02-M1:J12" is "a0-a0:a0". Values of one skeleton have
// one class.
std::string class_of_value(std::string_view value);

}  // namespace silt::store
