// Points in time as people write them on a command line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace silt::cli {

// Microseconds since 1970, UTC. Understood, in the local time zone unless a zone is given:
//   now, today, yesterday             midnight for the last two
//   90s, 15m, 2h, 3d, 1w              that long before `now_us`
//   09:00, 09:00:30                   the last time it was that late
//   2026-11-21, 2026-11-21 09:00[:30], 2026-11-21T09:00:30[.5](Z|+01:00)
Result<std::int64_t> parse_when(std::string_view text, std::int64_t now_us);

// Microseconds: 90s, 15m, 2h, 3d, 1w.
Result<std::int64_t> parse_duration(std::string_view text);

// Seconds east of UTC that the local clock is now.
std::int32_t local_zone_s();

// "2026-11-21 20:54:35" in the local time zone.
std::string format_local(std::int64_t time_us);

}  // namespace silt::cli
