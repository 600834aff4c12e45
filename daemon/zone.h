// Zones: how far a place is from UTC, when.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace silt::daemon {

// Of "local", "utc" or "+02:00", as a checked configuration has it: seconds east of UTC at a wall time.
std::function<std::int32_t(std::int64_t wall_us)> zone_of(const std::string& zone);

}  // namespace silt::daemon
