#include "daemon/store/text_kinds.h"

#include <algorithm>
#include <array>
#include <bit>

namespace silt::store {
namespace {

constexpr std::size_t kRecordsPerKindMin = 4;  // on average; else a shape has no kinds
constexpr std::size_t kTableMax = std::size_t{1} << 20;
constexpr std::uint32_t kNone = ~std::uint32_t{0};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

unsigned digits_of(std::uint64_t value) {
  static constexpr auto kPowers = [] {
    std::array<std::uint64_t, 20> out{};
    std::uint64_t power = 1;
    for (std::uint64_t& each : out) each = power, power *= 10;
    return out;
  }();
  const unsigned about = static_cast<unsigned>(std::bit_width(value | 1)) * 1233 >> 12;  // log10(2)
  return about + (value >= kPowers[about] ? 1 : 0) + (value == 0 ? 1 : 0);
}

std::uint64_t magnitude(std::int64_t value) {
  return value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
}

// As append_number writes it: without sign and blanks.
unsigned digits_of(std::int64_t value, std::uint8_t width) {
  const unsigned digits = digits_of(magnitude(value));
  return width < kBlanks ? std::max<unsigned>(digits, width) : digits;
}

constexpr std::uint32_t kCodes = 512;
std::uint32_t code_of(std::int64_t value, std::uint8_t width) {
  const unsigned digits = digits_of(value, width);
  return (value < 0 ? 256U : 0U) | (digits & 31) << 3 | number_kind(magnitude(value), digits);
}

// Whether each number is a whole run of digits, whatever stands beside it.
bool numbers_stand_alone(const LinePlan& plan) {
  bool known = true;  // whether the character before is
  char before = ' ';
  bool open = false;  // a number ended and nothing followed yet
  const auto literal = [&](std::string_view text) {
    if (text.empty()) return true;
    const bool fits = !open || !is_digit(text.front());
    open = false;
    known = true;
    before = text.back();
    return fits;
  };
  for (const LinePlan::Part& part : plan.parts) {
    if (!literal(part.before)) return false;
    const Column& column = *part.values.column;
    if (column.slots() == 0) {
      if (open) return false;
      known = false;
      continue;
    }
    const Skeleton& skeleton = column.skeleton();
    for (std::size_t k = 0; k < skeleton.slots(); ++k) {
      if (!literal(skeleton.literals[k])) return false;
      if (skeleton.is_word(k)) {
        open = false;
        known = true;
        before = 'a';
        continue;
      }
      if (open || !known || is_digit(before)) return false;
      open = true;
    }
    if (!literal(skeleton.literals.back())) return false;
  }
  return literal(plan.end);
}

// Puts records that have one group into several, by a value that each has.
class Groups {
 public:
  explicit Groups(std::size_t records) : of_(records, 0), codes_(records, 0) {}

  std::vector<std::uint32_t>& codes() { return codes_; }  // of each record, below what is said to split()
  // False: there are too many.
  bool split(std::size_t codes_end) {
    std::vector<std::uint32_t> dense(codes_end, kNone);
    std::uint32_t distinct = 0;
    for (std::uint32_t& code : codes_) {
      if (dense[code] == kNone) dense[code] = distinct++;
      code = dense[code];
    }
    if (distinct <= 1) return true;
    if (count_ * distinct > kTableMax) return false;
    std::vector<std::uint32_t> made(count_ * distinct, kNone);
    count_ = 0;
    for (std::size_t i = 0; i < of_.size(); ++i) {
      std::uint32_t& group = made[std::size_t{of_[i]} * distinct + codes_[i]];
      if (group == kNone) group = static_cast<std::uint32_t>(count_++);
      of_[i] = group;
    }
    return count_ * kRecordsPerKindMin <= of_.size();
  }
  std::size_t count() const { return count_; }
  std::uint32_t of(std::size_t i) const { return of_[i]; }

 private:
  std::vector<std::uint32_t> of_;
  std::vector<std::uint32_t> codes_;
  std::size_t count_ = 1;
};

// By all that a column gives to texts.
bool split_by(const ColumnRows& values, std::span<const std::uint32_t> records, Groups& groups) {
  const Column& column = *values.column;
  std::vector<std::uint32_t>& codes = groups.codes();
  if (column.slots() == 0) {
    const std::span<const std::int64_t> ids = column.string_of_row();
    for (std::size_t i = 0; i < records.size(); ++i) {
      const std::uint32_t row = values.rows[records[i]];
      codes[i] = ids.empty() ? row : static_cast<std::uint32_t>(ids[row]);
    }
    return groups.split(column.strings().size());
  }
  const Skeleton& skeleton = column.skeleton();
  for (std::size_t k = 0; k < skeleton.slots(); ++k) {
    const std::span<const std::int64_t> numbers = column.numbers(k);
    const std::uint8_t width = skeleton.widths[k];
    const bool words = skeleton.is_word(k);
    for (std::size_t i = 0; i < records.size(); ++i) {
      const std::int64_t number = numbers[values.rows[records[i]]];
      codes[i] = words ? static_cast<std::uint32_t>(number) : code_of(number, width);
    }
    if (!groups.split(words ? column.words(k).size() : kCodes)) return false;
  }
  return true;
}

}  // namespace

unsigned number_kind(std::uint64_t value, unsigned digits) {
  if (digits == 1) return value == 0 ? 1 : 0;
  if (digits == 4) return value >= 1000 && value < 3000 ? 2 : 0;
  if (digits != 3) return 0;
  return value < 100 ? 3 : value <= 255 ? 4 : value < 600 ? 5 : 6;
}

Status TextKinds::sort_records() {
  SILT_ASSIGN(const std::span<const std::uint32_t> shapes, columns_.shape_of());
  const std::vector<ShapeInfo>& infos = columns_.header().shapes;
  begins_.assign(1, 0);
  for (const ShapeInfo& shape : infos) begins_.push_back(begins_.back() + shape.count);
  std::vector<std::uint32_t> next(begins_.begin(), begins_.end() - 1);
  by_shape_.resize(shapes.size());
  for (std::uint32_t i = 0; i < shapes.size(); ++i) by_shape_[next[shapes[i]]++] = i;
  kind_of_.assign(shapes.size(), kNoKind);
  was_read_.resize(infos.size());
  return Status::ok();
}

Status TextKinds::read_shape(std::uint32_t shape) {
  was_read_[shape] = true;
  SILT_ASSIGN(const LinePlan* const made, plans_.of(shape));
  const LinePlan& plan = *made;
  if (!numbers_stand_alone(plan)) return Status::ok();
  const std::span<const std::uint32_t> records(by_shape_.data() + begins_[shape], begins_[shape + 1] - begins_[shape]);
  Groups groups(records.size());
  const bool few = std::ranges::all_of(plan.parts, [&](const LinePlan::Part& part) { return split_by(part.values, records, groups); });
  if (!few) return Status::ok();
  const auto first = static_cast<std::uint32_t>(kinds_.size());
  for (std::size_t i = 0; i < records.size(); ++i) kind_of_[records[i]] = first + groups.of(i);
  kinds_.resize(kinds_.size() + groups.count());
  return Status::ok();
}

// The text of `index`, and where its numbers stand.
Status TextKinds::make(Kind& kind, std::uint32_t index) {
  SILT_ASSIGN(const std::span<const std::uint32_t> shapes, columns_.shape_of());
  SILT_ASSIGN(const std::span<const std::int64_t> sizes, columns_.sizes());
  const auto size = static_cast<std::size_t>(sizes[index]);
  SILT_ASSIGN(const LinePlan* const plan, plans_.of(shapes[index]));
  std::vector<Number> numbers;
  std::string text;
  for (const LinePlan::Part& part : plan->parts) {
    const Column& column = *part.values.column;
    const std::uint32_t row = part.values.rows[index];
    text += part.before;
    if (column.slots() == 0) {
      column.append(row, text);
      continue;
    }
    const Skeleton& skeleton = column.skeleton();
    for (std::size_t k = 0; k < skeleton.slots(); ++k) {
      text += skeleton.literals[k];
      const std::int64_t value = column.numbers(k)[row];
      if (skeleton.is_word(k)) {
        text += column.words(k)[static_cast<std::size_t>(value)];
        continue;
      }
      append_number(value, skeleton.widths[k], text);
      const unsigned digits = digits_of(value, skeleton.widths[k]);
      numbers.push_back({static_cast<std::uint32_t>(text.size() - digits), digits, column.numbers(k), part.values.rows});
    }
    text += skeleton.literals.back();
    if (text.size() > size) break;
  }
  text += plan->end;
  if (text.size() != size)
    return data_loss("segment: record " + std::to_string(index) + " has another size than the size column says");
  kind.text = std::move(text);
  kind.numbers = std::move(numbers);
  return Status::ok();
}

Result<std::uint32_t> TextKinds::kind(std::uint32_t index) {
  if (begins_.empty()) SILT_TRY(sort_records());
  SILT_ASSIGN(const std::span<const std::uint32_t> shapes, columns_.shape_of());
  if (!was_read_[shapes[index]]) SILT_TRY(read_shape(shapes[index]));
  const std::uint32_t kind = kind_of_[index];
  if (kind != kNoKind && kinds_[kind].text.empty()) SILT_TRY(make(kinds_[kind], index));
  return kind;
}

std::string_view TextKinds::text(std::uint32_t index, std::size_t begin, std::size_t end) {
  Kind& kind = kinds_[kind_of_[index]];
  for (const Number& number : kind.numbers) {
    if (number.at + number.digits <= begin) continue;
    if (number.at >= end) break;
    std::uint64_t value = magnitude(number.values[number.rows[index]]);
    for (char* at = kind.text.data() + number.at + number.digits; at != kind.text.data() + number.at; value /= 10)
      *--at = static_cast<char>('0' + value % 10);
  }
  return kind.text;
}

}  // namespace silt::store
