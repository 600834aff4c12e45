#include "daemon/store/numbers.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <vector>

namespace silt::store {
namespace {

using u64 = std::uint64_t;

enum Kind : std::uint8_t { kConstant = 0, kStep = 1, kPacked = 2 };
enum Transform : std::uint8_t { kLessLeast = 0, kDelta = 1, kBelowGreatest = 2 };

constexpr std::uint8_t kEscaped = 255;  // in a byte each: the number is among the exceptions

u64 as_u64(std::int64_t value) {
  return static_cast<u64>(value);
}
u64 zigzag_of(u64 difference) {
  return zigzag(static_cast<std::int64_t>(difference));
}
u64 unzigzag_to(u64 value) {
  return as_u64(unzigzag(value));
}

struct Range {
  std::int64_t least = 0;
  std::int64_t greatest = 0;
};

Range range_of(std::span<const std::int64_t> values) {
  Range range{values[0], values[0]};
  for (const std::int64_t value : values) {
    range.least = std::min(range.least, value);
    range.greatest = std::max(range.greatest, value);
  }
  return range;
}

// The greatest number that divides all differences to `least`; ends early, mostly at once.
u64 divisor_of(std::span<const std::int64_t> values, std::int64_t least) {
  u64 divisor = 0;
  for (const std::int64_t value : values) {
    const u64 above = as_u64(value) - as_u64(least);
    if (divisor != 0 && above % divisor == 0) continue;
    divisor = std::gcd(divisor, above);
    if (divisor == 1) break;
  }
  return std::max<u64>(divisor, 1);
}

struct Bits {
  u64 less_least = 0;
  u64 delta = 0;
  u64 below_greatest = 0;

  Transform best() const {
    const u64 other = std::min(delta, below_greatest);
    if (less_least <= other + other / 8) return kLessLeast;
    return delta <= below_greatest ? kDelta : kBelowGreatest;
  }
  u64 least() const { return std::min({less_least, delta, below_greatest}); }
};

template <class At>
Bits count_bits(std::size_t size, At at) {
  Bits bits;
  u64 last = at(0), greatest = last;
  for (std::size_t i = 0; i < size; ++i) {
    const u64 value = at(i);
    bits.less_least += static_cast<u64>(std::bit_width(value));
    bits.delta += static_cast<u64>(std::bit_width(zigzag_of(value - last)));
    bits.below_greatest += static_cast<u64>(std::bit_width(zigzag_of(greatest + 1 - value)));
    last = value;
    greatest = std::max(greatest, value);
  }
  return bits;
}

void transform(Transform how, std::vector<u64>& values) {
  u64 last = values[0], greatest = last;
  if (how == kLessLeast) return;
  values[0] = 0;
  for (std::size_t i = 1; i < values.size(); ++i) {
    const u64 value = values[i];
    values[i] = how == kDelta ? zigzag_of(value - last) : zigzag_of(greatest + 1 - value);
    last = value;
    greatest = std::max(greatest, value);
  }
}

void write_planes(std::span<const u64> values, unsigned width, PieceWriter& out) {
  thread_local std::string plane;
  plane.resize(values.size());
  for (unsigned byte = 0; byte < width; ++byte) {
    for (std::size_t i = 0; i < values.size(); ++i) plane[i] = static_cast<char>(values[i] >> (8 * byte));
    out.piece(plane);
  }
}

void write_bytes(std::span<const u64> values, PieceWriter& out) {
  thread_local std::string bytes;
  bytes.resize(values.size());
  ByteWriter exceptions;
  for (std::size_t i = 0; i < values.size(); ++i) {
    bytes[i] = static_cast<char>(std::min<u64>(values[i], kEscaped));
    if (values[i] >= kEscaped) exceptions.varint(values[i]);
  }
  out.pool().varint(exceptions.bytes().size());
  out.piece(bytes);
  out.piece(exceptions.bytes());
}

Status read_planes(PieceReader& in, unsigned width, std::span<u64> values) {
  std::string keep;
  std::string_view plane;
  std::fill(values.begin(), values.end(), 0);
  for (unsigned byte = 0; byte < width; ++byte) {
    SILT_TRY(in.piece(values.size(), keep, plane));
    const char* const from = plane.data();
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] |= static_cast<u64>(static_cast<std::uint8_t>(from[i])) << (8 * byte);
    }
  }
  return Status::ok();
}

Status read_bytes(PieceReader& in, std::span<u64> values) {
  std::string keep, keep_exceptions;
  std::string_view bytes, exception_bytes;
  const u64 exceptions_size = in.pool().varint();
  if (exceptions_size > 10 * values.size()) return data_loss("segment: more exceptions than numbers");
  SILT_TRY(in.piece(values.size(), keep, bytes));
  SILT_TRY(in.piece(exceptions_size, keep_exceptions, exception_bytes));
  ByteReader exceptions(exception_bytes);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<std::uint8_t>(bytes[i]);
    if (values[i] == kEscaped) values[i] = exceptions.varint();
  }
  if (!exceptions.ok() || exceptions.remaining() > 0)
    return data_loss("segment: exceptions do not fit a column");
  return Status::ok();
}

void undo_transform(Transform how, u64 first, std::span<u64> values) {
  if (how == kLessLeast) return;
  values[0] = first;
  u64 last = first, greatest = first;
  for (std::size_t i = 1; i < values.size(); ++i) {
    last = how == kDelta ? last + unzigzag_to(values[i]) : greatest + 1 - unzigzag_to(values[i]);
    greatest = std::max(greatest, last);
    values[i] = last;
  }
}

bool has_even_step(std::span<const std::int64_t> values) {
  const u64 step = as_u64(values[1]) - as_u64(values[0]);
  for (std::size_t i = 2; i < values.size(); ++i) {
    if (as_u64(values[i]) - as_u64(values[i - 1]) != step) return false;
  }
  return true;
}

std::size_t escaped_size(std::span<const u64> values) {
  std::size_t size = values.size();
  for (const u64 value : values) {
    if (value >= kEscaped) size += static_cast<std::size_t>(std::bit_width(value) + 6) / 7;
  }
  return size;
}

void write_packed(std::span<const std::int64_t> values, const Range& range, PieceWriter& out) {
  const u64 divisor = divisor_of(values, range.least);
  thread_local std::vector<u64> small;
  small.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) small[i] = as_u64(values[i]) - as_u64(range.least);
  if (divisor > 1) {
    for (u64& value : small) value /= divisor;
  }
  const Transform how = count_bits(small.size(), [&](std::size_t i) { return small[i]; }).best();
  const u64 first = small[0];
  transform(how, small);
  const u64 greatest = *std::max_element(small.begin(), small.end());
  const auto width = static_cast<unsigned>(std::bit_width(greatest) + 7) / 8;
  const bool escape = width > 1 && escaped_size(small) < width * small.size();
  ByteWriter& pool = out.pool();
  pool.u8(static_cast<std::uint8_t>(kPacked + static_cast<int>(how)));
  pool.u8(static_cast<std::uint8_t>(escape ? 0 : width));
  pool.varint(zigzag(range.least));
  pool.varint(divisor);
  if (how != kLessLeast) pool.varint(first);
  if (escape) {
    write_bytes(small, out);
  } else {
    write_planes(small, width, out);
  }
}

}  // namespace

void write_numbers(std::span<const std::int64_t> values, PieceWriter& out) {
  if (values.empty()) return;
  const Range range = range_of(values);
  if (range.least == range.greatest) {
    out.pool().u8(kConstant);
    out.pool().varint(zigzag(range.least));
  } else if (has_even_step(values)) {
    out.pool().u8(kStep);
    out.pool().varint(zigzag(values[0]));
    out.pool().varint(zigzag_of(as_u64(values[1]) - as_u64(values[0])));
  } else {
    write_packed(values, range, out);
  }
}

Status read_numbers(PieceReader& in, std::span<std::int64_t> out) {
  if (out.empty()) return Status::ok();
  const std::uint8_t kind = in.pool().u8();
  if (kind <= kStep) {
    const std::int64_t first = unzigzag(in.pool().varint());
    const u64 step = kind == kStep ? unzigzag_to(in.pool().varint()) : 0;
    if (!in.pool().ok()) return data_loss("segment: a column of numbers ends too early");
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::int64_t>(as_u64(first) + i * step);
    return Status::ok();
  }
  const std::uint8_t width = in.pool().u8();
  const u64 least = unzigzag_to(in.pool().varint());
  const u64 divisor = in.pool().varint();
  const auto how = static_cast<Transform>(kind - kPacked);
  const u64 first = how != kLessLeast ? in.pool().varint() : 0;
  if (!in.pool().ok() || how > kBelowGreatest || width > 8) {
    return data_loss("segment: a column of numbers is of no known kind");
  }
  // i64 and u64 may view the same memory.
  const std::span<u64> values(reinterpret_cast<u64*>(out.data()), out.size());
  SILT_TRY(width == 0 ? read_bytes(in, values) : read_planes(in, width, values));
  undo_transform(how, first, values);
  if (divisor == 1) {
    for (u64& value : values) value += least;
  } else {
    for (u64& value : values) value = value * divisor + least;
  }
  return Status::ok();
}

double bits_per_number(std::span<const std::int64_t> values) {
  if (values.empty()) return 0;
  const u64 least = as_u64(range_of(values).least);
  const Bits bits = count_bits(values.size(), [&](std::size_t i) { return as_u64(values[i]) - least; });
  return static_cast<double>(bits.least()) / static_cast<double>(values.size());
}

}  // namespace silt::store
