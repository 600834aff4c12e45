#include "daemon/store/record_rows.h"

#include <map>

#include "daemon/store/numbers.h"

namespace silt::store {
namespace {

std::int64_t minus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
std::int64_t plus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

// A file as one generation of it: where its next record should begin.
struct Origin {
  std::int64_t place = 0;
  std::int64_t generation = 0;
  std::int64_t next_begin = 0;
};

// Gives each record the number of its origin; origins begin where their first record does.
std::vector<Origin> number_origins(const RecordRows& rows, std::vector<std::int64_t>& numbers) {
  std::vector<Origin> origins;
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> known;
  for (std::size_t i = 0; i < rows.place.size(); ++i) {
    const std::int64_t last = i > 0 ? numbers[i - 1] : 0;
    if (i > 0 && origins[static_cast<std::size_t>(last)].place == rows.place[i] &&
        origins[static_cast<std::size_t>(last)].generation == rows.generation[i]) {
      numbers.push_back(last);
      continue;
    }
    const auto [entry, is_new] =
        known.try_emplace({rows.place[i], rows.generation[i]}, static_cast<std::int64_t>(origins.size()));
    if (is_new) origins.push_back({rows.place[i], rows.generation[i], rows.begin[i]});
    numbers.push_back(entry->second);
  }
  return origins;
}

}  // namespace

void RecordRows::add(const RecordView& record, std::uint32_t place_number, std::int64_t event_us) {
  size.push_back(static_cast<std::int64_t>(record.text.size()));
  arrival.push_back(record.arrival_us);
  told.push_back(record.told_us);
  event.push_back(event_us);
  flags.push_back(record.flags);
  bytes_cut.push_back(static_cast<std::int64_t>(record.bytes_cut));
  place.push_back(place_number);
  generation.push_back(static_cast<std::int64_t>(record.origin.generation));
  begin.push_back(static_cast<std::int64_t>(record.origin.begin));
  end.push_back(static_cast<std::int64_t>(record.origin.end));
}

void RecordRows::clear() {
  for (auto* const column :
       {&size, &arrival, &told, &event, &flags, &bytes_cut, &place, &generation, &begin, &end}) {
    column->clear();
  }
}

void write_marks(const RecordRows& rows, PieceWriter& out) {
  write_numbers(rows.flags, out);
  write_numbers(rows.bytes_cut, out);
}

Status read_marks(PieceReader& in, std::size_t records, RecordRows& rows) {
  rows.flags.resize(records);
  rows.bytes_cut.resize(records);
  SILT_TRY(read_numbers(in, rows.flags));
  return read_numbers(in, rows.bytes_cut);
}

void write_origins(const RecordRows& rows, std::span<const std::string> places, PieceWriter& out) {
  std::vector<std::int64_t> numbers, columns[3], begins, ends;
  std::vector<Origin> origins = number_origins(rows, numbers);
  for (const Origin& origin : origins) {
    columns[0].push_back(origin.place);
    columns[1].push_back(origin.generation);
    columns[2].push_back(origin.next_begin);
  }
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    Origin& origin = origins[static_cast<std::size_t>(numbers[i])];
    begins.push_back(minus(rows.begin[i], origin.next_begin));
    ends.push_back(minus(rows.end[i], plus(rows.begin[i], rows.size[i])));
    origin.next_begin = plus(rows.end[i], 1);
  }
  const std::vector<std::string_view> names(places.begin(), places.end());
  out.pool().varint(names.size());
  write_strings(names, out);
  out.pool().varint(origins.size());
  for (const auto& column : columns) write_numbers(column, out);
  write_numbers(numbers, out);
  write_numbers(begins, out);
  write_numbers(ends, out);
}

Status read_origins(PieceReader& in, RecordRows& rows, std::vector<std::string_view>& places,
                    std::string& keep) {
  const std::size_t records = rows.size.size();
  const std::uint64_t names = in.pool().varint();
  if (names > records) return data_loss("segment: there are more places than records");
  places.resize(names);
  SILT_TRY(read_strings(in, places, keep));
  const std::uint64_t count = in.pool().varint();
  if (count > records) return data_loss("segment: there are more origins than records");
  std::vector<std::int64_t> columns[3];
  for (auto& column : columns) {
    column.resize(count);
    SILT_TRY(read_numbers(in, column));
  }
  std::vector<std::int64_t> numbers(records);
  SILT_TRY(read_numbers(in, numbers));
  for (auto* const column : {&rows.begin, &rows.end}) {
    column->resize(records);
    SILT_TRY(read_numbers(in, *column));
  }
  rows.place.resize(records);
  rows.generation.resize(records);
  for (std::size_t i = 0; i < records; ++i) {
    const auto number = static_cast<std::size_t>(numbers[i]);
    if (number >= count || static_cast<std::uint64_t>(columns[0][number]) >= names) {
      return data_loss("segment: a record is of no known origin");
    }
    rows.place[i] = columns[0][number];
    rows.generation[i] = columns[1][number];
    rows.begin[i] = plus(rows.begin[i], columns[2][number]);
    rows.end[i] = plus(rows.end[i], plus(rows.begin[i], rows.size[i]));
    columns[2][number] = plus(rows.end[i], 1);
  }
  return Status::ok();
}

void write_indexes(std::span<const std::int64_t> indexes, PieceWriter& out) {
  out.pool().varint(indexes.size());
  write_numbers(indexes, out);
}

Status read_indexes(PieceReader& in, std::size_t records, std::vector<std::int64_t>& indexes) {
  const std::uint64_t count = in.pool().varint();
  if (count > records) return data_loss("segment: there are more indexes than records");
  indexes.resize(count);
  SILT_TRY(read_numbers(in, indexes));
  for (const std::int64_t index : indexes) {
    if (static_cast<std::uint64_t>(index) >= records)
      return data_loss("segment: an index is behind the last record");
  }
  return Status::ok();
}

}  // namespace silt::store
