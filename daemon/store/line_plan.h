// How lines of a shape are put together: what stands before each value, the value, and the end.
//
// Views the header and the columns of the segment, which must outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
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

// The plans of a segment's shapes, each made when it is first asked for. One thread at a time.
class LinePlans {
 public:
  explicit LinePlans(SegmentColumns& columns) : columns_(columns) {}  // which must outlive this

  // Decodes the columns of the shape. Lives as long as this.
  Result<const LinePlan*> of(std::uint32_t shape);

 private:
  SegmentColumns& columns_;
  std::vector<std::optional<LinePlan>> plans_;
};

// Appends the line of record `index` of the segment, which must be of the shape. False: it is longer than
// `end_max` allows.
bool append_line(const LinePlan& plan, std::size_t index, std::size_t end_max, std::string& out);

}  // namespace silt::store
