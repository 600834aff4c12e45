#include "daemon/store/segment_columns.h"

#include <algorithm>

#include "daemon/store/bloom.h"
#include "daemon/store/event_clock.h"
#include "daemon/store/numbers.h"
#include "daemon/store/shape_table.h"

namespace silt::store {

Status SegmentColumns::open(std::string_view bytes) {
  std::size_t at = 0;
  SILT_TRY(decode_header(bytes, header_, at));
  bloom_ = bytes.substr(at, header_.bloom_bytes);
  if (frame_checksum(bloom_) != header_.bloom_checksum)
    return data_loss("segment: the bloom filter fails its checksum");
  at += bloom_.size();
  for (const Frame& frame : header_.frames) {
    offsets_.push_back(at);
    at += frame.packed_bytes;
  }
  pieces_ = {.frames = header_.frames, .offsets = offsets_, .bytes = bytes};
  numbers_left_ = header_.text_bytes + 64 * std::uint64_t{header_.records};
  columns_.resize(header_.columns.size() - kRecordColumns);
  group_rows_.resize(header_.groups);
  shape_of_column_.resize(columns_.size());
  for (std::uint32_t s = 0; s < header_.shapes.size(); ++s) {
    for (const HoleInfo& hole : header_.shapes[s].holes) {
      if (!hole.is_constant()) shape_of_column_[hole.column] = s;
    }
  }
  return Status::ok();
}

Status SegmentColumns::read_pool() {
  if (pool_read_) return Status::ok();
  const Frame& frame = header_.frames.back();
  SILT_TRY(unpack_frame(frame, pieces_.bytes.substr(offsets_.back(), frame.packed_bytes), pool_));
  pieces_.pool = pool_;
  pool_read_ = true;
  return Status::ok();
}

Result<PieceReader> SegmentColumns::reader(RecordColumn column) {
  SILT_TRY(read_pool());
  return PieceReader(pieces_, header_.place_of(column));
}

Status SegmentColumns::read_shared() {
  if (shared_read_) return Status::ok();
  SILT_ASSIGN(PieceReader in, reader(kSharedColumn));
  SILT_TRY(shared_.read(in, header_.text_bytes + header_.records));
  shared_read_ = true;
  return Status::ok();
}

Status SegmentColumns::read_numbers_of(RecordColumn column, std::size_t count,
                                       std::vector<std::int64_t>& out) {
  if (out.size() == count) return Status::ok();
  SILT_ASSIGN(PieceReader in, reader(column));
  std::vector<std::int64_t> numbers(count);
  SILT_TRY(read_numbers(in, numbers));
  out = std::move(numbers);
  return Status::ok();
}

Status SegmentColumns::read_shapes() {
  if (shape_of_.size() == header_.records) return Status::ok();
  std::vector<std::int64_t> numbers;
  SILT_TRY(read_numbers_of(kShapeColumn, header_.records, numbers));
  std::vector<std::uint32_t> counts(header_.shapes.size(), 0);
  std::vector<std::uint32_t> shapes(numbers.size()), ranks(numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (static_cast<std::uint64_t>(numbers[i]) >= counts.size())
      return data_loss("segment: a record has no known shape");
    shapes[i] = static_cast<std::uint32_t>(numbers[i]);
    ranks[i] = counts[shapes[i]]++;
  }
  for (std::size_t s = 0; s < counts.size(); ++s) {
    if (counts[s] != header_.shapes[s].count)
      return data_loss("segment: shapes have other counts than the header says");
  }
  shape_of_ = std::move(shapes);
  rank_in_shape_ = std::move(ranks);
  return Status::ok();
}

Result<std::span<const std::uint32_t>> SegmentColumns::shape_of() {
  SILT_TRY(read_shapes());
  return std::span<const std::uint32_t>(shape_of_);
}

Result<std::span<const std::uint32_t>> SegmentColumns::rank_in_shape() {
  SILT_TRY(read_shapes());
  return std::span<const std::uint32_t>(rank_in_shape_);
}

Result<std::span<const std::uint32_t>> SegmentColumns::rows_of_group(std::uint32_t group) {
  std::vector<std::uint32_t>& rows = group_rows_[group];
  if (rows.size() == header_.records) return std::span<const std::uint32_t>(rows);
  SILT_TRY(read_shapes());
  std::vector<bool> has(header_.shapes.size());
  for (std::size_t s = 0; s < has.size(); ++s) {
    has[s] = std::ranges::any_of(header_.shapes[s].holes,
                                 [&](const HoleInfo& hole) { return hole.column == group; });
  }
  rows.resize(header_.records);
  std::uint32_t next = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = has[shape_of_[i]] ? next++ : kNoRow;
  return std::span<const std::uint32_t>(rows);
}

std::size_t SegmentColumns::rows_of_column(std::uint32_t index) {
  if (!header_.is_group(index)) return header_.shapes[shape_of_column_[index]].count;
  std::size_t rows = 0;
  for (const ShapeInfo& shape : header_.shapes) {
    const bool has =
        std::ranges::any_of(shape.holes, [&](const HoleInfo& hole) { return hole.column == index; });
    if (has) rows += shape.count;
  }
  return rows;
}

Result<ColumnRows> SegmentColumns::values(std::uint32_t index) {
  ColumnRows out;
  SILT_ASSIGN(out.rows, header_.is_group(index) ? rows_of_group(index) : rank_in_shape());
  if (!columns_[index]) {
    SILT_TRY(read_pool());
    SILT_TRY(read_shared());
    PieceReader in(pieces_, header_.columns[index].place);
    auto column = std::make_unique<Column>();
    const std::size_t rows = rows_of_column(index);
    if (rows > 0) SILT_TRY(column->read(in, shared_, rows, numbers_left_));
    columns_[index] = std::move(column);
  }
  out.column = columns_[index].get();
  return out;
}

Result<bool> SegmentColumns::literals_of(std::uint32_t index, std::vector<std::string>& literals) {
  SILT_TRY(read_pool());
  PieceReader in(pieces_, header_.columns[index].place);
  return read_literals(in, literals);
}

Result<std::span<const std::int64_t>> SegmentColumns::sizes() {
  if (rows_.size.size() != header_.records) {
    SILT_TRY(read_shapes());
    std::vector<std::int64_t> sizes;
    SILT_TRY(read_numbers_of(kSizeColumn, header_.records, sizes));
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const std::uint64_t size =
          static_cast<std::uint64_t>(sizes[i]) + header_.shapes[shape_of_[i]].line_bytes;
      if (size > header_.text_bytes || (sum += size) > header_.text_bytes) {
        return data_loss("segment: texts are longer than the header says");
      }
      sizes[i] = static_cast<std::int64_t>(size);
    }
    if (sum != header_.text_bytes) return data_loss("segment: texts are shorter than the header says");
    rows_.size = std::move(sizes);
  }
  return std::span<const std::int64_t>(rows_.size);
}

Result<std::span<const std::int64_t>> SegmentColumns::arrivals() {
  SILT_TRY(read_numbers_of(kArrivalColumn, header_.records, rows_.arrival));
  return std::span<const std::int64_t>(rows_.arrival);
}

Result<std::span<const std::int64_t>> SegmentColumns::told() {
  SILT_TRY(read_numbers_of(kToldColumn, header_.records, rows_.told));
  return std::span<const std::int64_t>(rows_.told);
}

Result<std::span<const std::int64_t>> SegmentColumns::events() {
  if (rows_.event.size() == header_.records) return std::span<const std::int64_t>(rows_.event);
  SILT_ASSIGN(PieceReader in, reader(kEventColumn));
  EventClock clock;
  SILT_TRY(read_clock(in, clock));
  std::vector<std::int64_t> events(header_.records), foretold(header_.records);
  SILT_TRY(read_numbers(in, events));
  SILT_ASSIGN(const std::span<const std::int64_t> arrival, arrivals());
  SILT_ASSIGN(const std::span<const std::int64_t> told_us, told());
  TimeColumn text;
  if (clock.base == EventClock::kText) {
    if (!header_.is_group(clock.group)) return data_loss("segment: event times follow no column of times");
    SILT_ASSIGN(const ColumnRows times, values(clock.group));
    if (times.column->slots() != clock.weights.size()) {
      return data_loss("segment: event times have other weights than their column numbers");
    }
    text = {.group = clock.group, .row_of_record = times.rows};
    for (std::size_t k = 0; k < clock.weights.size(); ++k) {
      const std::span<const std::int64_t> numbers = times.column->numbers(k);
      text.numbers.emplace_back(numbers.begin(), numbers.end());
    }
  }
  foretell(clock, arrival, told_us, &text, foretold);
  for (std::size_t i = 0; i < events.size(); ++i) {
    events[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(events[i]) +
                                          static_cast<std::uint64_t>(foretold[i]));
  }
  rows_.event = std::move(events);
  return std::span<const std::int64_t>(rows_.event);
}

Result<std::span<const std::int64_t>> SegmentColumns::overflow_patterns() {
  SILT_TRY(read_numbers_of(kOverflowPatternColumn, header_.shapes[kOverflowShape].count, overflow_patterns_));
  return std::span<const std::int64_t>(overflow_patterns_);
}

Result<std::vector<std::int64_t>> SegmentColumns::new_patterns() {
  SILT_ASSIGN(PieceReader in, reader(kNewPatternColumn));
  std::vector<std::int64_t> indexes;
  SILT_TRY(read_indexes(in, header_.records, indexes));
  return indexes;
}

Status SegmentColumns::read_attributes() {
  if (attributes_read_) return Status::ok();
  SILT_ASSIGN(PieceReader in, reader(kAttributesColumn));
  if (in.pool().u8() != 0) {
    SILT_TRY(read_shared());
    auto attributes = std::make_unique<Column>();
    SILT_TRY(attributes->read(in, shared_, header_.records, numbers_left_));
    attributes_ = std::move(attributes);
  }
  attributes_read_ = true;
  return Status::ok();
}

Status SegmentColumns::read_rest() {
  if (rest_read_) return Status::ok();
  SILT_TRY(sizes().status());
  SILT_ASSIGN(PieceReader marks, reader(kMarksColumn));
  SILT_TRY(read_marks(marks, header_.records, rows_));
  SILT_ASSIGN(PieceReader origins, reader(kOriginColumn));
  SILT_TRY(read_origins(origins, rows_, places_, place_bytes_));
  SILT_TRY(read_attributes());
  rest_read_ = true;
  return Status::ok();
}

}  // namespace silt::store
