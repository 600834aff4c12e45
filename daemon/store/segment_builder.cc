#include "daemon/store/segment_builder.h"

#include <algorithm>

#include "base/check.h"
#include "daemon/store/segment.h"
#include "daemon/store/segment_encoder.h"

namespace silt::store {
namespace {

constexpr std::size_t kKeptBytes = std::size_t{4} << 20;  // of texts, from segment to segment

Status unproved(std::string_view what, std::size_t index) {
  return internal_error("segment: after decoding, " + std::string(what) + " of record " +
                        std::to_string(index) + " is not what was put in; the records stay in chunks");
}

}  // namespace

void SegmentBuilder::add(const RecordView& record, const FoldMark& mark, std::span<const TokenSpan> tokens) {
  SILT_CHECK(records() < kSegmentRecordsMax && texts_.size() + record.text.size() <= kSegmentTextBytesMax);
  if (records() == 0) first_seq_ = record.seq;
  SILT_CHECK(record.seq == first_seq_ + records());
  const ValueRef text{static_cast<std::uint32_t>(texts_.size()),
                      static_cast<std::uint32_t>(record.text.size())};
  texts_.append(record.text);
  attribute_of_.push_back(
      {static_cast<std::uint32_t>(attributes_.size()), static_cast<std::uint32_t>(record.attributes.size())});
  attributes_.append(record.attributes);
  // Nearly always the place of the record before.
  std::size_t place = rows_.place.empty() ? 0 : static_cast<std::size_t>(rows_.place.back());
  if (places_.empty() || places_[place] != record.origin.place) {
    place = static_cast<std::size_t>(std::ranges::find(places_, record.origin.place) - places_.begin());
    if (place == places_.size()) places_.emplace_back(record.origin.place);
  }
  rows_.add(record, static_cast<std::uint32_t>(place), mark.event_us);
  marks_.push_back(mark);
  shape_of_.push_back(table_.add(texts_, text, mark.pattern, tokens));
}

std::string SegmentBuilder::encode(const TermsOf& terms_of) const {
  std::vector<std::string> terms;
  const auto add_terms = [&](std::string_view text, BloomBuilder& bloom) {
    terms.clear();
    terms_of(text, terms);
    for (const std::string& term : terms) bloom.add(term);
  };
  const SegmentInput input{first_seq_, texts_,      rows_,         table_, shape_of_,
                           marks_,     attributes_, attribute_of_, places_};
  return SegmentEncoder(input).encode(add_terms);
}

Status SegmentBuilder::prove(std::string bytes_of_segment) const {
  SILT_ASSIGN(Segment segment,
              Segment::open(std::make_shared<const std::string>(std::move(bytes_of_segment))));
  SILT_ASSIGN(const RecordBlock block, segment.records(0, segment.records()));
  SILT_ASSIGN(const std::vector<FoldMark> marks, segment.marks());
  if (block.records().size() != records() || segment.first_seq() != first_seq_)
    return unproved("the number", 0);
  std::size_t at = 0;
  for (std::size_t i = 0; i < records(); ++i) {
    const RecordView& got = block.records()[i];
    const auto size = static_cast<std::size_t>(rows_.size[i]);
    if (got.text != std::string_view(texts_).substr(at, size)) return unproved("the text", i);
    at += size;
    if (marks[i].pattern != marks_[i].pattern || marks[i].event_us != marks_[i].event_us ||
        marks[i].new_pattern != marks_[i].new_pattern) {
      return unproved("the mark", i);
    }
    if (got.arrival_us != rows_.arrival[i] || got.told_us != rows_.told[i] ||
        got.flags != static_cast<std::uint32_t>(rows_.flags[i]) ||
        got.bytes_cut != static_cast<std::uint64_t>(rows_.bytes_cut[i])) {
      return unproved("a time or a flag", i);
    }
    if (got.origin.place != places_[static_cast<std::size_t>(rows_.place[i])] ||
        got.origin.generation != static_cast<std::uint64_t>(rows_.generation[i]) ||
        got.origin.begin != static_cast<std::uint64_t>(rows_.begin[i]) ||
        got.origin.end != static_cast<std::uint64_t>(rows_.end[i])) {
      return unproved("the origin", i);
    }
    if (got.attributes != view_of(attributes_.data(), attribute_of_[i])) return unproved("an attribute", i);
  }
  return Status::ok();
}

Result<std::string> SegmentBuilder::finish(const TermsOf& terms_of) {
  if (records() == 0) return failed_precondition("segment: there is no record to make one of");
  std::string bytes = encode(terms_of);
  const Status proved = prove(bytes);
  clear();
  if (!proved.is_ok()) return proved.code() == Code::kInternal ? proved : internal_error(proved.message());
  return bytes;
}

void SegmentBuilder::clear() {
  if (texts_.capacity() > kKeptBytes) *this = {};
  texts_.clear();
  attributes_.clear();
  rows_.clear();
  table_.clear();
  shape_of_.clear();
  marks_.clear();
  attribute_of_.clear();
  places_.clear();
}

}  // namespace silt::store
