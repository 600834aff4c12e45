// Shapes: lines of one pattern that are equal but for their tokens. While records come in, the tokens
// that were the same in all lines of a shape so far cost nothing; one that differs becomes a column.
//
// Shape 0 takes what fits no other: lines with too many or wrong spans, long lines, and all new shapes
// once there are kMaxShapes. Its one column is whole texts.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "daemon/store/record.h"
#include "daemon/store/skeleton.h"

namespace silt::store {

// A token of a line: bytes [begin, end), not empty.
struct TokenSpan {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  bool is_timestamp = false;  // the line's own: nobody searches for it, and it gets no terms
};

inline constexpr std::size_t kMaxShapes = 512;
inline constexpr std::size_t kMaxHoles = 255;              // tokens of a line that has a shape
inline constexpr std::size_t kMaxShapedBytes = 16 * 1024;  // of a line that has a shape
inline constexpr std::uint32_t kOverflowShape = 0;

struct Shape {
  PatternId pattern = 0;  // of shape 0: each record's own
  std::uint64_t hash = 0;
  std::uint32_t count = 0;
  ValueRef first;                      // text of the first record
  std::vector<TokenSpan> spans;        // of its tokens; is_timestamp if it is one in all records
  std::vector<std::uint32_t> varying;  // which tokens are not constant, ascending
  std::vector<std::uint32_t> columns;  // of each of these

  ValueRef first_value(std::size_t hole) const {
    return {first.offset + spans[hole].begin, spans[hole].end - spans[hole].begin};
  }
};

class ShapeTable {
 public:
  ShapeTable() { clear(); }
  void clear();

  // `text` lies in `texts`. Returns the record's shape.
  std::uint32_t add(const std::string& texts, ValueRef text, PatternId pattern,
                    std::span<const TokenSpan> spans);

  std::span<const Shape> shapes() const { return shapes_; }
  std::span<const ValueRef> column(std::uint32_t index) const { return columns_[index]; }

 private:
  std::uint32_t add_overflow(ValueRef text);
  std::uint32_t new_shape(ValueRef text, PatternId pattern, std::uint64_t hash,
                          std::span<const TokenSpan> spans);
  bool widen(const char* texts, ValueRef text, std::span<const TokenSpan> spans, Shape& shape);
  std::uint32_t new_column();

  std::vector<Shape> shapes_;
  std::vector<std::uint32_t> slots_;            // hash table: shape or 0
  std::vector<std::vector<ValueRef>> columns_;  // kept for the next segment
  std::uint32_t columns_used_ = 0;
};

}  // namespace silt::store
