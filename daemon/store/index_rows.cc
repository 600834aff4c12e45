#include "daemon/store/index_rows.h"

#include <algorithm>

#include "base/bytes.h"
#include "daemon/store/keys.h"

namespace silt::daemon {

std::string encode_posting(std::uint16_t low_bits) {
  return {static_cast<char>(low_bits & 0xff), static_cast<char>(low_bits >> 8)};
}

std::string encode_time_span(const TimeSpan& span) {
  ByteWriter writer;
  writer.i64(span.first_us);
  writer.i64(span.last_us);
  return writer.take();
}

std::optional<TimeSpan> decode_time_span(std::string_view value) {
  ByteReader reader(value);
  TimeSpan span;
  span.first_us = reader.i64();
  span.last_us = reader.i64();
  if (!reader.ok() || reader.remaining() != 0) return std::nullopt;
  return span;
}

bool merge_index_row(std::string_view key, const std::optional<std::string_view>& existing,
                     std::string_view operand, std::string& merged) {
  if (key.empty()) return false;
  if (key[0] == keys::kPosting) {
    merged.assign(existing.value_or(std::string_view()));
    merged.append(operand);
    return merged.size() % 2 == 0;
  }
  if (key[0] != keys::kTime) return false;
  const auto added = decode_time_span(operand);
  if (!added) return false;
  TimeSpan span = *added;
  if (existing) {
    const auto before = decode_time_span(*existing);
    if (!before) return false;
    span = {std::min(before->first_us, added->first_us), std::max(before->last_us, added->last_us)};
  }
  merged = encode_time_span(span);
  return true;
}

}  // namespace silt::daemon
