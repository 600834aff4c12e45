#include "daemon/fold/units.h"

#include <algorithm>
#include <array>

namespace silt::fold {
namespace {

struct NamedUnit {
  std::string_view name;  // in small letters
  Unit unit;
};

constexpr NamedUnit time_unit(std::string_view name, double seconds) {
  return {name, {Measure::kTime, seconds}};
}
constexpr NamedUnit size_unit(std::string_view name, double bytes) {
  return {name, {Measure::kBytes, bytes}};
}
constexpr NamedUnit share_unit(std::string_view name) {
  return {name, {Measure::kShare, 1}};
}

constexpr double kKilo = 1024;
constexpr double kMega = kKilo * kKilo;
constexpr double kGiga = kMega * kKilo;
constexpr double kTera = kGiga * kKilo;
constexpr double kMinute = 60;
constexpr double kHour = 3600;
constexpr double kDay = 86400;

// Disks and links count in powers of ten, logs of memory in powers of two; "KB" is said by both, and read
// as 1,024 bytes.
constexpr std::array kUnits = {
    time_unit("ns", 1e-9),           time_unit("nanos", 1e-9),
    time_unit("nanoseconds", 1e-9),  time_unit("us", 1e-6),
    time_unit("\xc2\xb5s", 1e-6),    time_unit("\xce\xbcs", 1e-6),
    time_unit("usec", 1e-6),         time_unit("micros", 1e-6),
    time_unit("microseconds", 1e-6), time_unit("ms", 1e-3),
    time_unit("msec", 1e-3),         time_unit("msecs", 1e-3),
    time_unit("millis", 1e-3),       time_unit("millisecond", 1e-3),
    time_unit("milliseconds", 1e-3), time_unit("s", 1),
    time_unit("sec", 1),             time_unit("secs", 1),
    time_unit("second", 1),          time_unit("seconds", 1),
    time_unit("sekunden", 1),        time_unit("m", kMinute),
    time_unit("min", kMinute),       time_unit("mins", kMinute),
    time_unit("minute", kMinute),    time_unit("minutes", kMinute),
    time_unit("minuten", kMinute),   time_unit("h", kHour),
    time_unit("hr", kHour),          time_unit("hrs", kHour),
    time_unit("hour", kHour),        time_unit("hours", kHour),
    time_unit("d", kDay),            time_unit("day", kDay),
    time_unit("days", kDay),
    size_unit("b", 1),               size_unit("byte", 1),
    size_unit("bytes", 1),           size_unit("k", kKilo),
    size_unit("kb", kKilo),          size_unit("kib", kKilo),
    size_unit("m", kMega),           size_unit("mb", kMega),
    size_unit("mib", kMega),         size_unit("g", kGiga),
    size_unit("gb", kGiga),          size_unit("gib", kGiga),
    size_unit("tb", kTera),          size_unit("tib", kTera),
    share_unit("%"),                 share_unit("percent"),
    share_unit("pct"),               share_unit("prozent"),
};

bool equals(std::string_view text, std::string_view lowered) {
  return text.size() == lowered.size() && std::equal(text.begin(), text.end(), lowered.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 32) : a) == b;
         });
}

}  // namespace

std::optional<Unit> read_unit(std::string_view word, Measure wanted) {
  for (const NamedUnit& known : kUnits) {
    if ((wanted == Measure::kNone || known.unit.measure == wanted) && equals(word, known.name)) return known.unit;
  }
  return std::nullopt;
}

}  // namespace silt::fold
