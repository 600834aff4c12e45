#include "daemon/store/segment.h"

#include <algorithm>
#include <numeric>

#include "daemon/store/bloom.h"
#include "daemon/store/line_plan.h"
#include "daemon/store/segment_columns.h"
#include "daemon/store/shape_table.h"
#include "daemon/store/text_kinds.h"

namespace silt::store {

struct Segment::State {
  std::shared_ptr<const std::string> bytes;
  SegmentColumns columns;
  LinePlans plans{columns};
  TextKinds kinds{columns, plans};

  Status append_text(std::uint32_t index, std::string& out);
  Result<std::string> texts_of(std::span<const std::uint32_t> indexes);
  Result<RecordBlock> records_of(std::span<const std::uint32_t> indexes);
  Result<std::string> attributes_of(std::span<const std::uint32_t> indexes, std::vector<std::size_t>& ends);
  Status mark_where(const Holds& holds, std::uint32_t shape, std::vector<bool>& marked);
};

Segment::Segment(std::unique_ptr<State> state) : state_(std::move(state)) {}
Segment::Segment(Segment&&) noexcept = default;
Segment& Segment::operator=(Segment&&) noexcept = default;
Segment::~Segment() = default;

Result<Segment> Segment::open(std::shared_ptr<const std::string> bytes) {
  auto state = std::make_unique<State>();
  state->bytes = std::move(bytes);
  SILT_TRY(state->columns.open(*state->bytes));
  return Segment(std::move(state));
}

const SegmentHeader& Segment::header() const {
  return state_->columns.header();
}

const PatternStats* Segment::pattern(PatternId id) const {
  const auto at = std::ranges::lower_bound(header().patterns, id, {}, &PatternStats::pattern);
  return at != header().patterns.end() && at->pattern == id ? &*at : nullptr;
}

bool Segment::may_contain(std::string_view term) const {
  return bloom_may_contain(state_->columns.bloom(), term);
}

ColumnStats Segment::stats(std::uint32_t shape, std::uint32_t hole) const {
  const HoleInfo& info = header().shapes[shape].holes[hole];
  return info.is_constant() ? ColumnStats{.distinct = 1} : header().columns[info.column].stats;
}

std::optional<std::string_view> Segment::constant(std::uint32_t shape, std::uint32_t hole) const {
  const ShapeInfo& info = header().shapes[shape];
  if (!info.holes[hole].is_constant()) return std::nullopt;
  return std::string_view(info.text).substr(info.holes[hole].offset, info.holes[hole].size);
}

Result<std::vector<std::uint32_t>> Segment::shape_indexes() {
  SILT_ASSIGN(const std::span<const std::uint32_t> shapes, state_->columns.shape_of());
  return std::vector<std::uint32_t>(shapes.begin(), shapes.end());
}

Result<std::vector<std::uint32_t>> Segment::indexes_of_shape(std::uint32_t shape) {
  SILT_ASSIGN(const std::span<const std::uint32_t> shapes, state_->columns.shape_of());
  std::vector<std::uint32_t> indexes;
  for (std::uint32_t i = 0; i < shapes.size(); ++i) {
    if (shapes[i] == shape) indexes.push_back(i);
  }
  return indexes;
}

Result<std::vector<std::int64_t>> Segment::arrivals() {
  SILT_ASSIGN(const std::span<const std::int64_t> arrivals, state_->columns.arrivals());
  return std::vector<std::int64_t>(arrivals.begin(), arrivals.end());
}

Result<std::span<const std::int64_t>> Segment::told() {
  return state_->columns.told();
}

Result<std::vector<std::uint32_t>> Segment::text_sizes() {
  SILT_ASSIGN(const std::span<const std::int64_t> sizes, state_->columns.sizes());
  return std::vector<std::uint32_t>(sizes.begin(), sizes.end());
}

Result<std::vector<FoldMark>> Segment::marks() {
  SILT_ASSIGN(const std::span<const std::uint32_t> shapes, state_->columns.shape_of());
  SILT_ASSIGN(const std::span<const std::int64_t> events, state_->columns.events());
  SILT_ASSIGN(const std::span<const std::int64_t> patterns, state_->columns.overflow_patterns());
  SILT_ASSIGN(const std::vector<std::int64_t> firsts, state_->columns.new_patterns());
  std::vector<FoldMark> marks(records());
  std::size_t overflow = 0;
  for (std::size_t i = 0; i < marks.size(); ++i) {
    marks[i].event_us = events[i];
    marks[i].pattern = shapes[i] == kOverflowShape ? static_cast<PatternId>(patterns[overflow++])
                                                   : header().shapes[shapes[i]].pattern;
  }
  for (const std::int64_t index : firsts) marks[static_cast<std::size_t>(index)].new_pattern = true;
  return marks;
}

Result<ColumnValues> Segment::column(std::uint32_t shape, std::uint32_t hole) {
  if (shape >= header().shapes.size() || hole >= header().shapes[shape].holes.size()) {
    return not_found("segment: there is no token " + std::to_string(hole) + " of shape " +
                     std::to_string(shape));
  }
  ColumnValues out;
  const std::uint32_t count = header().shapes[shape].count;
  if (const std::optional<std::string_view> text = constant(shape, hole)) {
    out.bytes = std::make_unique<const std::string>(*text);
    out.values.assign(count, *out.bytes);
    return out;
  }
  SILT_ASSIGN(const ColumnRows values, state_->columns.values(header().shapes[shape].holes[hole].column));
  SILT_ASSIGN(const std::vector<std::uint32_t> indexes, indexes_of_shape(shape));
  std::string bytes;
  std::vector<std::size_t> ends;
  ends.reserve(count);
  for (const std::uint32_t index : indexes) {
    values.column->append(values.rows[index], bytes);
    if (bytes.size() > header().text_bytes) return data_loss("segment: values are longer than their texts");
    ends.push_back(bytes.size());
    if (values.column->numeric()) out.numbers.push_back(values.column->numbers(0)[values.rows[index]]);
  }
  out.bytes = std::make_unique<const std::string>(std::move(bytes));
  std::size_t at = 0;
  for (const std::size_t end : ends) {
    out.values.push_back(std::string_view(*out.bytes).substr(at, end - at));
    at = end;
  }
  return out;
}

// That the text has the size that the size column says is checked.
Status Segment::State::append_text(std::uint32_t index, std::string& out) {
  SILT_ASSIGN(const std::span<const std::uint32_t> shapes, columns.shape_of());
  SILT_ASSIGN(const std::span<const std::int64_t> sizes, columns.sizes());
  SILT_ASSIGN(const LinePlan* const plan, plans.of(shapes[index]));
  const std::size_t end = out.size() + static_cast<std::size_t>(sizes[index]);
  if (append_line(*plan, index, end, out) && out.size() == end) return Status::ok();
  return data_loss("segment: record " + std::to_string(index) +
                   " has another size than the size column says");
}

// The texts, joined.
Result<std::string> Segment::State::texts_of(std::span<const std::uint32_t> indexes) {
  SILT_ASSIGN(const std::span<const std::int64_t> sizes, columns.sizes());
  std::size_t size = 0;
  for (const std::uint32_t index : indexes) size += static_cast<std::size_t>(sizes[index]);
  std::string texts;
  texts.reserve(size);
  for (const std::uint32_t index : indexes) SILT_TRY(append_text(index, texts));
  return texts;
}

Result<std::string> Segment::State::attributes_of(std::span<const std::uint32_t> indexes,
                                                  std::vector<std::size_t>& ends) {
  constexpr std::size_t kAttributeBytesMax = std::size_t{256} << 20;
  std::string joined;
  for (const std::uint32_t index : indexes) {
    if (columns.attributes() != nullptr) columns.attributes()->append(index, joined);
    if (joined.size() > kAttributeBytesMax)
      return data_loss("segment: attributes are longer than they can be");
    ends.push_back(joined.size());
  }
  return joined;
}

Result<RecordBlock> Segment::State::records_of(std::span<const std::uint32_t> indexes) {
  auto owner = std::make_unique<std::string[]>(3);
  SILT_ASSIGN(owner[0], texts_of(indexes));
  SILT_TRY(columns.read_rest());
  SILT_ASSIGN(const std::span<const std::int64_t> arrivals, columns.arrivals());
  SILT_ASSIGN(const std::span<const std::int64_t> told, columns.told());
  std::vector<std::size_t> attribute_ends;
  SILT_ASSIGN(owner[1], attributes_of(indexes, attribute_ends));
  std::vector<std::size_t> place_begins;
  for (const std::string_view place : columns.places()) {
    place_begins.push_back(owner[2].size());
    owner[2].append(place);
  }
  const RecordRows& rows = columns.rows();
  std::vector<RecordView> records(indexes.size());
  std::size_t text_at = 0, attribute_at = 0;
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    const std::uint32_t index = indexes[i];
    const auto place = static_cast<std::size_t>(rows.place[index]);
    RecordView& record = records[i];
    record.seq = columns.header().first_seq + index;
    record.arrival_us = arrivals[index];
    record.told_us = told[index];
    record.text = std::string_view(owner[0]).substr(text_at, static_cast<std::size_t>(rows.size[index]));
    text_at += record.text.size();
    record.attributes = std::string_view(owner[1]).substr(attribute_at, attribute_ends[i] - attribute_at);
    attribute_at = attribute_ends[i];
    record.origin.place =
        std::string_view(owner[2]).substr(place_begins[place], columns.places()[place].size());
    record.origin.generation = static_cast<std::uint64_t>(rows.generation[index]);
    record.origin.begin = static_cast<std::uint64_t>(rows.begin[index]);
    record.origin.end = static_cast<std::uint64_t>(rows.end[index]);
    record.flags = static_cast<std::uint32_t>(rows.flags[index]);
    record.bytes_cut = static_cast<std::uint64_t>(rows.bytes_cut[index]);
  }
  return RecordBlock(std::move(owner), std::move(records));
}

Result<RecordBlock> Segment::records(std::uint32_t first_index, std::uint32_t count) {
  if (first_index > records() || count > records() - first_index)
    return not_found("segment: it has no such records");
  std::vector<std::uint32_t> indexes(count);
  std::iota(indexes.begin(), indexes.end(), first_index);
  return state_->records_of(indexes);
}

Result<RecordBlock> Segment::records(std::span<const std::uint32_t> indexes) {
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    if (indexes[i] >= records() || (i > 0 && indexes[i] <= indexes[i - 1])) {
      return not_found("segment: it has no such records, or they are not ascending");
    }
  }
  return state_->records_of(indexes);
}

Status Segment::append_text(std::uint32_t index, std::string& out) {
  if (index >= records()) return not_found("segment: it has no such record");
  return state_->append_text(index, out);
}

Status Segment::append_attributes(std::uint32_t index, std::string& out) {
  if (index >= records()) return not_found("segment: it has no such record");
  SILT_TRY(state_->columns.read_attributes());
  if (const Column* const attributes = state_->columns.attributes()) attributes->append(index, out);
  return Status::ok();
}

Result<std::uint32_t> Segment::text_kind(std::uint32_t index) {
  if (index >= records()) return not_found("segment: it has no such record");
  return state_->kinds.kind(index);
}

std::string_view Segment::text_part(std::uint32_t index, std::size_t begin, std::size_t end) {
  return state_->kinds.text(index, begin, end);
}

Result<std::vector<PatternLetters>> Segment::letters() {
  return letters_of(state_->columns);
}

Result<Letters> Segment::letters_of_attributes() {
  return attribute_letters_of(state_->columns);
}

// Marks the records of a shape in which `holds` is true of something.
Status Segment::State::mark_where(const Holds& holds, std::uint32_t shape, std::vector<bool>& marked) {
  SILT_ASSIGN(const std::span<const std::uint32_t> shapes, columns.shape_of());
  SILT_ASSIGN(const LinePlan* const plan, plans.of(shape));
  const auto holds_in = [&](std::string_view text) { return !text.empty() && holds(text); };
  const ShapeInfo& info = columns.header().shapes[shape];
  const auto holds_in_constant = [&](const HoleInfo& hole) {
    return hole.is_constant() && holds_in(std::string_view(info.text).substr(hole.offset, hole.size));
  };
  const bool all = holds_in(plan->end) || std::ranges::any_of(plan->parts, holds_in, &LinePlan::Part::before) ||
                   std::ranges::any_of(info.holes, holds_in_constant);
  for (const LinePlan::Part& part : plan->parts) {
    if (all) break;
    const Column& column = *part.values.column;
    std::vector<signed char> known(column.strings().size(), -1);  // of each string of a dictionary
    std::string value, last;
    bool last_holds = false;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      if (shapes[i] != shape || marked[i]) continue;
      const std::uint32_t row = part.values.rows[i];
      if (!known.empty()) {
        const std::size_t id =
            column.string_of_row().empty() ? row : static_cast<std::size_t>(column.string_of_row()[row]);
        if (known[id] < 0) known[id] = holds_in(column.strings()[id]) ? 1 : 0;
        marked[i] = known[id] == 1;
        continue;
      }
      value.clear();
      column.append(row, value);
      if (value != last) {
        last_holds = holds_in(value);
        last = value;
      }
      marked[i] = last_holds;
    }
  }
  for (std::size_t i = 0; all && i < shapes.size(); ++i) {
    if (shapes[i] == shape) marked[i] = true;
  }
  return Status::ok();
}

Status Segment::indexes_where(const Holds& holds, std::vector<std::uint32_t>& indexes) {
  std::vector<bool> marked(records(), false);
  for (std::uint32_t shape = 0; shape < header().shapes.size(); ++shape) {
    if (header().shapes[shape].count > 0) SILT_TRY(state_->mark_where(holds, shape, marked));
  }
  for (std::uint32_t i = 0; i < marked.size(); ++i) {
    if (marked[i]) indexes.push_back(i);
  }
  return Status::ok();
}

Status Segment::verify() {
  SILT_TRY(marks().status());
  SILT_ASSIGN(const RecordBlock block, records(0, records()));
  std::vector<std::uint32_t> lengths;
  std::string_view texts;
  for (const RecordView& record : block.records())
    lengths.push_back(static_cast<std::uint32_t>(record.text.size()));
  if (!block.empty()) texts = {block.records()[0].text.data(), header().text_bytes};  // they are joined
  if (sha256_of_texts(lengths, texts) != header().texts_hash)
    return data_loss("segment: the texts fail their SHA-256");
  return Status::ok();
}

}  // namespace silt::store
