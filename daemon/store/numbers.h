// How a column of whole numbers is written: a constant, an even step, or the shortest of three ways to
// make them small (less the least, difference to the one before, distance to the greatest so far),
// divided by what divides them all, then one byte each with exceptions, or byte planes.
//
// Pure functions. Numbers wrap: every i64 sequence comes back as it was.
#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"
#include "daemon/store/pieces.h"

namespace silt::store {

void write_numbers(std::span<const std::int64_t> values, PieceWriter& out);

// Fills `out`, whose size the caller knows to be the one that was written.
Status read_numbers(PieceReader& in, std::span<std::int64_t> out);

// About how many bits each would take, without zstd: what codecs choose by.
double bits_per_number(std::span<const std::int64_t> values);

}  // namespace silt::store
