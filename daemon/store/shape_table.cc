#include "daemon/store/shape_table.h"

#include <algorithm>
#include <cstring>

#include "daemon/store/hash64.h"

namespace silt::store {
namespace {

constexpr std::size_t kSlots = 4 * kMaxShapes;
constexpr std::size_t kMaxLiteralBytes = 2048;
constexpr std::uint64_t kMultiplier = 0xe7037ed1a0b428db;

// Of the pattern and what stands between the tokens. False: the line has no shape.
bool hash_shape(const char* text, std::uint32_t size, PatternId pattern, std::span<const TokenSpan> spans,
                std::uint64_t& hash) {
  if (spans.size() > kMaxHoles || size > kMaxShapedBytes) return false;
  hash = mix64(pattern + kMultiplier, spans.size() + 1);
  std::uint32_t at = 0;
  std::uint32_t literal = 0;
  const auto take = [&](std::uint32_t end) {
    const std::uint32_t gap = end - at;
    literal += gap;
    const std::uint64_t word = gap <= 8 ? load_up_to_8(text + at, gap) : hash64({text + at, gap});
    hash = mix64(hash ^ word, kMultiplier + gap);
  };
  for (const TokenSpan span : spans) {
    if (span.begin < at || span.end <= span.begin || span.end > size) return false;
    take(span.begin);
    at = span.end;
  }
  take(size);
  return literal <= kMaxLiteralBytes;
}

// Most are a few bytes, for which a call costs more than the comparison.
bool same_bytes(const char* a, std::uint32_t a_size, const char* b, std::uint32_t b_size) {
  if (a_size != b_size) return false;
  return a_size <= 8 ? load_up_to_8(a, a_size) == load_up_to_8(b, a_size) : std::memcmp(a, b, a_size) == 0;
}

// Whether the line is the shape's first one but for the columns that it has.
bool matches(const char* texts, const char* text, std::uint32_t size, std::span<const TokenSpan> spans,
             const Shape& shape) {
  const char* const first = texts + shape.first.offset;
  std::uint32_t at = 0, first_at = 0;
  for (const std::uint32_t hole : shape.varying) {
    const TokenSpan& of_first = shape.spans.data()[hole];
    const TokenSpan& span = spans.data()[hole];
    if (!same_bytes(text + at, span.begin - at, first + first_at, of_first.begin - first_at)) return false;
    at = span.end;
    first_at = of_first.end;
  }
  return same_bytes(text + at, size - at, first + first_at, shape.first.size - first_at);
}

bool same_literal(const char* texts, ValueRef text, std::span<const TokenSpan> spans, const Shape& shape) {
  const char* const line = texts + text.offset;
  const char* const first = texts + shape.first.offset;
  std::uint32_t at = 0, first_at = 0;
  for (std::size_t hole = 0; hole < spans.size(); ++hole) {
    const TokenSpan& of_first = shape.spans[hole];
    if (!same_bytes(line + at, spans[hole].begin - at, first + first_at, of_first.begin - first_at))
      return false;
    at = spans[hole].end;
    first_at = of_first.end;
  }
  return same_bytes(line + at, text.size - at, first + first_at, shape.first.size - first_at);
}

}  // namespace

void ShapeTable::clear() {
  shapes_.clear();
  slots_.assign(kSlots, 0);
  columns_used_ = 0;
  shapes_.push_back({.varying = {0}, .columns = {new_column()}});
}

std::uint32_t ShapeTable::new_column() {
  if (columns_used_ == columns_.size()) columns_.emplace_back();
  columns_[columns_used_].clear();
  return columns_used_++;
}

std::uint32_t ShapeTable::add_overflow(ValueRef text) {
  ++shapes_[kOverflowShape].count;
  columns_[shapes_[kOverflowShape].columns[0]].push_back(text);
  return kOverflowShape;
}

std::uint32_t ShapeTable::new_shape(ValueRef text, PatternId pattern, std::uint64_t hash,
                                    std::span<const TokenSpan> spans) {
  shapes_.push_back({.pattern = pattern, .hash = hash, .count = 1, .first = text});
  shapes_.back().spans.assign(spans.begin(), spans.end());
  return static_cast<std::uint32_t>(shapes_.size() - 1);
}

// Makes columns of the tokens that differ from the shape's constants. False: it is another literal with
// the same hash.
bool ShapeTable::widen(const char* texts, ValueRef text, std::span<const TokenSpan> spans, Shape& shape) {
  if (spans.size() != shape.spans.size() || !same_literal(texts, text, spans, shape)) return false;
  std::size_t known = 0;  // of the columns that there are
  std::vector<std::uint32_t> varying, columns;
  for (std::uint32_t hole = 0; hole < spans.size(); ++hole) {
    const ValueRef first = shape.first_value(hole);
    if (known < shape.varying.size() && shape.varying[known] == hole) {
      columns.push_back(shape.columns[known++]);
    } else if (!same_bytes(texts + text.offset + spans[hole].begin, spans[hole].end - spans[hole].begin,
                           texts + first.offset, first.size)) {
      columns.push_back(new_column());
      columns_[columns.back()].assign(shape.count, first);
    } else {
      continue;
    }
    varying.push_back(hole);
  }
  shape.varying = std::move(varying);
  shape.columns = std::move(columns);
  return true;
}

std::uint32_t ShapeTable::add(const std::string& texts, ValueRef text, PatternId pattern,
                              std::span<const TokenSpan> spans) {
  const char* const line = texts.data() + text.offset;
  std::uint64_t hash = 0;
  if (!hash_shape(line, text.size, pattern, spans, hash)) return add_overflow(text);
  std::size_t slot = hash % kSlots;
  while (slots_[slot] != 0 && shapes_[slots_[slot]].hash != hash) slot = (slot + 1) % kSlots;
  if (slots_[slot] == 0) {
    if (shapes_.size() > kMaxShapes) return add_overflow(text);
    return slots_[slot] = new_shape(text, pattern, hash, spans);
  }
  const std::uint32_t index = slots_[slot];
  Shape& shape = shapes_[index];
  if (spans.size() != shape.spans.size() || pattern != shape.pattern) return add_overflow(text);
  if (!matches(texts.data(), line, text.size, spans, shape) && !widen(texts.data(), text, spans, shape)) {
    return add_overflow(text);
  }
  ++shape.count;
  for (std::size_t i = 0; i < shape.varying.size(); ++i) {
    const TokenSpan span = spans[shape.varying[i]];
    shape.spans[shape.varying[i]].is_timestamp &= span.is_timestamp;
    columns_[shape.columns[i]].push_back({text.offset + span.begin, span.end - span.begin});
  }
  return index;
}

}  // namespace silt::store
