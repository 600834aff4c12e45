// Conversions between silt's microseconds and the API's timestamps. A time beyond what 64 bits of
// microseconds hold, which any caller may send, is read as the last one that they do.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "google/protobuf/timestamp.pb.h"

namespace silt::answer {

inline void set_time(std::int64_t time_us, google::protobuf::Timestamp& out) {
  const std::int64_t rest = time_us % 1'000'000;
  const bool before = rest < 0;
  out.set_seconds(time_us / 1'000'000 - before);
  out.set_nanos(static_cast<std::int32_t>((rest + (before ? 1'000'000 : 0)) * 1000));
}

inline std::int64_t time_us_of(const google::protobuf::Timestamp& time) {
  // nanos may be any 32 bits: 2,147 seconds.
  constexpr std::int64_t kSecondsMax = std::numeric_limits<std::int64_t>::max() / 1'000'000 - 4'000;
  const std::int64_t seconds = std::clamp(static_cast<std::int64_t>(time.seconds()), -kSecondsMax, kSecondsMax);
  return seconds * 1'000'000 + time.nanos() / 1000;
}

}  // namespace silt::answer
