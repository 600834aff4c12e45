// Numbers as logs and people write them, with their units: "137.7ms", "0.18 secs", "95 %", "02:02:11".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "daemon/fold/units.h"

namespace silt::answer::search {

using fold::Measure;
using fold::Unit;
using fold::read_unit;

struct Quantity {
  double value = 0;       // as written
  std::string unit;       // as written, lower case; "s" of h:mm:ss, whose value is in seconds
  Measure measure = Measure::kNone;
  double base = 0;        // in seconds, bytes or percent; `value` when there is no measure
};

// The quantity that `text` starts with, its unit included when that follows at once or after a space.
// `clock` permits h:mm:ss and mm:ss.
std::optional<Quantity> read_quantity(std::string_view text, bool clock = false);

// "59.83", "68102556", "0.0286": few digits, no exponent.
std::string number_text(double value);
// "766 s (12 min 46 s)"
std::string duration_text(double seconds);

}  // namespace silt::answer::search
