// Clock: the only way silt reads time, so that tests and replays decide it.
// Every implementation is safe to call from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace silt {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t wall_us() const = 0;       // microseconds since 1970-01-01 UTC; may jump
  virtual std::int64_t monotonic_us() const = 0;  // never goes back; origin unspecified
};

class SystemClock final : public Clock {
 public:
  std::int64_t wall_us() const override;
  std::int64_t monotonic_us() const override;
};

class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::int64_t start_us = 0) : now_us_(start_us) {}
  std::int64_t wall_us() const override { return now_us_; }
  std::int64_t monotonic_us() const override { return now_us_; }
  void advance_us(std::int64_t delta_us) { now_us_ += delta_us; }

 private:
  std::atomic<std::int64_t> now_us_;
};

// "2026-11-21T20:54:35.123456Z", RFC 3339. Any value has a form; the standard's years are 0 to 9999.
std::string rfc3339_utc(std::int64_t wall_us);

}  // namespace silt
