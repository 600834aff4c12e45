// The times that messages of RFC 3164 begin with. Pure functions of the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace silt::connectors {

// Seconds east of UTC at a wall time, in microseconds since 1970.
using ZoneOffset = std::function<std::int32_t(std::int64_t wall_us)>;

struct Stamp {
  std::int64_t us = 0;     // since 1970
  std::size_t bytes = 0;   // of the text
};

// "Nov 30 17:00:00", "Nov 30 2026 17:00:00", with a fraction or not: in `zone`, and of the year that brings it
// nearest to now when it names none.
std::optional<Stamp> parse_bsd_stamp(std::string_view text, std::int64_t now_us, const ZoneOffset& zone);

}  // namespace silt::connectors
