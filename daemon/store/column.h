// A column of a segment: the values that stood at one place of lines of one shape. The codec is chosen
// by looking at them: numbers in a common skeleton, a dictionary of few strings, numbers and words in a
// common skeleton, or strings as they are.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/store/pieces.h"
#include "daemon/store/shared_values.h"
#include "daemon/store/skeleton.h"

namespace silt::store {

// What a header can say of a column without reading it.
struct ColumnStats {
  std::uint32_t distinct = 0;  // 0: not counted
  bool numeric = false;        // all values are plain decimal i64
  std::int64_t min = 0;        // of numeric ones
  std::int64_t max = 0;
};

// Writes one column. `texts` are the bytes that refs point into; not empty. `skeleton` is scratch and
// holds, when the result is true, what was written: numbers, and words as the numbers that they got.
bool write_column(const char* texts, std::span<const ValueRef> values, SharedWriter& shared, PieceWriter& out,
                  Skeleton& skeleton, ColumnStats& stats);

// False: the column that begins here is no skeleton of numbers only. True: `literals` are what its skeleton has.
Result<bool> read_literals(PieceReader& in, std::vector<std::string>& literals);

// A column in memory. Values are made when they are asked for.
class Column {
 public:
  // `rows` values. `shared` must outlive the column. Any bytes: kDataLoss, never more. What the column
  // will hold is taken from `numbers_left`; when that is not enough, it is damaged.
  Status read(PieceReader& in, const SharedReader& shared, std::size_t rows, std::uint64_t& numbers_left);

  std::size_t rows() const { return rows_; }
  void append(std::size_t row, std::string& out) const;

  // Of a column with a skeleton: its slots, and each of their numbers (for words, of the word in words()).
  std::size_t slots() const { return skeleton_.slots(); }
  const Skeleton& skeleton() const { return skeleton_; }
  std::span<const std::int64_t> numbers(std::size_t slot) const { return skeleton_.columns[slot]; }
  std::span<const std::string_view> words(std::size_t slot) const { return words_[slot]; }
  // All values are plain decimal numbers: numbers(0).
  bool numeric() const { return skeleton_.is_number(); }

  // Of the other columns: distinct strings, and which of them each row has.
  std::span<const std::string_view> strings() const { return strings_; }
  std::span<const std::int64_t> string_of_row() const { return ids_; }
  // Of any column: its strings, or the literals and words of its skeleton, of which values are made. Where a
  // word stands beside a letter of a literal, the whole of both.
  void each_string(const std::function<void(std::string_view)>& visit) const;

 private:
  Status read_slots(PieceReader& in, const SharedReader& shared, std::uint64_t& numbers_left);
  Status read_group(PieceReader& in, const SharedReader& shared, std::size_t first, std::size_t count);

  std::size_t rows_ = 0;
  Skeleton skeleton_;
  std::vector<std::vector<std::string_view>> words_;  // of each slot, by number; empty: it has numbers
  std::vector<std::string_view> strings_;             // by id, or, without ids, by row
  std::vector<std::int64_t> ids_;
  std::string keep_;
};

}  // namespace silt::store
