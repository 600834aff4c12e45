#include "model/pretokenizer.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace silt::model {
namespace {

struct ClassRange {
  std::uint32_t first;
  std::uint32_t last;
  CharClass kind;
};

constexpr CharClass L = CharClass::kLetter, N = CharClass::kNumber, S = CharClass::kSpace;
constexpr ClassRange kRanges[] = {
#include "model/unicode_class_table.inc"
};

constexpr CharClass look_up(std::uint32_t code) {
  const auto* const it = std::upper_bound(std::begin(kRanges), std::end(kRanges), code,
                                          [](std::uint32_t c, const ClassRange& r) { return c < r.first; });
  if (it == std::begin(kRanges)) return CharClass::kOther;
  return code <= std::prev(it)->last ? std::prev(it)->kind : CharClass::kOther;
}

constexpr std::array<CharClass, 128> kAscii = [] {
  std::array<CharClass, 128> out{};
  for (std::uint32_t c = 0; c < 128; ++c) out[c] = look_up(c);
  return out;
}();

struct Character {
  CharClass kind;
  std::uint8_t bytes;
};

// The character at the front of `text`, by table 3-7 of the Unicode standard, except that surrogates
// and values above U+10FFFF need no check: they are in no class, so one invalid character of several
// bytes or several of one byte make the same piece.
Character decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {kAscii[lead], 1};
  const std::uint8_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  constexpr Character kInvalid{CharClass::kOther, 1};
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return kInvalid;
  std::uint32_t code = lead & (0xFFu >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return kInvalid;
    code = code << 6 | (byte(i) & 0x3F);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[bytes]) return kInvalid;
  return {look_up(code), bytes};
}

}  // namespace

CharClass char_class(std::uint32_t code_point) {
  return look_up(code_point);
}

std::optional<Pretokenizer> pretokenizer_named(std::string_view name) {
  if (name == "silt-pre-1") return Pretokenizer::kSilt1;
  if (name == "silt-pre-2") return Pretokenizer::kSilt2;
  return std::nullopt;
}

std::size_t first_piece(Pretokenizer rule, std::string_view text) {
  constexpr int kNumberCharactersMax = 3;
  Character c = decode(text);
  std::size_t end = c.bytes;
  // A single space belongs to the punctuation, and by the second rule to the word, behind it.
  if (text[0] == ' ' && text.size() > 1) {
    const Character next = decode(text.substr(1));
    if (next.kind == CharClass::kOther || (rule == Pretokenizer::kSilt2 && next.kind == CharClass::kLetter)) {
      c = next;
      end += next.bytes;
    }
  }
  const CharClass kind = c.kind;
  for (int characters = 1; end < text.size(); ++characters) {
    if (kind == CharClass::kNumber && characters == kNumberCharactersMax) break;
    c = decode(text.substr(end));
    if (c.kind != kind) break;
    end += c.bytes;
  }
  return end;
}

}  // namespace silt::model
