// Kinds of texts: records of one kind have texts of one length that differ in digits only, and only in numbers
// of equal number_kind. So what is found in one of them stands at the same place in all, and a text is that of
// another one with its own digits. Kinds are found from columns, without making texts.
//
// One thread at a time, over columns and plans that outlive this.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/store/line_plan.h"
#include "daemon/store/segment_columns.h"
#include "daemon/store/stretch.h"

namespace silt::store {

// What else than its length may decide what a run of digits is taken for: parts of addresses are at most 255,
// a status begins with 1 to 5, a year with 1 or 2, a hexadecimal number with 0x. Below 8. `digits` counts
// leading zeros.
unsigned number_kind(std::uint64_t value, unsigned digits);

class TextKinds {
 public:
  TextKinds(SegmentColumns& columns, LinePlans& plans) : columns_(columns), plans_(plans) {}

  // kNoKind, too, where kinds would be hardly fewer than records.
  Result<std::uint32_t> kind(std::uint32_t index);
  // Of a record that has a kind: its text, in which digits outside [begin, end) may be those of another one of
  // the kind. Valid until the next call for a record of the kind.
  std::string_view text(std::uint32_t index, std::size_t begin, std::size_t end);

 private:
  struct Number {
    std::uint32_t at = 0;  // in the text, behind its sign
    std::uint32_t digits = 0;
    std::span<const std::int64_t> values;
    std::span<const std::uint32_t> rows;
  };
  struct Kind {
    std::string text;             // empty: not made yet
    std::vector<Number> numbers;  // in the order of the text
  };

  Status read_shape(std::uint32_t shape);
  Status sort_records();
  Status make(Kind& kind, std::uint32_t index);

  SegmentColumns& columns_;
  LinePlans& plans_;
  std::vector<std::uint32_t> by_shape_;  // indexes of records, sorted by shape
  std::vector<std::uint32_t> begins_;    // of each shape in by_shape_, and the end
  std::vector<bool> was_read_;           // of each shape
  std::vector<std::uint32_t> kind_of_;
  std::vector<Kind> kinds_;
};

}  // namespace silt::store
