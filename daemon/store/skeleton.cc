#include "daemon/store/skeleton.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace silt::store {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<signed char>(c) < 0;
}

// A '-' at `at` belongs to the number behind it.
bool is_sign(const char* begin, const char* at, const char* end) {
  return *at == '-' && at + 1 < end && is_digit(at[1]) &&
         (at == begin || !(is_digit(at[-1]) || is_letter(at[-1])));
}

struct Number {
  std::int64_t value = 0;
  unsigned width = 0;     // with its sign
  bool canonical = true;  // no leading zero, no "-0"
  bool blanks = false;    // before it, beyond the one that belongs to the skeleton; part of its width
};

// Reads a number at `at`, perhaps behind blanks; null if there is none or it is no i64.
const char* parse_number(const char* begin, const char* at, const char* end, Number& out) {
  const char* const start = at;
  while (at < end && *at == ' ' && at > begin && at[-1] == ' ') ++at;
  out.blanks = at != start;
  const bool negative = at < end && is_sign(begin, at, end);
  if (negative) ++at;
  const char* const digits = at;
  std::uint64_t value = 0;
  while (at < end && is_digit(*at)) {
    if (at - digits == 19) return nullptr;  // 19 digits never overflow u64
    value = value * 10 + static_cast<std::uint64_t>(*at - '0');
    ++at;
  }
  if (at == digits || value > (std::uint64_t{1} << 63) - (negative ? 0 : 1)) return nullptr;
  out.canonical = *digits != '0' || (at - digits == 1 && !negative);
  if (negative && !out.canonical) return nullptr;
  out.value = static_cast<std::int64_t>(negative ? 0 - value : value);
  out.width = static_cast<unsigned>(at - start);
  return out.width <= kMaxWidth ? at : nullptr;
}

const char* end_of_word(const char* at, const char* end) {
  while (at < end && is_letter(*at)) ++at;
  return at;
}

bool begins_number(const char* begin, const char* at, const char* end) {
  if (*at != ' ') return is_digit(*at) || is_sign(begin, at, end);
  if (at == begin || at[-1] != ' ') return false;
  while (at < end && *at == ' ') ++at;
  return at < end && is_digit(*at);
}

// Splits the first value: its literals, and one empty column for each slot.
bool make_skeleton(std::string_view first, Slots slots, Skeleton& out) {
  out.literals.assign(1, {});
  out.widths.clear();
  const char* const begin = first.data();
  const char* const end = begin + first.size();
  for (const char* at = begin; at < end;) {
    const bool word = slots == Slots::kNumbersAndWords && is_letter(*at);
    if (!word && !begins_number(begin, at, end)) {
      out.literals.back() += *at++;
      continue;
    }
    if (out.widths.size() == kMaxSlots) return false;
    Number number;
    at = word ? end_of_word(at, end) : parse_number(begin, at, end, number);
    if (at == nullptr) return false;
    out.widths.push_back(word ? kWord : static_cast<std::uint8_t>(number.width));
    out.literals.emplace_back();
  }
  return !out.widths.empty();
}

// What is known of the numbers of one slot so far.
struct Widths {
  bool same = true;
  bool canonical = true;
  bool negative = false;
  bool blanks = false;
};

bool split_value(const char* texts, ValueRef value, std::size_t row, Skeleton& out, Widths* widths) {
  const char* const begin = texts + value.offset;
  const char* const end = begin + value.size;
  const char* at = begin;
  const std::size_t count = out.slots();
  for (std::size_t k = 0;; ++k) {
    const std::string& literal = out.literals.data()[k];
    if (static_cast<std::size_t>(end - at) < literal.size() ||
        std::memcmp(at, literal.data(), literal.size()) != 0) {
      return false;
    }
    at += literal.size();
    if (k == count) return at == end;
    std::int64_t* const column = out.columns.data()[k].data();
    if (out.widths.data()[k] == kWord) {
      const char* const word_end = end_of_word(at, end);
      if (word_end == at) return false;
      column[row] =
          pack_ref({static_cast<std::uint32_t>(at - texts), static_cast<std::uint32_t>(word_end - at)});
      at = word_end;
      continue;
    }
    Number number;
    at = parse_number(begin, at, end, number);
    if (at == nullptr) return false;
    widths[k].same &= number.width == out.widths.data()[k];
    widths[k].canonical &= number.canonical;
    widths[k].negative |= number.value < 0;
    widths[k].blanks |= number.blanks;
    column[row] = number.value;
  }
}

bool is_constant(const char* texts, const Skeleton& skeleton, std::size_t slot) {
  const std::vector<std::int64_t>& column = skeleton.columns[slot];
  if (!skeleton.is_word(slot)) {
    return std::ranges::all_of(column, [&](std::int64_t number) { return number == column[0]; });
  }
  const std::string_view first = view_of(texts, unpack_ref(column[0]));
  return std::ranges::all_of(column,
                             [&](std::int64_t word) { return view_of(texts, unpack_ref(word)) == first; });
}

// Slots that never change go into the literals around them.
void fold_constants(const char* texts, Skeleton& out) {
  std::size_t kept = 0;
  for (std::size_t k = 0; k < out.widths.size(); ++k) {
    if (is_constant(texts, out, k)) {
      if (out.is_word(k)) {
        out.literals[kept] += view_of(texts, unpack_ref(out.columns[k][0]));
      } else {
        append_number(out.columns[k][0], out.widths[k], out.literals[kept]);
      }
      out.literals[kept] += out.literals[k + 1];
      continue;
    }
    if (kept != k) {
      out.columns[kept].swap(out.columns[k]);
      out.widths[kept] = out.widths[k];
    }
    ++kept;
    if (kept != k + 1) out.literals[kept] = out.literals[k + 1];
  }
  out.widths.resize(kept);
  out.literals.resize(kept + 1);
}

}  // namespace

bool split_values(const char* texts, std::span<const ValueRef> values, Slots slots, Skeleton& out) {
  if (values.empty() || !make_skeleton(view_of(texts, values[0]), slots, out)) return false;
  const std::size_t count = out.slots();
  if (out.columns.size() < count) out.columns.resize(count);
  for (std::size_t k = 0; k < count; ++k) out.columns[k].resize(values.size());
  Widths widths[kMaxSlots];
  for (std::size_t row = 0; row < values.size(); ++row) {
    if (!split_value(texts, values[row], row, out, widths)) return false;
  }
  for (std::size_t k = 0; k < count; ++k) {
    if (out.is_word(k)) continue;
    const auto& [same, canonical, negative, blanks] = widths[k];
    if (canonical && !blanks) {
      out.widths[k] = kAnyWidth;
    } else if (!same || negative || (!canonical && blanks)) {
      return false;
    } else if (blanks) {
      out.widths[k] = static_cast<std::uint8_t>(out.widths[k] + kBlanks);
    }
  }
  fold_constants(texts, out);
  return out.slots() > 0;
}

void append_number(std::int64_t value, unsigned width, std::string& out) {
  char digits[24];
  const char* const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  const auto size = static_cast<unsigned>(end - digits);
  const unsigned filled = width % kBlanks;
  if (size < filled) out.append(filled - size, width >= kBlanks ? ' ' : '0');
  out.append(digits, size);
}

std::string class_of_value(std::string_view value) {
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (is_sign(value.data(), value.data() + i, value.data() + value.size())) continue;
    const char mark = is_digit(c) ? '0' : is_letter(c) ? 'a' : c;
    const bool joins = mark == '0' || mark == 'a' || mark == ' ';
    if (!joins || out.empty() || out.back() != mark) out += mark;
  }
  return out;
}

}  // namespace silt::store
