// A segment as readers see it: counts from the header at once, columns when they are asked for.
//
// What was decoded is kept until the segment is destroyed. One thread at a time; opening the same bytes
// twice is cheap. Whatever the bytes, a call ends with a value or with kDataLoss and the reason, within
// memory bounded by kSegmentBytesMax and 8 times kSegmentTextBytesMax.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/store/record.h"
#include "daemon/store/segment_header.h"

namespace silt::store {

// The values of one token of a shape, in the order of the shape's records.
struct ColumnValues {
  std::vector<std::string_view> values;  // view `bytes`
  std::vector<std::int64_t> numbers;     // the same, if all of them are plain decimal i64; else empty
  std::unique_ptr<const std::string> bytes;
};

// Runs of letters (of ASCII, or bytes that are not ASCII), in lower case, each once and followed by a line end: what is
// no part of these is in none of the texts.
struct Letters {
  bool any = false;  // too many to say
  std::string runs;
  bool may_hold(std::string_view letters) const { return any || runs.find(letters) != std::string::npos; }
};
struct PatternLetters {
  PatternId pattern = 0;
  Letters letters;  // of its texts
};

class Segment {
 public:
  static Result<Segment> open(std::shared_ptr<const std::string> bytes);
  Segment(Segment&&) noexcept;
  Segment& operator=(Segment&&) noexcept;
  ~Segment();

  const SegmentHeader& header() const;
  Seq first_seq() const { return header().first_seq; }
  Seq last_seq() const { return header().first_seq + header().records - 1; }
  std::uint32_t records() const { return header().records; }
  std::span<const PatternStats> patterns() const { return header().patterns; }
  const PatternStats* pattern(PatternId id) const;  // null: none of its records is here
  std::span<const ShapeInfo> shapes() const { return header().shapes; }

  // False: no text here has this term (as TermsOf gave it). True: perhaps one has.
  bool may_contain(std::string_view term) const;

  // What the header knows of a token's values. Of a column that several shapes share (see
  // SegmentHeader::groups) the numbers are those of all of them: still bounds.
  ColumnStats stats(std::uint32_t shape, std::uint32_t hole) const;
  // The token's text if it is the same in all records of the shape.
  std::optional<std::string_view> constant(std::uint32_t shape, std::uint32_t hole) const;

  // One entry a record, in the order of the records.
  Result<std::vector<std::uint32_t>> shape_indexes();
  Result<std::vector<FoldMark>> marks();
  Result<std::vector<std::int64_t>> arrivals();
  Result<std::span<const std::int64_t>> told();  // lives as long as the segment
  Result<std::vector<std::uint32_t>> text_sizes();
  Result<std::vector<std::uint32_t>> indexes_of_shape(std::uint32_t shape);

  Result<ColumnValues> column(std::uint32_t shape, std::uint32_t hole);

  Result<RecordBlock> records(std::uint32_t first_index, std::uint32_t count);
  // `indexes` ascending, each once. Decodes only columns of the shapes that they have.
  Result<RecordBlock> records(std::span<const std::uint32_t> indexes);
  // Append the text, or the attributes, of one record. The columns of its shape are decoded once.
  Status append_text(std::uint32_t index, std::string& out);
  Status append_attributes(std::uint32_t index, std::string& out);

  // The kind of a record's text, and the text in which digits outside [begin, end) may be another one's of the
  // kind: text_kinds.h.
  Result<std::uint32_t> text_kind(std::uint32_t index);
  std::string_view text_part(std::uint32_t index, std::size_t begin, std::size_t end);

  // Of all its patterns, ascending. Reads columns of words only.
  Result<std::vector<PatternLetters>> letters();
  // Of the attributes of all records.
  Result<Letters> letters_of_attributes();

  // Appends the indexes, ascending, of the records in which `holds` is true of a token, of a part of the
  // line that is the same in all lines of the shape, or, in shape 0, of the whole line. `holds` sees each
  // text once where the column has a dictionary. As for TermsOf, a text need not begin where its line does.
  using Holds = std::function<bool(std::string_view text)>;
  Status indexes_where(const Holds& holds, std::vector<std::uint32_t>& indexes);

  // Decodes all of it and compares the texts with their SHA-256.
  Status verify();

 private:
  struct State;
  explicit Segment(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace silt::store
