// The columns of a segment that are not values of texts: sizes, times, origins, flags, attributes.
//
// What a reader needs often can be read alone; origins and the rest come together.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/store/pieces.h"
#include "daemon/store/record.h"
#include "daemon/store/shared_values.h"
#include "daemon/store/skeleton.h"

namespace silt::store {

// One entry a record in each. While a segment is built: what was put in, as numbers.
struct RecordRows {
  std::vector<std::int64_t> size;
  std::vector<std::int64_t> arrival;
  std::vector<std::int64_t> told;
  std::vector<std::int64_t> event;
  std::vector<std::int64_t> flags;
  std::vector<std::int64_t> bytes_cut;
  std::vector<std::int64_t> place;  // number of its place
  std::vector<std::int64_t> generation;
  std::vector<std::int64_t> begin;
  std::vector<std::int64_t> end;

  void add(const RecordView& record, std::uint32_t place_number, std::int64_t event_us);
  void clear();
};

void write_marks(const RecordRows& rows, PieceWriter& out);
Status read_marks(PieceReader& in, std::size_t records, RecordRows& rows);

// Places and generations, and byte ranges as differences to what follows from the record before of the
// same place and generation. Reading needs `rows.size`; `places` view `keep`.
void write_origins(const RecordRows& rows, std::span<const std::string> places, PieceWriter& out);
Status read_origins(PieceReader& in, RecordRows& rows, std::vector<std::string_view>& places,
                    std::string& keep);

// Indexes of records, ascending.
void write_indexes(std::span<const std::int64_t> indexes, PieceWriter& out);
Status read_indexes(PieceReader& in, std::size_t records, std::vector<std::int64_t>& indexes);

}  // namespace silt::store
