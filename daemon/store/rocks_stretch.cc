// Stretches of RocksStore: segments column by column, everything else as blocks.
#include <algorithm>

#include "daemon/store/keys.h"
#include "daemon/store/rocks_store.h"
#include "daemon/store/rows.h"

namespace silt::store {
namespace {

using OpenSegment = std::function<Result<std::shared_ptr<const OpenedSegment>>()>;
using SummaryPtr = std::shared_ptr<const StretchSummary>;
using LettersPtr = std::shared_ptr<const SegmentLetters>;

// The store's way to what a stretch reads late.
struct SegmentSource {
  OpenSegment open;
  std::function<LettersPtr()> known_letters;
  std::function<void(LettersPtr)> keep_letters;
};

class SegmentStretch final : public Stretch {
 public:
  SegmentStretch(Seq first, Seq last, SummaryPtr summary, SegmentSource source)
      : first_(first), last_(last), summary_(std::move(summary)), source_(std::move(source)) {}

  Seq first_seq() const override { return first_; }
  Seq last_seq() const override { return last_; }
  bool is_folded() const override { return true; }
  const StretchSummary* summary() const override { return summary_.get(); }

  Result<bool> may_hold(PatternId pattern, std::string_view letters) override {
    if (!letters_) SILT_TRY(read_letters());
    if (letters_->attributes.may_hold(letters)) return true;
    const std::vector<PatternLetters>& all = letters_->patterns;
    const auto at = std::ranges::lower_bound(all, pattern, {}, &PatternLetters::pattern);
    return at != all.end() && at->pattern == pattern && at->letters.may_hold(letters);
  }

  Result<std::span<const FoldMark>> marks() override {
    SILT_TRY(open());
    if (marks_.empty()) {
      SILT_ASSIGN(marks_, segment_->marks());
    }
    return std::span<const FoldMark>(marks_);
  }
  Result<std::span<const std::int64_t>> told() override {
    SILT_TRY(open());
    return segment_->told();
  }
  Result<std::string_view> text(std::size_t index) override {
    SILT_TRY(open());
    text_.clear();
    SILT_TRY(segment_->append_text(static_cast<std::uint32_t>(index), text_));
    return std::string_view(text_);
  }
  Result<std::string_view> attributes(std::size_t index) override {
    SILT_TRY(open());
    attributes_.clear();
    SILT_TRY(segment_->append_attributes(static_cast<std::uint32_t>(index), attributes_));
    return std::string_view(attributes_);
  }
  Result<std::uint32_t> kind(std::size_t index) override {
    SILT_TRY(open());
    return segment_->text_kind(static_cast<std::uint32_t>(index));
  }
  std::string_view text_part(std::size_t index, std::size_t begin, std::size_t end) override {
    return segment_->text_part(static_cast<std::uint32_t>(index), begin, end);
  }

 private:
  // Opened anew, for columns are one thread's. A longer segment may have taken its place: it begins alike.
  Status open() {
    if (segment_) return Status::ok();
    SILT_ASSIGN(const auto opened, source_.open());
    if (!opened || opened->segment.last_seq() < last_) return data_loss("segment: it was removed meanwhile");
    SILT_ASSIGN(Segment segment, Segment::open(opened->bytes));
    segment_.emplace(std::move(segment));
    return Status::ok();
  }

  Status read_letters() {
    letters_ = source_.known_letters();
    if (letters_ && letters_->last_seq == last_) return Status::ok();
    SILT_TRY(open());
    SILT_ASSIGN(std::vector<PatternLetters> letters, segment_->letters());
    SILT_ASSIGN(Letters attributes, segment_->letters_of_attributes());
    letters_ = std::make_shared<const SegmentLetters>(SegmentLetters{segment_->last_seq(), std::move(letters), std::move(attributes)});
    source_.keep_letters(letters_);
    return Status::ok();
  }

  const Seq first_, last_;
  const SummaryPtr summary_;
  const SegmentSource source_;
  LettersPtr letters_;
  std::optional<Segment> segment_;
  std::vector<FoldMark> marks_;
  std::string text_;
  std::string attributes_;
};

SummaryPtr summary_of(const SegmentHeader& header) {
  return std::make_shared<const StretchSummary>(StretchSummary{
      header.first_seq + header.records - 1, header.min_event_us, header.max_event_us, header.patterns});
}

}  // namespace

// Null: there is none with this record, it is not folded (after a reset of the fold its marks are old), it was
// replaced meanwhile, or its header is damaged.
Result<StretchPtr> RocksStore::sealed_stretch(SourceRef source, Seq seq, Seq folded) const {
  const std::string begin = keys::of_source(keys::kSegmentInfo, source);
  const std::string want = keys::of_number(keys::kSegmentInfo, source, seq);
  SILT_ASSIGN(const auto row, database_->last_not_after(Family::kMain, begin, want));
  SegmentInfo info;
  if (!row || !rows::decode(row->key, row->value, info).is_ok()) return StretchPtr();
  if (info.last_seq < seq || info.last_seq > folded) return StretchPtr();
  const Seq first = keys::number_at_end(row->key, 8);
  const OpenSegment open = [this, source, first]() -> Result<SegmentPtr> {
    if (SegmentPtr known = blocks_.opened.find(source, first)) return known;
    return open_segment(source, first, keys::of_number(keys::kSegment, source, first));
  };
  SummaryPtr summary = blocks_.summaries.find(source, first);
  if (!summary || summary->last_seq != info.last_seq) {
    const auto opened = open();
    if (opened.status().code() == Code::kDataLoss) return StretchPtr();
    SILT_TRY(opened.status());
    if (!*opened || (*opened)->segment.last_seq() != info.last_seq) return StretchPtr();
    summary = summary_of((*opened)->segment.header());
    const std::size_t bytes = sizeof(StretchSummary) + summary->patterns.size() * sizeof(PatternStats);
    blocks_.summaries.add(source, first, summary, bytes);
  }
  SegmentSource from;
  from.open = open;
  from.known_letters = [this, source, first] { return blocks_.letters.find(source, first); };
  from.keep_letters = [this, source, first](LettersPtr letters) {
    std::size_t bytes = sizeof(SegmentLetters) + letters->attributes.runs.size();
    for (const PatternLetters& each : letters->patterns) bytes += sizeof each + each.letters.runs.size();
    blocks_.letters.add(source, first, std::move(letters), bytes);
  };
  return StretchPtr(std::make_unique<SegmentStretch>(first, info.last_seq, std::move(summary), std::move(from)));
}

Result<StretchPtr> RocksStore::stretch_after(SourceRef source, Seq after) const {
  SILT_ASSIGN(const Known known, this->known(source));
  const Seq begin = std::max(after, known.fold.floor_seq);
  if (begin < known.fold.sealed_seq) {
    SILT_ASSIGN(StretchPtr stretch, sealed_stretch(source, begin + 1, known.fold.folded_seq));
    if (stretch) return stretch;
  }
  return RecordLog::stretch_after(source, after);
}

}  // namespace silt::store
