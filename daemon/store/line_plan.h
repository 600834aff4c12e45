// How lines of a shape are put together: what stands before each value, the value, and the end.
//
// Views the header and the columns of the segment, which must outlive it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/store/segment_columns.h"

namespace silt::store {

struct LinePlan {
  struct Part {
    std::string_view before;
    ColumnRows values;
  };
  std::vector<Part> parts;
  std::string_view end;
};

// Decodes the columns of the shape.
Result<LinePlan> plan_lines(const ShapeInfo& shape, SegmentColumns& columns);

// Appends the line of record `index` of the segment, which must be of the shape. False: it is longer than
// `end_max` allows.
bool append_line(const LinePlan& plan, std::size_t index, std::size_t end_max, std::string& out);

}  // namespace silt::store
