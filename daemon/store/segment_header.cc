#include "daemon/store/segment_header.h"

#include <algorithm>

#include "daemon/store/bloom.h"
#include "daemon/store/compress.h"
#include "daemon/store/shape_table.h"

namespace silt::store {
namespace {

using u64 = std::uint64_t;

constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kEnvelopeBytes = 1 + 4 + 4 + 4;  // format, raw and packed size, checksum
constexpr std::size_t kHeaderBytesMax = std::size_t{32} << 20;
constexpr std::size_t kColumnsMax = std::size_t{1} << 20;
constexpr int kLevel = 1;

u64 minus(std::int64_t a, std::int64_t b) {
  return static_cast<u64>(a) - static_cast<u64>(b);
}
std::int64_t plus(std::int64_t a, u64 b) {
  return static_cast<std::int64_t>(static_cast<u64>(a) + b);
}

Status damaged(std::string_view what) {
  return data_loss(std::string("segment: the header ").append(what));
}

// A number that must be below 2^32; out of range makes the reader fail.
class HeaderReader : public ByteReader {
 public:
  using ByteReader::ByteReader;
  std::uint32_t small() {
    const std::uint64_t value = varint();
    fits_ &= value <= ~std::uint32_t{0};
    return static_cast<std::uint32_t>(value);
  }
  std::int64_t signed_varint() { return unzigzag(varint()); }
  // A count of things that take at least `bytes` each.
  std::size_t count(std::size_t bytes, std::size_t max) {
    const std::uint64_t value = varint();
    if (value <= std::min<std::uint64_t>(remaining() / bytes, max)) return value;
    fits_ = false;
    return 0;
  }
  bool good() const { return ok() && fits_; }

 private:
  bool fits_ = true;
};

// Tables are written column by column: what is alike lies together.
void write_patterns(const SegmentHeader& header, ByteWriter& out) {
  out.varint(header.patterns.size());
  PatternId last = 0;
  for (const PatternStats& stats : header.patterns) {
    out.varint(stats.pattern - last);
    last = stats.pattern;
  }
  for (const PatternStats& stats : header.patterns) out.varint(stats.count);
  for (const PatternStats& stats : header.patterns) out.varint(stats.first_index);
  for (const PatternStats& stats : header.patterns) out.varint(stats.last_index - stats.first_index);
  for (const PatternStats& stats : header.patterns)
    out.varint(minus(stats.min_event_us, header.min_event_us));
  for (const PatternStats& stats : header.patterns) out.varint(minus(stats.max_event_us, stats.min_event_us));
}

void read_patterns(SegmentHeader& header, HeaderReader& in) {
  header.patterns.resize(in.count(6, header.records));
  PatternId last = 0;
  for (PatternStats& stats : header.patterns) last = stats.pattern = last + in.small();
  for (PatternStats& stats : header.patterns) stats.count = in.small();
  for (PatternStats& stats : header.patterns) stats.first_index = in.small();
  for (PatternStats& stats : header.patterns) stats.last_index = stats.first_index + in.small();
  for (PatternStats& stats : header.patterns) stats.min_event_us = plus(header.min_event_us, in.varint());
  for (PatternStats& stats : header.patterns) stats.max_event_us = plus(stats.min_event_us, in.varint());
}

// Of a hole: 0 for a constant, 1 for the next column that no other hole has, or 2 + a group.
std::uint32_t kind_of(const HoleInfo& hole, const SegmentHeader& header) {
  if (hole.is_constant()) return 0;
  return header.is_group(hole.column) ? 2 + hole.column : 1;
}

template <class Use>
void for_holes(auto& shapes, Use use) {
  for (auto& shape : shapes) {
    for (auto& hole : shape.holes) use(hole);
  }
}

void write_shapes(const SegmentHeader& header, ByteWriter& out) {
  const std::vector<ShapeInfo>& shapes = header.shapes;
  out.varint(shapes.size());
  for (const ShapeInfo& shape : shapes) out.varint(shape.pattern);
  for (const ShapeInfo& shape : shapes) out.varint(shape.count);
  for (const ShapeInfo& shape : shapes) out.varint(shape.line_bytes);
  for (const ShapeInfo& shape : shapes) out.varint(shape.holes.size());
  for_holes(shapes, [&](const HoleInfo& hole) { out.varint(kind_of(hole, header)); });
  for_holes(shapes, [&](const HoleInfo& hole) {
    if (hole.is_constant()) out.varint(hole.size);
  });
  for (const ShapeInfo& shape : shapes) {
    std::uint32_t at = 0;
    for (const HoleInfo& hole : shape.holes) {
      out.varint(hole.offset - at);
      at = hole.offset + hole.size;
    }
  }
  for (const ShapeInfo& shape : shapes) out.varint(shape.text.size());
  for (const ShapeInfo& shape : shapes) out.raw(shape.text.data(), shape.text.size());
}

// False: a hole is of no kind that there is.
bool read_kinds(SegmentHeader& header, std::uint32_t& next_column, HeaderReader& in) {
  bool known = true;
  next_column = header.groups;
  for_holes(header.shapes, [&](HoleInfo& hole) {
    const u64 kind = in.varint();
    if (kind == 1) hole.column = next_column++;
    if (kind >= 2) hole.column = static_cast<std::uint32_t>(kind - 2);
    known &= kind < 2 || kind - 2 < header.groups;
  });
  return known;
}

bool read_shapes(SegmentHeader& header, std::uint32_t& next_column, HeaderReader& in) {
  std::vector<ShapeInfo>& shapes = header.shapes;
  shapes.resize(in.count(5, kMaxShapes + 1));
  for (ShapeInfo& shape : shapes) shape.pattern = in.small();
  for (ShapeInfo& shape : shapes) shape.count = in.small();
  for (ShapeInfo& shape : shapes) shape.line_bytes = in.small();
  for (ShapeInfo& shape : shapes) shape.holes.resize(in.count(2, kMaxHoles));
  if (!read_kinds(header, next_column, in)) return false;
  for_holes(shapes, [&](HoleInfo& hole) { hole.size = hole.is_constant() ? in.small() : 0; });
  for (ShapeInfo& shape : shapes) {
    std::uint32_t at = 0;
    for (HoleInfo& hole : shape.holes) {
      hole.offset = at + in.small();
      at = hole.offset + hole.size;
    }
  }
  for (ShapeInfo& shape : shapes) shape.text.resize(in.count(1, kMaxShapedBytes));
  for (ShapeInfo& shape : shapes) in.raw(shape.text.data(), shape.text.size());
  return true;
}

void write_columns(const SegmentHeader& header, ByteWriter& out) {
  Place last;
  for (std::size_t i = 0; i < header.columns.size(); ++i) {
    const auto& [place, stats] = header.columns[i];
    out.varint(place.pool - last.pool);
    out.varint(place.frame - last.frame);
    last = place;
    if (i + kRecordColumns >= header.columns.size()) continue;
    out.varint(u64{stats.distinct} << 1 | (stats.numeric ? 1 : 0));
    if (stats.numeric) {
      out.varint(zigzag(stats.min));
      out.varint(minus(stats.max, stats.min));
    }
  }
}

void read_columns(SegmentHeader& header, HeaderReader& in) {
  Place last;
  header.columns.resize(in.count(2, kColumnsMax));
  for (std::size_t i = 0; i < header.columns.size(); ++i) {
    auto& [place, stats] = header.columns[i];
    place.pool = last.pool + in.small();
    place.frame = last.frame + in.small();
    last = place;
    if (i + kRecordColumns >= header.columns.size()) continue;
    const u64 known = in.varint();
    stats.distinct = static_cast<std::uint32_t>(known >> 1);
    stats.numeric = (known & 1) != 0;
    if (!stats.numeric) continue;
    stats.min = in.signed_varint();
    stats.max = plus(stats.min, in.varint());
  }
}

void write_fields(const SegmentHeader& header, ByteWriter& out) {
  out.varint(header.first_seq);
  out.varint(header.records);
  out.varint(header.text_bytes);
  out.varint(zigzag(header.min_arrival_us));
  out.varint(minus(header.max_arrival_us, header.min_arrival_us));
  out.varint(zigzag(header.min_event_us));
  out.varint(minus(header.max_event_us, header.min_event_us));
  out.raw(header.texts_hash.data(), header.texts_hash.size());
  write_patterns(header, out);
  out.varint(header.groups);
  write_shapes(header, out);
  out.varint(header.columns.size());
  write_columns(header, out);
  out.varint(header.frames.size());
  for (const Frame& frame : header.frames) {
    out.varint(frame.raw_bytes);
    out.varint(frame.packed_bytes);
    out.u32(frame.checksum);
  }
  out.varint(header.bloom_bytes);
  out.u32(header.bloom_checksum);
}

bool read_fields(HeaderReader& in, SegmentHeader& header, std::uint32_t& next_column) {
  header.first_seq = in.varint();
  header.records = in.small();
  header.text_bytes = in.varint();
  header.min_arrival_us = in.signed_varint();
  header.max_arrival_us = plus(header.min_arrival_us, in.varint());
  header.min_event_us = in.signed_varint();
  header.max_event_us = plus(header.min_event_us, in.varint());
  in.raw(header.texts_hash.data(), header.texts_hash.size());
  read_patterns(header, in);
  header.groups = in.small();
  if (!read_shapes(header, next_column, in)) return false;
  read_columns(header, in);
  header.frames.resize(in.count(6, kColumnsMax));
  for (Frame& frame : header.frames) {
    frame.raw_bytes = in.small();
    frame.packed_bytes = in.small();
    frame.checksum = in.u32();
  }
  header.bloom_bytes = in.small();
  header.bloom_checksum = in.u32();
  return in.good() && in.remaining() == 0;
}

Status check_shapes(const SegmentHeader& header) {
  u64 records = 0, values = 0;
  for (std::size_t i = 0; i < header.shapes.size(); ++i) {
    const ShapeInfo& shape = header.shapes[i];
    records += shape.count;
    u64 at = 0;
    for (const HoleInfo& hole : shape.holes) {
      if (hole.offset < at || u64{hole.offset} + hole.size > shape.text.size()) {
        return damaged("has a token outside its line");
      }
      at = u64{hole.offset} + hole.size;
      values += i == kOverflowShape || hole.is_constant() ? 0 : shape.count;  // none of them is empty
    }
  }
  const bool whole_lines = !header.shapes.empty() && header.shapes[kOverflowShape].text.empty() &&
                           header.shapes[kOverflowShape].holes.size() == 1 &&
                           !header.shapes[kOverflowShape].holes[0].is_constant();
  if (!whole_lines) return damaged("has no shape for whole lines");
  if (records != header.records || values > header.text_bytes)
    return damaged("has shapes of more lines than there are");
  return Status::ok();
}

Status check(const SegmentHeader& header, std::uint32_t next_column, std::size_t rest) {
  if (header.records > kSegmentRecordsMax || header.text_bytes > kSegmentTextBytesMax ||
      header.frames.empty() || header.columns.size() != std::size_t{next_column} + kRecordColumns) {
    return damaged("says what no segment can be");
  }
  SILT_TRY(check_shapes(header));
  u64 packed = header.bloom_bytes, raw = 0;
  for (const Frame& frame : header.frames) {
    packed += frame.packed_bytes;
    raw += frame.raw_bytes;
  }
  if (packed != rest || header.bloom_bytes % kBloomBlockBytes != 0)
    return damaged("has frames that do not fill it");
  return raw <= kSegmentBytesMax ? Status::ok() : damaged("has frames that are too long");
}

}  // namespace

std::string encode_header(const SegmentHeader& header) {
  ByteWriter fields;
  write_fields(header, fields);
  std::string packed;
  compress_append(fields.bytes(), kLevel, packed);
  ByteWriter out;
  out.u8(kFormat);
  out.u32(static_cast<std::uint32_t>(fields.bytes().size()));
  out.u32(static_cast<std::uint32_t>(packed.size()));
  out.u32(frame_checksum(packed) ^ frame_checksum(out.bytes()));
  out.raw(packed.data(), packed.size());
  return out.take();
}

Status decode_header(std::string_view bytes, SegmentHeader& header, std::size_t& size) {
  ByteReader envelope(bytes);
  const std::uint8_t format = envelope.u8();
  const std::uint32_t raw_size = envelope.u32();
  const std::uint32_t packed_size = envelope.u32();
  const std::uint32_t checksum = envelope.u32();
  if (!envelope.ok() || packed_size > envelope.remaining()) return damaged("ends too early");
  if (format != kFormat) return damaged("has a format that is not known");
  const std::string_view packed = bytes.substr(kEnvelopeBytes, packed_size);
  if ((frame_checksum(packed) ^ frame_checksum(bytes.substr(0, 9))) != checksum)
    return damaged("fails its checksum");
  if (raw_size > kHeaderBytesMax) return damaged("is too long");
  std::string fields(raw_size, '\0');
  SILT_TRY(decompress(packed, fields.data(), fields.size()).with_context("segment: the header"));
  size = kEnvelopeBytes + packed_size;
  HeaderReader in(fields);
  header = {};
  std::uint32_t next_column = 0;
  if (!read_fields(in, header, next_column)) return damaged("cannot be read");
  return check(header, next_column, bytes.size() - size);
}

}  // namespace silt::store
