#include "cli/format.h"

#include <cstdio>

namespace silt::cli {

std::string format_count(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string format_fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string format_bytes(std::uint64_t bytes) {
  if (bytes < 1000) return std::to_string(bytes) + " B";
  static constexpr const char* kUnits[] = {" kB", " MB", " GB", " TB", " PB", " EB"};
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  for (; value >= 999.95 && unit < 5; ++unit) value /= 1000;
  return format_fixed(value, 1) + kUnits[unit];
}

std::string format_duration(std::int64_t seconds) {
  const auto part = [](std::int64_t value, const char* unit) { return std::to_string(value) + unit; };
  if (seconds < 60) return part(seconds, " s");
  if (seconds < 3600) return part(seconds / 60, " min");
  if (seconds < 86'400) return part(seconds / 3600, " h ") + part(seconds % 3600 / 60, " min");
  return part(seconds / 86'400, " d ") + part(seconds % 86'400 / 3600, " h");
}

}  // namespace silt::cli
