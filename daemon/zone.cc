#include "daemon/zone.h"

#include <ctime>

#include "daemon/config.h"

namespace silt::daemon {

std::function<std::int32_t(std::int64_t)> zone_of(const std::string& zone) {
  if (zone != "local") {
    const std::int32_t offset_s = parse_zone(zone).value();  // checked when the file was read
    return [offset_s](std::int64_t) { return offset_s; };
  }
  return [](std::int64_t wall_us) -> std::int32_t {
    const std::time_t seconds = wall_us / 1'000'000;
    std::tm local{};
    ::localtime_r(&seconds, &local);
    return static_cast<std::int32_t>(local.tm_gmtoff);
  };
}

}  // namespace silt::daemon
