// The columns of an open segment, decoded when they are first asked for, and where in them a record's
// values lie. The part of a Segment that does not know of records.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/store/column.h"
#include "daemon/store/record_rows.h"
#include "daemon/store/segment_header.h"

namespace silt::store {

// Where a value is: a column, and the row of each record of the segment, or of each record of the shape.
struct ColumnRows {
  const Column* column = nullptr;
  std::span<const std::uint32_t> rows;
};

struct Letters;
struct PatternLetters;

class SegmentColumns {
 public:
  // Checks the header and the bloom filter; `bytes` must outlive this.
  Status open(std::string_view bytes);

  const SegmentHeader& header() const { return header_; }
  std::string_view bloom() const { return bloom_; }

  // Each of these decodes at most once. Spans and pointers live as long as this.
  Result<std::span<const std::uint32_t>> shape_of();       // of each record
  Result<std::span<const std::uint32_t>> rank_in_shape();  // how many records of its shape came before
  // Column `index` of the directory, a column of values, and the row that each record has in it.
  Result<ColumnRows> values(std::uint32_t index);
  // True: the column's values are numbers, with these literals around them. It is not decoded for that.
  Result<bool> literals_of(std::uint32_t index, std::vector<std::string>& literals);
  Result<std::span<const std::int64_t>> sizes();
  Result<std::span<const std::int64_t>> arrivals();
  Result<std::span<const std::int64_t>> told();
  Result<std::span<const std::int64_t>> events();
  Result<std::span<const std::int64_t>> overflow_patterns();
  Result<std::vector<std::int64_t>> new_patterns();
  Status read_attributes();
  // Flags, origins and attributes of all records.
  Status read_rest();
  const RecordRows& rows() const { return rows_; }
  std::span<const std::string_view> places() const { return places_; }
  const Column* attributes() const { return attributes_.get(); }  // once they were read; null: no record has any

 private:
  Status read_pool();
  Result<PieceReader> reader(RecordColumn column);
  Status read_shared();
  Status read_shapes();
  Status read_numbers_of(RecordColumn column, std::size_t count, std::vector<std::int64_t>& out);
  std::size_t rows_of_column(std::uint32_t index);
  Result<std::span<const std::uint32_t>> rows_of_group(std::uint32_t group);

  SegmentHeader header_;
  std::string_view bloom_;
  std::string pool_;
  bool pool_read_ = false;
  std::vector<std::size_t> offsets_;
  Pieces pieces_;
  SharedReader shared_;
  bool shared_read_ = false;
  bool attributes_read_ = false;
  bool rest_read_ = false;
  std::uint64_t numbers_left_ = 0;  // that columns may still hold: each is a byte of text at least
  std::vector<std::uint32_t> shape_of_;
  std::vector<std::uint32_t> rank_in_shape_;
  std::vector<std::uint32_t> shape_of_column_;  // of columns that are no group
  std::vector<std::vector<std::uint32_t>> group_rows_;
  std::vector<std::unique_ptr<Column>> columns_;
  RecordRows rows_;
  std::vector<std::int64_t> overflow_patterns_;
  std::vector<std::string_view> places_;
  std::string place_bytes_;
  std::unique_ptr<Column> attributes_;
};

// Segment::letters() and letters_of_attributes().
Result<std::vector<PatternLetters>> letters_of(SegmentColumns& columns);
Result<Letters> attribute_letters_of(SegmentColumns& columns);

}  // namespace silt::store
