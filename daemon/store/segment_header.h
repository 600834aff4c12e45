// The header of a segment: all that can be said of it without reading a column. docs/formats.md has the
// bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/store/column.h"
#include "daemon/store/pieces.h"
#include "daemon/store/record.h"
#include "daemon/store/sha256.h"

namespace silt::store {

// No segment has more; a reader allocates no more than these allow.
inline constexpr std::size_t kSegmentTextBytesMax = std::size_t{32} << 20;
inline constexpr std::size_t kSegmentRecordsMax = std::size_t{1} << 20;
inline constexpr std::size_t kSegmentBytesMax = std::size_t{256} << 20;  // all frames, unpacked

struct PatternStats {
  PatternId pattern = 0;
  std::uint32_t count = 0;
  std::uint32_t first_index = 0;  // of its records in the segment
  std::uint32_t last_index = 0;
  std::int64_t min_event_us = 0;
  std::int64_t max_event_us = 0;
  friend bool operator==(const PatternStats&, const PatternStats&) = default;
};

// One token of a shape, in the order of the line.
struct HoleInfo {
  static constexpr std::uint32_t kConstant = ~std::uint32_t{0};
  std::uint32_t offset = 0;          // in the shape's text
  std::uint32_t size = 0;            // of a constant, else 0
  std::uint32_t column = kConstant;  // of the directory
  bool is_constant() const { return column == kConstant; }
};

// `text` is a line of the shape without the tokens that vary: what all its lines have in common.
struct ShapeInfo {
  PatternId pattern = 0;  // of shape 0, which holds whole lines of any pattern: 0
  std::uint32_t count = 0;
  std::uint32_t line_bytes = 0;  // of a line of the shape: sizes are written as differences to it
  std::string text;
  std::vector<HoleInfo> holes;
};

// Columns that are not values of texts: the last ones of the directory, in this order.
enum RecordColumn : std::uint32_t {
  kShapeColumn,
  kSizeColumn,
  kArrivalColumn,
  kToldColumn,
  kEventColumn,
  kNewPatternColumn,
  kMarksColumn,
  kOriginColumn,
  kAttributesColumn,
  kOverflowPatternColumn,
  kSharedColumn,
  kRecordColumns
};

struct ColumnEntry {
  Place place;
  ColumnStats stats;  // of columns of values
};

struct SegmentHeader {
  Seq first_seq = 0;
  std::uint32_t records = 0;
  std::uint64_t text_bytes = 0;
  std::int64_t min_arrival_us = 0;
  std::int64_t max_arrival_us = 0;
  std::int64_t min_event_us = 0;
  std::int64_t max_event_us = 0;
  Sha256 texts_hash{};                 // sha256_of_texts() of all texts
  std::vector<PatternStats> patterns;  // ascending by pattern
  std::vector<ShapeInfo> shapes;
  std::uint32_t groups = 0;          // the first columns: those that shapes share
  std::vector<ColumnEntry> columns;  // groups, columns of one shape each, record columns
  std::vector<Frame> frames;         // the last one is the pool
  std::uint32_t bloom_bytes = 0;
  std::uint32_t bloom_checksum = 0;

  bool is_group(std::uint32_t column) const { return column < groups; }
  Place place_of(RecordColumn column) const {
    return columns[columns.size() - kRecordColumns + column].place;
  }
};

// The header's bytes; bloom filter and frames follow them.
std::string encode_header(const SegmentHeader& header);

// `size` becomes the bytes of the header itself. Checks all that a reader relies on: counts, the places
// of holes and columns, and that bloom filter and frames fill the rest.
Status decode_header(std::string_view bytes, SegmentHeader& header, std::size_t& size);

}  // namespace silt::store
