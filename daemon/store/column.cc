#include "daemon/store/column.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace silt::store {
namespace {

enum Kind : std::uint8_t { kSlots = 0, kDictionary = 1, kStrings = 2 };
enum Table : std::uint8_t { kNone = 0, kSmall = 1, kLarge = 2 };

constexpr double kSharedBits = 11;    // numbers that need more are worth a table
constexpr double kCombineBits = 2.5;  // numbers that need more may be one with their neighbour
constexpr std::int64_t kSmallEnd = std::int64_t{1} << 32;
constexpr std::size_t kFewRows = 16;
constexpr std::size_t kRowsPerWord = 8;  // at least, where words are numbered
constexpr std::uint8_t kWords = 0;       // a slot of words, where else the size of a group stands

// Neighbouring numbers of a value that are written as one, so that an address is one value.
struct Group {
  std::vector<std::int64_t> values;
  std::vector<std::int64_t> least;  // of each number in it
  std::vector<std::int64_t> range;  // greatest - least + 1; 0: alone, and as it is
  double bits = 0;
};

std::size_t count_distinct(std::span<const std::int64_t> values) {
  thread_local NumberedValues<std::int64_t> seen;
  seen.clear();
  for (const std::int64_t value : values) seen.number_of(value);
  return seen.size();
}

// The group with the next number in it, if a dictionary of pairs is shorter than two columns.
bool combine(Group& group, const std::vector<std::int64_t>& next, double next_bits) {
  const auto span_of = [](const std::vector<std::int64_t>& values) {
    const auto [least, greatest] = std::ranges::minmax(values);
    return std::pair(least, static_cast<std::uint64_t>(greatest) - static_cast<std::uint64_t>(least));
  };
  const auto [a_least, a_above] = span_of(group.values);
  const auto [b_least, b_above] = span_of(next);
  const auto bits = static_cast<double>(std::bit_width(a_above) + std::bit_width(b_above));
  if (bits > 60) return false;
  const bool first = group.range.empty();
  const std::int64_t base = first ? a_least : 0;
  const auto b_range = static_cast<std::int64_t>(b_above) + 1;
  std::vector<std::int64_t> pairs(next.size());
  for (std::size_t i = 0; i < pairs.size(); ++i)
    pairs[i] = (group.values[i] - base) * b_range + (next[i] - b_least);
  const auto rows = static_cast<double>(next.size());
  const auto distinct = static_cast<double>(count_distinct(pairs));
  const double cost = rows * std::log2(distinct + 1) + distinct * bits;
  if (cost > 0.9 * rows * (group.bits + next_bits)) return false;
  if (first) {
    group.least.push_back(a_least);
    group.range.push_back(static_cast<std::int64_t>(a_above) + 1);
  }
  group.least.push_back(b_least);
  group.range.push_back(b_range);
  group.values = std::move(pairs);
  group.bits = cost / rows;
  return true;
}

void write_shared(std::span<const std::int64_t> values, double bits, SharedWriter& shared, PieceWriter& out) {
  if (bits < kSharedBits) {
    out.pool().u8(kNone);
    write_numbers(values, out);
    return;
  }
  const bool small = std::ranges::all_of(values, [](std::int64_t v) { return v >= 0 && v < kSmallEnd; });
  out.pool().u8(small ? kSmall : kLarge);
  NumberedValues<std::int64_t>& table = small ? shared.small : shared.large;
  std::vector<std::int64_t> ids(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) ids[i] = table.number_of(values[i]);
  write_numbers(ids, out);
}

void write_group(const Group& group, double bits, SharedWriter& shared, PieceWriter& out) {
  out.pool().u8(static_cast<std::uint8_t>(std::max<std::size_t>(group.range.size(), 1)));
  for (std::size_t i = 0; i < group.range.size(); ++i) {
    out.pool().varint(zigzag(group.least[i]));
    out.pool().varint(static_cast<std::uint64_t>(group.range[i]));
  }
  write_shared(group.values, bits, shared, out);
}

// Numbers for strings, of which there may be `distinct_max`: first the shared numbers of the distinct ones,
// then each row's. False: there are more, and nothing was written.
bool write_numbered(const char* texts, std::span<const ValueRef> values, std::size_t distinct_max,
                    SharedWriter& shared, PieceWriter& out, std::vector<std::int64_t>& ids,
                    std::uint8_t kind) {
  const std::size_t known = shared.strings.size();
  thread_local NumberedValues<std::int64_t> locals;
  locals.clear();
  ids.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    ids[i] = locals.number_of(shared.strings.number_of(view_of(texts, values[i])));
    if (locals.size() > distinct_max) {
      shared.strings.shrink_to(known);
      return false;
    }
  }
  out.pool().u8(kind);
  out.pool().varint(locals.size());
  write_numbers(locals.values(), out);
  write_numbers(ids, out);
  return true;
}

// Words get their numbers before anything is written, because a slot may have too many of them.
bool write_words(const char* texts, Skeleton& skeleton, std::size_t slot, SharedWriter& shared,
                 PieceWriter& out) {
  std::vector<std::int64_t>& column = skeleton.columns[slot];
  std::vector<ValueRef> words(column.size());
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = unpack_ref(column[i]);
  return write_numbered(texts, words, words.size(), shared, out, column, kWords);
}

void write_slots(const char* texts, Skeleton& skeleton, SharedWriter& shared, PieceWriter& out) {
  const std::size_t count = skeleton.slots();
  out.pool().u8(static_cast<std::uint8_t>(count));
  for (const std::string& literal : skeleton.literals) out.pool().string(literal);
  for (const std::uint8_t width : skeleton.widths) out.pool().u8(width);
  double bits[kMaxSlots];
  for (std::size_t k = 0; k < count; ++k)
    bits[k] = skeleton.is_word(k) ? 0 : bits_per_number(skeleton.columns[k]);
  for (std::size_t k = 0; k < count;) {
    if (skeleton.is_word(k)) {
      write_words(texts, skeleton, k++, shared, out);
      continue;
    }
    const bool pairs = bits[k] > kCombineBits && k + 1 < count && bits[k + 1] > kCombineBits;
    if (!pairs) {
      out.pool().u8(1);
      write_shared(skeleton.columns[k], bits[k], shared, out);
      ++k;
      continue;
    }
    Group group{.values = skeleton.columns[k], .bits = bits[k]};
    for (++k; k < count && bits[k] > kCombineBits && combine(group, skeleton.columns[k], bits[k]);) ++k;
    write_group(group, group.range.empty() ? group.bits : bits_per_number(group.values), shared, out);
  }
}

bool has_few_words(const char* texts, const Skeleton& skeleton, std::size_t rows) {
  NumberedValues<std::string_view> words;
  for (std::size_t k = 0; k < skeleton.slots(); ++k) {
    if (!skeleton.is_word(k)) continue;
    words.clear();
    for (const std::int64_t word : skeleton.columns[k]) {
      words.number_of(view_of(texts, unpack_ref(word)));
      if (words.size() * kRowsPerWord > rows) return false;
    }
  }
  return true;
}

Status read_numbered(PieceReader& in, const SharedReader& shared, std::size_t rows,
                     std::vector<std::string_view>& strings, std::vector<std::int64_t>& ids) {
  const std::uint64_t count = in.pool().varint();
  if (count > rows) return data_loss("segment: a dictionary is longer than its column");
  std::vector<std::int64_t> globals(count);
  SILT_TRY(read_numbers(in, globals));
  for (const std::int64_t global : globals) {
    if (static_cast<std::uint64_t>(global) >= shared.strings.size()) {
      return data_loss("segment: there is no such string");
    }
    strings.push_back(shared.strings[static_cast<std::size_t>(global)]);
  }
  ids.resize(rows);
  SILT_TRY(read_numbers(in, ids));
  for (const std::int64_t id : ids) {
    if (static_cast<std::uint64_t>(id) >= count) return data_loss("segment: a dictionary has no such entry");
  }
  return Status::ok();
}

std::uint32_t write_dictionary(const char* texts, std::span<const ValueRef> values, std::size_t distinct_max,
                               SharedWriter& shared, PieceWriter& out) {
  std::vector<std::int64_t> ids;
  if (!write_numbered(texts, values, distinct_max, shared, out, ids, kDictionary)) return 0;
  return static_cast<std::uint32_t>(*std::ranges::max_element(ids) + 1);
}

}  // namespace

bool write_column(const char* texts, std::span<const ValueRef> values, SharedWriter& shared, PieceWriter& out,
                  Skeleton& skeleton, ColumnStats& stats) {
  const std::size_t rows = values.size();
  const auto write_skeleton = [&] {
    out.pool().u8(kSlots);
    write_slots(texts, skeleton, shared, out);
  };
  if (split_values(texts, values, Slots::kNumbers, skeleton)) {
    write_skeleton();
    stats.numeric = skeleton.is_number();
    if (stats.numeric) {
      const auto [least, greatest] = std::ranges::minmax(skeleton.columns[0]);
      stats.min = least;
      stats.max = greatest;
    }
    return true;
  }
  stats.distinct = write_dictionary(texts, values, std::max(rows / kRowsPerWord, kFewRows), shared, out);
  if (stats.distinct > 0) return false;
  if (split_values(texts, values, Slots::kNumbersAndWords, skeleton) && skeleton.slots() > 1 &&
      has_few_words(texts, skeleton, rows)) {
    write_skeleton();
    return true;
  }
  stats.distinct = write_dictionary(texts, values, rows / 2, shared, out);
  if (stats.distinct > 0) return false;
  std::vector<std::string_view> strings;
  strings.reserve(rows);
  for (const ValueRef value : values) strings.push_back(view_of(texts, value));
  out.pool().u8(kStrings);
  write_strings(strings, out);
  return false;
}

Status Column::read(PieceReader& in, const SharedReader& shared, std::size_t rows,
                    std::uint64_t& numbers_left) {
  rows_ = rows;
  const std::uint8_t kind = in.pool().u8();
  if (!in.pool().ok()) return data_loss("segment: a column is missing");
  if (kind == kSlots) return read_slots(in, shared, numbers_left);
  if (kind > kStrings) return data_loss("segment: a column is of no known kind");
  if (rows > numbers_left) return data_loss("segment: columns hold more than their texts");
  numbers_left -= rows;
  if (kind == kDictionary) return read_numbered(in, shared, rows, strings_, ids_);
  strings_.resize(rows);
  return read_strings(in, strings_, keep_);
}

Result<bool> read_literals(PieceReader& in, std::vector<std::string>& literals) {
  if (in.pool().u8() != kSlots) return false;
  const std::size_t count = in.pool().u8();
  if (count == 0 || count > kMaxSlots) return data_loss("segment: a column has no or too many slots");
  for (std::size_t k = 0; k <= count; ++k) literals.emplace_back(in.pool().string());
  bool only_numbers = true;
  for (std::size_t k = 0; k < count; ++k) only_numbers &= in.pool().u8() != kWord;
  if (!in.pool().ok()) return data_loss("segment: a column is missing");
  return only_numbers;
}

void Column::each_string(const std::function<void(std::string_view)>& visit) const {
  for (const std::string_view string : strings_) visit(string);
  std::string joined;
  for (std::size_t k = 0; k < skeleton_.slots(); ++k) {
    visit(skeleton_.literals[k]);
    if (!skeleton_.is_word(k)) continue;
    for (const std::string_view word : words_[k]) {
      joined = skeleton_.literals[k];
      visit(joined.append(word).append(skeleton_.literals[k + 1]));
    }
  }
  if (skeleton_.slots() > 0) visit(skeleton_.literals.back());
}

Status Column::read_slots(PieceReader& in, const SharedReader& shared, std::uint64_t& numbers_left) {
  const std::size_t count = in.pool().u8();
  if (count == 0 || count > kMaxSlots) return data_loss("segment: a column has no or too many slots");
  if (count * rows_ > numbers_left) return data_loss("segment: columns hold more than their texts");
  numbers_left -= count * rows_;
  for (std::size_t k = 0; k <= count; ++k) skeleton_.literals.emplace_back(in.pool().string());
  for (std::size_t k = 0; k < count; ++k) {
    skeleton_.widths.push_back(in.pool().u8());
    if (skeleton_.widths.back() % kBlanks > kMaxWidth && !skeleton_.is_word(k)) {
      return data_loss("segment: a number is wider than it can be");
    }
  }
  skeleton_.columns.resize(count);
  words_.resize(count);
  for (std::size_t k = 0; k < count;) {
    const std::size_t size = in.pool().u8();
    if ((size == kWords) != skeleton_.is_word(k) || size > count - k) {
      return data_loss("segment: slots are grouped wrongly");
    }
    if (size == kWords) {
      SILT_TRY(read_numbered(in, shared, rows_, words_[k], skeleton_.columns[k]));
      ++k;
      continue;
    }
    for (std::size_t i = k; i < k + size; ++i) {
      if (skeleton_.is_word(i)) return data_loss("segment: slots are grouped wrongly");
    }
    SILT_TRY(read_group(in, shared, k, size));
    k += size;
  }
  return Status::ok();
}

Status Column::read_group(PieceReader& in, const SharedReader& shared, std::size_t first, std::size_t count) {
  std::int64_t least[kMaxSlots] = {}, range[kMaxSlots] = {};
  for (std::size_t k = 0; count > 1 && k < count; ++k) {
    least[k] = unzigzag(in.pool().varint());
    range[k] = static_cast<std::int64_t>(in.pool().varint());
    if (range[k] <= 0) return data_loss("segment: a number has no range");
  }
  const std::uint8_t table = in.pool().u8();
  if (table > kLarge) return data_loss("segment: there is no such table");
  std::vector<std::int64_t>& values = skeleton_.columns[first];
  values.resize(rows_);
  SILT_TRY(read_numbers(in, values));
  if (table != kNone) {
    const std::vector<std::int64_t>& known = table == kSmall ? shared.small : shared.large;
    for (std::int64_t& value : values) {
      if (static_cast<std::uint64_t>(value) >= known.size())
        return data_loss("segment: a table has no such number");
      value = known[static_cast<std::size_t>(value)];
    }
  }
  for (std::size_t k = 1; k < count; ++k) skeleton_.columns[first + k].resize(rows_);
  for (std::size_t row = 0; count > 1 && row < rows_; ++row) {
    auto rest = static_cast<std::uint64_t>(values[row]);
    for (std::size_t k = count; k-- > 0;) {
      const auto base = static_cast<std::uint64_t>(range[k]);
      skeleton_.columns[first + k][row] =
          static_cast<std::int64_t>(static_cast<std::uint64_t>(least[k]) + (k == 0 ? rest : rest % base));
      rest /= base;
    }
  }
  return Status::ok();
}

void Column::append(std::size_t row, std::string& out) const {
  const std::size_t count = skeleton_.slots();
  if (count == 0) {
    out.append(ids_.empty() ? strings_[row] : strings_[static_cast<std::size_t>(ids_[row])]);
    return;
  }
  for (std::size_t k = 0; k < count; ++k) {
    out.append(skeleton_.literals[k]);
    const std::int64_t number = skeleton_.columns[k][row];
    if (skeleton_.is_word(k)) {
      out.append(words_[k][static_cast<std::size_t>(number)]);
    } else {
      append_number(number, skeleton_.widths[k], out);
    }
  }
  out.append(skeleton_.literals[count]);
}

}  // namespace silt::store
