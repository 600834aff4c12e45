// Conversions between silt's microseconds and the API's timestamps.
#pragma once

#include <cstdint>

#include "google/protobuf/timestamp.pb.h"

namespace silt::answer {

inline void set_time(std::int64_t time_us, google::protobuf::Timestamp& out) {
  const std::int64_t seconds = time_us / 1'000'000 - (time_us % 1'000'000 < 0);
  out.set_seconds(seconds);
  out.set_nanos(static_cast<std::int32_t>((time_us - seconds * 1'000'000) * 1000));
}

inline std::int64_t time_us_of(const google::protobuf::Timestamp& time) {
  return time.seconds() * 1'000'000 + time.nanos() / 1000;
}

}  // namespace silt::answer
