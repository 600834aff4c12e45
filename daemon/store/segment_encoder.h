// Writes a segment's bytes from what the builder collected. One object a segment.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/store/bloom.h"
#include "daemon/store/column_groups.h"
#include "daemon/store/event_clock.h"
#include "daemon/store/record.h"
#include "daemon/store/record_rows.h"
#include "daemon/store/segment_header.h"
#include "daemon/store/shape_table.h"

namespace silt::store {

// Views of the builder's columns; one entry a record in each, at least one record.
struct SegmentInput {
  Seq first_seq = 0;
  std::string_view texts;  // joined
  const RecordRows& rows;
  const ShapeTable& table;
  std::span<const std::uint32_t> shape_of;
  std::span<const FoldMark> marks;
  std::string_view attributes;  // joined
  std::span<const ValueRef> attribute_of;
  std::span<const std::string> places;
};

class SegmentEncoder {
 public:
  explicit SegmentEncoder(const SegmentInput& input) : in_(input), texts_(input.texts.data()) {}

  // `add_terms` is called with lines, parts of lines and values; it puts their terms into the filter.
  std::string encode(const std::function<void(std::string_view, BloomBuilder&)>& add_terms);

 private:
  void describe_records();
  void describe_patterns();
  void write_groups();
  void write_shape_columns();
  void write_record_columns();
  void write_attributes();
  ShapeInfo shape_info(std::uint32_t shape);
  void write_value_column(std::span<const ValueRef> values);
  void begin_column(ColumnStats stats = {});
  template <class Values>
  void begin_numbers(const Values& values);
  std::string make_bloom(const std::function<void(std::string_view, BloomBuilder&)>& add_terms);

  const SegmentInput& in_;
  const char* texts_;
  SegmentHeader header_;
  PieceWriter pieces_;
  SharedWriter shared_;
  Skeleton skeleton_;
  std::vector<ColumnGroup> groups_;
  std::vector<std::vector<ValueRef>> group_values_;
  std::vector<std::vector<std::uint32_t>> group_rows_;
  std::vector<TimeColumn> clocks_;
};

}  // namespace silt::store
