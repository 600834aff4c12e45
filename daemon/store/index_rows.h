// How rows of the index family merge: the content after any sequence of commits depends on what was
// added, not on how it was cut into commits. Pure functions, used by the merge operator.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace silt::daemon {

// Postings: 16-bit little-endian numbers, ascending; merging appends.
std::string encode_posting(std::uint16_t low_bits);

// Event times of a segment: least and greatest; merging widens.
struct TimeSpan {
  std::int64_t first_us = 0;
  std::int64_t last_us = 0;
};
std::string encode_time_span(const TimeSpan& span);
std::optional<TimeSpan> decode_time_span(std::string_view value);

// False when a row is damaged or the key is of no known table.
bool merge_index_row(std::string_view key, const std::optional<std::string_view>& existing,
                     std::string_view operand, std::string& merged);

}  // namespace silt::daemon
