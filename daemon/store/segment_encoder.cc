#include "daemon/store/segment_encoder.h"

#include <algorithm>

#include "daemon/store/column.h"
#include "daemon/store/numbered_values.h"
#include "daemon/store/numbers.h"

namespace silt::store {
namespace {

constexpr std::size_t kMaxClocks = 3;  // columns that are tried as the source of event times

std::vector<std::int64_t> as_numbers(std::span<const std::uint32_t> values) {
  return {values.begin(), values.end()};
}

}  // namespace

void SegmentEncoder::describe_records() {
  header_.first_seq = in_.first_seq;
  header_.records = static_cast<std::uint32_t>(in_.shape_of.size());
  header_.text_bytes = in_.texts.size();
  const auto [arrival, last_arrival] = std::ranges::minmax(in_.rows.arrival);
  const auto [event, last_event] = std::ranges::minmax(in_.rows.event);
  header_.min_arrival_us = arrival;
  header_.max_arrival_us = last_arrival;
  header_.min_event_us = event;
  header_.max_event_us = last_event;
  const std::vector<std::uint32_t> lengths(in_.rows.size.begin(), in_.rows.size.end());
  header_.texts_hash = sha256_of_texts(lengths, in_.texts);
}

void SegmentEncoder::describe_patterns() {
  NumberedValues<std::int64_t> numbers;
  std::vector<PatternStats>& patterns = header_.patterns;
  for (std::uint32_t i = 0; i < in_.marks.size(); ++i) {
    const FoldMark& mark = in_.marks[i];
    const std::uint32_t number = numbers.number_of(mark.pattern);
    if (number == patterns.size()) patterns.push_back({mark.pattern, 0, i, i, mark.event_us, mark.event_us});
    PatternStats& stats = patterns[number];
    ++stats.count;
    stats.last_index = i;
    stats.min_event_us = std::min(stats.min_event_us, mark.event_us);
    stats.max_event_us = std::max(stats.max_event_us, mark.event_us);
  }
  std::ranges::sort(patterns, {}, &PatternStats::pattern);
}

void SegmentEncoder::begin_column(ColumnStats stats) {
  header_.columns.push_back({pieces_.here(), stats});
}

void SegmentEncoder::write_value_column(std::span<const ValueRef> values) {
  begin_column();
  if (!values.empty())
    write_column(texts_, values, shared_, pieces_, skeleton_, header_.columns.back().stats);
}

void SegmentEncoder::write_groups() {
  groups_ = plan_groups(texts_, in_.table);
  header_.groups = static_cast<std::uint32_t>(groups_.size());
  group_values_.resize(groups_.size());
  group_rows_.resize(groups_.size());
  for (std::uint32_t g = 0; g < groups_.size(); ++g) {
    collect_group(groups_[g], in_.table, in_.shape_of, group_values_[g], group_rows_[g]);
    begin_column();
    const bool split =
        write_column(texts_, group_values_[g], shared_, pieces_, skeleton_, header_.columns.back().stats);
    if (!split || clocks_.size() == kMaxClocks) continue;
    clocks_.push_back({.group = g, .row_of_record = group_rows_[g]});
    clocks_.back().numbers.assign(skeleton_.columns.begin(),
                                  skeleton_.columns.begin() + static_cast<std::ptrdiff_t>(skeleton_.slots()));
  }
}

void SegmentEncoder::write_shape_columns() {
  const std::span<const Shape> shapes = in_.table.shapes();
  for (std::uint32_t s = 0; s < shapes.size(); ++s) {
    for (std::size_t i = 0; i < shapes[s].varying.size(); ++i) {
      const std::uint32_t hole = shapes[s].varying[i];
      const bool grouped =
          std::ranges::any_of(groups_, [&](const ColumnGroup& g) { return g.has(s) && g.hole(s) == hole; });
      if (!grouped) write_value_column(in_.table.column(shapes[s].columns[i]));
    }
  }
  std::uint32_t next_column = header_.groups;
  for (std::uint32_t s = 0; s < shapes.size(); ++s) {
    header_.shapes.push_back(shape_info(s));
    for (HoleInfo& hole : header_.shapes.back().holes) {
      if (!hole.is_constant() && !header_.is_group(hole.column)) hole.column = next_column++;
    }
  }
}

// Columns that are of this shape alone get their numbers afterwards.
ShapeInfo SegmentEncoder::shape_info(std::uint32_t index) {
  const Shape& shape = in_.table.shapes()[index];
  ShapeInfo info{.pattern = shape.pattern, .count = shape.count, .line_bytes = shape.first.size};
  const std::string_view line = view_of(texts_, shape.first);
  if (index == kOverflowShape) {
    info.holes.push_back({.column = header_.groups});
    return info;
  }
  std::uint32_t at = 0;
  for (std::uint32_t hole = 0; hole < shape.spans.size(); ++hole) {
    const TokenSpan span = shape.spans[hole];
    info.text.append(line.substr(at, span.begin - at));
    HoleInfo& out = info.holes.emplace_back();
    out.offset = static_cast<std::uint32_t>(info.text.size());
    at = span.end;
    const auto group = std::ranges::find_if(
        groups_, [&](const ColumnGroup& g) { return g.has(index) && g.hole(index) == hole; });
    if (group != groups_.end()) {
      out.column = static_cast<std::uint32_t>(group - groups_.begin());
    } else if (std::ranges::find(shape.varying, hole) != shape.varying.end()) {
      out.column = header_.groups;
    } else {
      out.size = span.end - span.begin;
      info.text.append(line.substr(span.begin, out.size));
    }
  }
  info.text.append(line.substr(at));
  return info;
}

template <class Values>
void SegmentEncoder::begin_numbers(const Values& values) {
  begin_column();
  write_numbers(values, pieces_);
}

void SegmentEncoder::write_record_columns() {
  const RecordRows& rows = in_.rows;
  std::vector<std::int64_t> sizes(rows.size), differences, firsts, patterns;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    sizes[i] -= in_.table.shapes()[in_.shape_of[i]].first.size;
    if (in_.marks[i].new_pattern) firsts.push_back(static_cast<std::int64_t>(i));
    if (in_.shape_of[i] == kOverflowShape) patterns.push_back(in_.marks[i].pattern);
  }
  begin_numbers(as_numbers(in_.shape_of));
  begin_numbers(sizes);
  begin_numbers(rows.arrival);
  begin_numbers(rows.told);
  begin_column();
  write_clock(find_clock(rows.event, rows.arrival, rows.told, clocks_, differences), pieces_);
  write_numbers(differences, pieces_);
  begin_column();
  write_indexes(firsts, pieces_);
  begin_column();
  write_marks(rows, pieces_);
  begin_column();
  write_origins(rows, in_.places, pieces_);
  write_attributes();
  begin_numbers(patterns);
  begin_column();
  shared_.write(pieces_);
}

void SegmentEncoder::write_attributes() {
  begin_column();
  pieces_.pool().u8(in_.attributes.empty() ? 0 : 1);
  ColumnStats ignored;
  if (!in_.attributes.empty()) {
    write_column(in_.attributes.data(), in_.attribute_of, shared_, pieces_, skeleton_, ignored);
  }
}

// Terms of one whole line of each shape, and of each token once: a long line may have more terms than
// are taken of one text.
std::string SegmentEncoder::make_bloom(
    const std::function<void(std::string_view, BloomBuilder&)>& add_terms) {
  BloomBuilder bloom;
  NumberedValues<std::string_view> seen;
  const auto add = [&](std::string_view text) {
    const std::size_t before = seen.size();
    if (!text.empty() && seen.number_of(text) == before) add_terms(text, bloom);
  };
  const auto add_values = [&](std::span<const ValueRef> values) {
    std::string_view last;
    for (const ValueRef ref : values) {
      const std::string_view value = view_of(texts_, ref);
      if (value != last) add(value);
      last = value;
    }
  };
  const std::span<const Shape> shapes = in_.table.shapes();
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    bool only_timestamps = true;
    for (std::uint32_t s = 0; s < shapes.size(); ++s) {
      if (groups_[g].has(s)) only_timestamps &= shapes[s].spans[groups_[g].hole(s)].is_timestamp;
    }
    if (!only_timestamps) add_values(group_values_[g]);
  }
  for (std::uint32_t s = 0; s < shapes.size(); ++s) {
    const Shape& shape = shapes[s];
    if (s != kOverflowShape) add(view_of(texts_, shape.first));
    const ShapeInfo& info = header_.shapes[s];
    for (const HoleInfo& hole : info.holes) {
      if (hole.is_constant()) add(std::string_view(info.text).substr(hole.offset, hole.size));
    }
    for (std::size_t i = 0; i < shape.varying.size(); ++i) {
      const std::uint32_t hole = shape.varying[i];
      const bool done = s != kOverflowShape &&
                        (header_.is_group(info.holes[hole].column) || shape.spans[hole].is_timestamp);
      if (!done) add_values(in_.table.column(shape.columns[i]));
    }
  }
  return bloom.finish();
}

std::string SegmentEncoder::encode(const std::function<void(std::string_view, BloomBuilder&)>& add_terms) {
  describe_records();
  describe_patterns();
  write_groups();
  write_shape_columns();
  write_record_columns();
  const std::string bloom = make_bloom(add_terms);
  header_.bloom_bytes = static_cast<std::uint32_t>(bloom.size());
  header_.bloom_checksum = frame_checksum(bloom);
  std::string frames;
  pieces_.finish(header_.frames, frames);
  std::string bytes = encode_header(header_);
  bytes.append(bloom).append(frames);
  return bytes;
}

}  // namespace silt::store
