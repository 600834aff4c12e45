#include "daemon/store/event_clock.h"

#include <algorithm>

#include "daemon/store/skeleton.h"

namespace silt::store {
namespace {

using u64 = std::uint64_t;

u64 as_u64(std::int64_t value) {
  return static_cast<u64>(value);
}

u64 weighted(const std::vector<std::vector<std::int64_t>>& numbers, std::span<const std::int64_t> weights,
             std::size_t row) {
  u64 sum = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) sum += as_u64(weights[k]) * as_u64(numbers[k].data()[row]);
  return sum;
}

// Learns weights from pairs of neighbours in which one number of unknown weight differs.
std::vector<std::int64_t> fit_weights(std::span<const std::int64_t> event, const TimeColumn& text) {
  const std::size_t count = text.numbers.size();
  std::vector<std::int64_t> weights(count, 0);
  std::vector<bool> known(count, false);
  for (bool learned = true; learned;) {
    learned = false;
    std::size_t last = event.size();
    for (std::size_t i = 0; i < event.size() && !learned; ++i) {
      const std::uint32_t row = text.row_of_record[i];
      if (row == kNoRow) continue;
      std::size_t differs = count, unknown = 0;
      for (std::size_t k = 0; last < i && row > 0 && k < count; ++k) {
        if (known[k] || text.numbers[k][row] == text.numbers[k][row - 1]) continue;
        differs = k;
        ++unknown;
      }
      if (unknown == 1) {
        const u64 rest = as_u64(event[i]) - as_u64(event[last]) -
                         (weighted(text.numbers, weights, row) - weighted(text.numbers, weights, row - 1));
        const u64 step = as_u64(text.numbers[differs][row]) - as_u64(text.numbers[differs][row - 1]);
        const auto signed_step = static_cast<std::int64_t>(step);
        const auto signed_rest = static_cast<std::int64_t>(rest);
        if (signed_step > 0 && signed_rest > 0 && signed_rest % signed_step == 0) {
          weights[differs] = signed_rest / signed_step;
          known[differs] = learned = true;
        }
      }
      last = i;
    }
  }
  return weights;
}

std::size_t count_changes(std::span<const std::int64_t> event, std::span<const std::int64_t> foretold) {
  std::size_t changes = 0;
  for (std::size_t i = 1; i < event.size(); ++i) {
    changes += as_u64(event[i]) - as_u64(foretold[i]) != as_u64(event[i - 1]) - as_u64(foretold[i - 1]);
  }
  return changes;
}

}  // namespace

void foretell(const EventClock& clock, std::span<const std::int64_t> arrival,
              std::span<const std::int64_t> told, const TimeColumn* text, std::span<std::int64_t> out) {
  switch (clock.base) {
    case EventClock::kZero: std::ranges::fill(out, 0); return;
    case EventClock::kArrival: std::ranges::copy(arrival, out.begin()); return;
    case EventClock::kTold: std::ranges::copy(told, out.begin()); return;
    case EventClock::kText: break;
  }
  std::int64_t last = 0;  // a line without a time is at that of the line before
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::uint32_t row = text->row_of_record[i];
    if (row != kNoRow) last = static_cast<std::int64_t>(weighted(text->numbers, clock.weights, row));
    out[i] = last;
  }
}

EventClock find_clock(std::span<const std::int64_t> event, std::span<const std::int64_t> arrival,
                      std::span<const std::int64_t> told, std::span<const TimeColumn> texts,
                      std::vector<std::int64_t>& differences) {
  EventClock best;
  std::size_t least = event.size() + 1;
  std::vector<std::int64_t> foretold(event.size()), best_foretold(event.size());
  const auto attempt = [&](EventClock clock, const TimeColumn* text) {
    if (least <= 1) return;
    foretell(clock, arrival, told, text, foretold);
    const std::size_t changes = count_changes(event, foretold);
    if (changes >= least) return;
    least = changes;
    best = std::move(clock);
    best_foretold.swap(foretold);
  };
  attempt({}, nullptr);
  attempt({.base = EventClock::kArrival}, nullptr);
  attempt({.base = EventClock::kTold}, nullptr);
  for (const TimeColumn& text : texts) {
    if (least > 1) {
      attempt({.base = EventClock::kText, .group = text.group, .weights = fit_weights(event, text)}, &text);
    }
  }
  differences.resize(event.size());
  for (std::size_t i = 0; i < event.size(); ++i) {
    differences[i] = static_cast<std::int64_t>(as_u64(event[i]) - as_u64(best_foretold[i]));
  }
  return best;
}

void write_clock(const EventClock& clock, PieceWriter& out) {
  out.pool().u8(clock.base);
  if (clock.base != EventClock::kText) return;
  out.pool().varint(clock.group);
  out.pool().varint(clock.weights.size());
  for (const std::int64_t weight : clock.weights) out.pool().varint(zigzag(weight));
}

Status read_clock(PieceReader& in, EventClock& clock) {
  const std::uint8_t base = in.pool().u8();
  if (base > EventClock::kText) return data_loss("segment: event times are of no known kind");
  clock.base = static_cast<EventClock::Base>(base);
  if (clock.base != EventClock::kText) return Status::ok();
  clock.group = static_cast<std::uint32_t>(in.pool().varint());
  const std::uint64_t count = in.pool().varint();
  if (count > kMaxSlots) return data_loss("segment: event times have too many weights");
  for (std::uint64_t k = 0; k < count; ++k) clock.weights.push_back(unzigzag(in.pool().varint()));
  return in.pool().ok() ? Status::ok() : data_loss("segment: the pool of short pieces ends too early");
}

}  // namespace silt::store
