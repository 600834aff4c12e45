// Values that several columns of a segment have in common (block ids, job ids, addresses, users) are
// stored once; columns hold their numbers, which are given out in the order of first sight.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/store/numbered_values.h"
#include "daemon/store/numbers.h"
#include "daemon/store/pieces.h"
#include "daemon/store/skeleton.h"

namespace silt::store {

// While a segment is being written. Strings view the bytes of its texts.
struct SharedWriter {
  NumberedValues<std::int64_t> small;  // below 2^32: ports, addresses
  NumberedValues<std::int64_t> large;  // block ids
  NumberedValues<std::string_view> strings;

  void write(PieceWriter& out) const;
  void clear();
};

// While one is being read.
struct SharedReader {
  std::vector<std::int64_t> small;
  std::vector<std::int64_t> large;
  std::vector<std::string_view> strings;
  std::string bytes;  // that the strings view

  Status read(PieceReader& in, std::size_t values_max);
};

// Strings of any bytes, as their lengths and one piece.
void write_strings(std::span<const std::string_view> strings, PieceWriter& out);
// `out` has the number of strings that was written; they view `keep`.
Status read_strings(PieceReader& in, std::span<std::string_view> out, std::string& keep);

}  // namespace silt::store
