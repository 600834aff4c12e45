// How many bytes of records' texts came in for a tenant on its last day of any, kept with the records: a quota of a
// day outlives a restart.
#pragma once

#include <cstdint>
#include <string>

namespace silt::store {

struct DayUse {
  std::string tenant;
  std::int64_t day = 0;  // since 1970, UTC, by arrival
  std::uint64_t bytes = 0;
};

inline std::int64_t day_of(std::int64_t wall_us) {
  return wall_us / 86'400'000'000;
}

}  // namespace silt::store
