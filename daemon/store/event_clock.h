// Most event times can be told from other columns: they are the arrival time, the time that the origin
// told, or a sum of the numbers of a time in the text (hours times 3,600,000,000 and so on). The clock
// finds out which, so that only what it does not foretell is stored.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "daemon/store/pieces.h"

namespace silt::store {

inline constexpr std::uint32_t kNoRow = ~std::uint32_t{0};

// A column of numbers in texts, and which of its rows each record has: kNoRow, none.
struct TimeColumn {
  std::uint32_t group = 0;
  std::vector<std::vector<std::int64_t>> numbers;
  std::span<const std::uint32_t> row_of_record;
};

struct EventClock {
  enum Base : std::uint8_t { kZero = 0, kArrival = 1, kTold = 2, kText = 3 };
  Base base = kZero;
  std::uint32_t group = 0;            // of kText
  std::vector<std::int64_t> weights;  // of its numbers, in microseconds
};

// What the clock says of each record; `out` has their number. `text` is only looked at for kText.
void foretell(const EventClock& clock, std::span<const std::int64_t> arrival,
              std::span<const std::int64_t> told, const TimeColumn* text, std::span<std::int64_t> out);

// The clock after which the difference to `event` changes least often, and these differences.
EventClock find_clock(std::span<const std::int64_t> event, std::span<const std::int64_t> arrival,
                      std::span<const std::int64_t> told, std::span<const TimeColumn> texts,
                      std::vector<std::int64_t>& differences);

void write_clock(const EventClock& clock, PieceWriter& out);
Status read_clock(PieceReader& in, EventClock& clock);

}  // namespace silt::store
