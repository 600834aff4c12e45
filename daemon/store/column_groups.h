// Groups: columns that several shapes share, because lines of any shape begin alike. A time or a process
// id that goes from line to line is shorter as one column in the order of the records than in pieces.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "daemon/store/shape_table.h"

namespace silt::store {

struct ColumnGroup {
  std::vector<std::uint8_t> hole_of_shape;  // of each shape, which token it is, plus 1; 0: none

  bool has(std::uint32_t shape) const { return hole_of_shape[shape] != 0; }
  std::uint32_t hole(std::uint32_t shape) const { return hole_of_shape[shape] - 1u; }
};

// Tokens with numbers near the start of lines that look alike in most lines and are not constant. A group
// is numbers (and words) in one skeleton, or it has few distinct values.
std::vector<ColumnGroup> plan_groups(const char* texts, const ShapeTable& table);

// The values of a group in the order of the records, and each record's row (kNoRow: none).
void collect_group(const ColumnGroup& group, const ShapeTable& table,
                   std::span<const std::uint32_t> shape_of_record, std::vector<ValueRef>& values,
                   std::vector<std::uint32_t>& row_of_record);

}  // namespace silt::store
