// Units as logs and people write them: one table for fields, slots and questions.
#pragma once

#include <optional>
#include <string_view>

namespace silt::fold {

enum class Measure { kNone, kTime, kBytes, kShare };

// What a unit measures and how many base units (seconds, bytes, percent) it is.
struct Unit {
  Measure measure = Measure::kNone;
  double factor = 1;
};

// Nothing for other words. "m" is a minute unless bytes are wanted.
std::optional<Unit> read_unit(std::string_view word, Measure wanted = Measure::kNone);

}  // namespace silt::fold
