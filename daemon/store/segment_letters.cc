// What letters the texts of a segment have, by pattern: see Segment::letters().
#include <algorithm>
#include <set>

#include "daemon/store/segment.h"
#include "daemon/store/segment_columns.h"
#include "daemon/store/shape_table.h"

namespace silt::store {
namespace {

constexpr std::size_t kLetterBytesMax = 4096;  // of a pattern, or of all attributes

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

// The runs of letters of some texts, each once.
class LetterRuns {
 public:
  void add(std::string_view text) {
    for (std::size_t at = 0; at < text.size() && !any_; ++at) {
      if (!is_letter(text[at])) continue;
      std::size_t end = at;
      while (end < text.size() && is_letter(text[end])) ++end;
      std::string run(text.substr(at, end - at));
      for (char& c : run) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
      at = end;
      if (!runs_.contains(run)) bytes_ += run.size() + 1;
      runs_.insert(std::move(run));
      any_ = bytes_ > kLetterBytesMax;
    }
  }
  void set_any() { any_ = true; }
  bool any() const { return any_; }
  Letters finish() const {
    Letters out{any_, {}};
    for (const std::string& run : runs_) out.runs += out.any ? "" : run + '\n';
    return out;
  }

 private:
  std::set<std::string, std::less<>> runs_;
  std::size_t bytes_ = 0;
  bool any_ = false;
};

// Whether a run of letters may go on from a value into what stands beside it.
bool touches_letters(const ShapeInfo& shape, std::size_t hole) {
  const std::uint32_t at = shape.holes[hole].offset;
  const bool before = at > 0 && is_letter(shape.text[at - 1]);
  const bool after = at < shape.text.size() && is_letter(shape.text[at]);
  const bool next = hole + 1 < shape.holes.size() && !shape.holes[hole + 1].is_constant() && shape.holes[hole + 1].offset == at;
  return before || after || next;
}

// The text of a shape in pieces: between two values that vary.
void add_constants(const ShapeInfo& shape, LetterRuns& runs) {
  std::uint32_t at = 0;
  for (const HoleInfo& hole : shape.holes) {
    if (hole.is_constant()) continue;
    runs.add(std::string_view(shape.text).substr(at, hole.offset - at));
    at = hole.offset;
  }
  runs.add(std::string_view(shape.text).substr(at));
}

Status add_column(SegmentColumns& columns, std::uint32_t index, LetterRuns& runs) {
  std::vector<std::string> literals;
  SILT_ASSIGN(const bool only_numbers, columns.literals_of(index, literals));
  for (const std::string& literal : literals) runs.add(literal);
  if (only_numbers) return Status::ok();
  SILT_ASSIGN(const ColumnRows values, columns.values(index));
  values.column->each_string([&](std::string_view string) { runs.add(string); });
  return Status::ok();
}

}  // namespace

Result<std::vector<PatternLetters>> letters_of(SegmentColumns& columns) {
  const SegmentHeader& header = columns.header();
  std::vector<LetterRuns> runs(header.patterns.size());
  const auto runs_of = [&](PatternId pattern) -> LetterRuns& {
    const auto at = std::ranges::lower_bound(header.patterns, pattern, {}, &PatternStats::pattern);
    return runs[static_cast<std::size_t>(at - header.patterns.begin())];
  };
  const auto knows = [&](PatternId pattern) {
    return std::ranges::binary_search(header.patterns, pattern, {}, &PatternStats::pattern);
  };
  for (std::uint32_t s = 0; s < header.shapes.size(); ++s) {
    const ShapeInfo& shape = header.shapes[s];
    if (s == kOverflowShape || shape.count == 0) continue;
    if (!knows(shape.pattern)) return data_loss("segment: a shape's pattern has no counts");
    LetterRuns& of_pattern = runs_of(shape.pattern);
    add_constants(shape, of_pattern);
    for (std::size_t hole = 0; hole < shape.holes.size() && !of_pattern.any(); ++hole) {
      if (shape.holes[hole].is_constant()) continue;
      if (touches_letters(shape, hole)) of_pattern.set_any();
      else SILT_TRY(add_column(columns, shape.holes[hole].column, of_pattern));
    }
  }
  SILT_ASSIGN(const std::span<const std::int64_t> overflow, columns.overflow_patterns());
  for (const std::int64_t pattern : overflow) {
    const auto id = static_cast<PatternId>(pattern);
    if (!knows(id)) return data_loss("segment: a record's pattern has no counts");
    runs_of(id).set_any();
  }
  std::vector<PatternLetters> out;
  for (std::size_t i = 0; i < runs.size(); ++i) out.push_back({header.patterns[i].pattern, runs[i].finish()});
  return out;
}

Result<Letters> attribute_letters_of(SegmentColumns& columns) {
  SILT_TRY(columns.read_attributes());
  LetterRuns runs;
  if (const Column* const attributes = columns.attributes()) attributes->each_string([&](std::string_view string) { runs.add(string); });
  return runs.finish();
}

}  // namespace silt::store
