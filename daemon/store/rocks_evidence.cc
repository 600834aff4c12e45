// The EvidenceStore part of RocksStore.
#include <algorithm>
#include <set>

#include "base/log.h"
#include "daemon/store/keys.h"
#include "daemon/store/marks.h"
#include "daemon/store/rocks_store.h"
#include "daemon/store/rows.h"

namespace silt::store {
namespace {

Evidence evidence_of(Seq seq, const FoldMark& mark) {
  Evidence row;
  row.seq = seq;
  row.pattern = mark.pattern;
  row.event_us = mark.event_us;
  row.new_pattern = mark.new_pattern;
  return row;
}

void add_score(const Score& score, Evidence& row) {
  row.decision = score.decision;
  row.reason = score.reason;
  row.tokens = score.tokens;
  row.adapted_nats = score.adapted_nats;
  row.frozen_nats = score.frozen_nats;
}

// Joins scores to marks that come in seq order, a stretch of them at a time.
class ScoreFeed {
 public:
  ScoreFeed(const NetStore& store, SourceRef source, bool wanted)
      : store_(store), source_(source), wanted_(wanted) {}
  Status stretch(Seq first, Seq last) {
    at_ = 0;
    return wanted_ ? store_.scores(source_, first, last, scores_) : Status::ok();
  }
  void join(Evidence& row) {
    while (at_ < scores_.size() && scores_[at_].seq < row.seq) ++at_;
    if (at_ < scores_.size() && scores_[at_].seq == row.seq) add_score(scores_[at_], row);
  }

 private:
  const NetStore& store_;
  SourceRef source_;
  bool wanted_;
  std::vector<Score> scores_;
  std::size_t at_ = 0;
};

}  // namespace

namespace {

void report_damage(const SegmentInfo& info, const Status& status) {
  log::warning("segment_damaged", {{"first_seq", info.first_seq},
                                   {"last_seq", info.last_seq},
                                   {"error", status.message()},
                                   {"action", "its records are left out"}});
}

}  // namespace

Status RocksStore::each_segment(SourceRef source, SeqRange range, const VisitSegment& visit) const {
  std::vector<SegmentInfo> wanted;
  SILT_ASSIGN(const std::vector<SegmentInfo> all, segments(source));
  for (const SegmentInfo& info : all) {
    if (info.last_seq < range.first || info.first_seq > range.last) continue;
    SegmentPtr segment = blocks_.opened.find(source, info.first_seq);
    if (!segment || segment->segment.last_seq() != info.last_seq) {
      const std::string key = keys::of_number(keys::kSegment, source, info.first_seq);
      auto opened = open_segment(source, info.first_seq, key);
      if (opened.is_ok() && !*opened) continue;  // replaced or removed since
      if (opened.is_ok()) segment = *opened;
      if (!opened.is_ok()) report_damage(info, opened.status());
      if (!opened.is_ok()) continue;
    }
    const Result<bool> more = visit(*segment);
    if (more.status().code() == Code::kDataLoss) {
      report_damage(info, more.status());
      continue;
    }
    SILT_TRY(more.status());
    if (!*more) break;
  }
  return Status::ok();
}

Status RocksStore::each_chunk(SourceRef source, const FoldHead& head, SeqRange range,
                              const std::function<bool(const Block&)>& visit) const {
  const Seq begin = std::max<Seq>(range.first, 1) - 1;
  for (Seq after = std::max(head.sealed_seq, begin); after < std::min(head.folded_seq, range.last);) {
    SILT_ASSIGN(const BlockPtr block, block_after(source, after));
    if (!block) break;
    if (block->damage.empty() && !visit(*block)) break;
    after = block->last_seq;
  }
  return Status::ok();
}

Status RocksStore::scan(SourceRef source, SeqRange range, bool with_scores,
                        const std::function<bool(const Evidence&)>& visit) const {
  SILT_ASSIGN(const FoldHead head, fold_head(source));
  range.first = std::max<Seq>(range.first, 1);
  range.last = std::min(range.last, head.folded_seq);
  if (range.first > range.last) return Status::ok();
  ScoreFeed scores(*this, source, with_scores);
  Status failed;
  bool wanted = true;
  Seq visited = range.first - 1;
  const auto visit_marks = [&](Seq first, std::span<const FoldMark> marks) {
    failed = scores.stretch(std::max(first, visited + 1), std::min(first + marks.size() - 1, range.last));
    for (std::size_t i = 0; i < marks.size() && wanted && failed.is_ok(); ++i) {
      const Seq seq = first + i;
      if (seq <= visited) continue;
      if (seq > range.last) return false;
      Evidence row = evidence_of(seq, marks[i]);
      scores.join(row);
      visited = seq;
      wanted = visit(row);
    }
    return wanted && failed.is_ok();
  };
  SILT_TRY(each_segment(source, range, [&](const OpenedSegment& opened) -> Result<bool> {
    SILT_ASSIGN(Segment segment, Segment::open(opened.bytes));
    SILT_ASSIGN(const auto marks, segment.marks());
    return visit_marks(segment.first_seq(), marks);
  }));
  SILT_TRY(failed);
  if (!wanted) return Status::ok();
  SILT_TRY(each_chunk(source, head, {visited + 1, range.last},
                      [&](const Block& block) { return visit_marks(block.first_seq, block.marks); }));
  return failed;
}

Result<Evidence> RocksStore::evidence(SourceRef source, Seq seq) const {
  std::optional<Evidence> found;
  SILT_ASSIGN(const BlockPtr block, block_after(source, seq - 1));
  if (seq > 0 && block && block->first_seq <= seq && block->damage.empty() && !block->marks.empty()) {
    Evidence row = evidence_of(seq, block->marks[seq - block->first_seq]);
    std::vector<Score> scores;
    SILT_TRY(this->scores(source, seq, seq, scores));
    if (!scores.empty()) add_score(scores.front(), row);
    return row;
  }
  return not_found("nothing is known of record " + std::to_string(seq));
}

Status RocksStore::look_up(SourceRef source, std::span<const Seq> seqs, bool with_scores,
                           const std::function<bool(const Evidence&)>& visit) const {
  ScoreFeed scores(*this, source, with_scores);
  std::size_t at = 0;
  Status failed;
  const auto visit_marks = [&](Seq first, Seq last, const std::vector<FoldMark>& marks) {
    while (at < seqs.size() && seqs[at] < first) ++at;
    if (at == seqs.size() || seqs[at] > last) return at < seqs.size();
    const auto end = std::upper_bound(seqs.begin() + static_cast<std::ptrdiff_t>(at), seqs.end(), last);
    failed = scores.stretch(seqs[at], *(end - 1));
    for (; at < static_cast<std::size_t>(end - seqs.begin()) && failed.is_ok(); ++at) {
      if (seqs[at] - first >= marks.size()) continue;
      Evidence row = evidence_of(seqs[at], marks[seqs[at] - first]);
      scores.join(row);
      if (!visit(row)) return false;
    }
    return failed.is_ok() && at < seqs.size();
  };
  SILT_ASSIGN(const FoldHead head, fold_head(source));
  if (seqs.empty()) return Status::ok();
  const SeqRange range{seqs.front(), std::min(seqs.back(), head.folded_seq)};
  SILT_TRY(each_segment(source, range, [&](const OpenedSegment& opened) -> Result<bool> {
    const Seq first = opened.segment.first_seq(), last = opened.segment.last_seq();
    while (at < seqs.size() && seqs[at] < first) ++at;
    if (at == seqs.size() || seqs[at] > last) return at < seqs.size();
    SILT_ASSIGN(Segment segment, Segment::open(opened.bytes));
    SILT_ASSIGN(const auto marks, segment.marks());
    return visit_marks(first, last, marks);
  }));
  SILT_TRY(failed);
  SILT_TRY(each_chunk(source, head, range, [&](const Block& block) {
    return visit_marks(block.first_seq, block.last_seq, block.marks);
  }));
  return failed;
}

Status RocksStore::postings(SourceRef source, std::string_view term, SeqRange range, std::size_t limit,
                            std::vector<Seq>& out) const {
  out.clear();
  SILT_ASSIGN(const FoldHead head, fold_head(source));
  range.last = std::min(range.last, head.folded_seq);
  if (range.first > range.last || limit == 0) return Status::ok();
  const auto add = [&](Seq seq) {
    if (seq >= range.first && seq <= range.last && (out.empty() || seq > out.back())) out.push_back(seq);
    return out.size() < limit;
  };
  std::vector<std::string> terms;
  const auto has_term = [&](std::string_view text) {
    terms.clear();
    terms_of_(text, terms);
    return std::find(terms.begin(), terms.end(), term) != terms.end();
  };
  // What a token is depends on its line, so a value that has the term's letters only makes its line worth
  // reading.
  std::string lower;
  const auto may_hold = [&](std::string_view text) {
    lower = text;
    for (char& byte : lower) byte = byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte | 0x20) : byte;
    return lower.find(term) != std::string::npos;
  };
  const Status sealed = each_segment(source, range, [&](const OpenedSegment& opened) -> Result<bool> {
    if (!opened.segment.may_contain(term)) return true;
    SILT_ASSIGN(Segment segment, Segment::open(opened.bytes));
    std::vector<std::uint32_t> indexes;
    SILT_TRY(segment.indexes_where(may_hold, indexes));
    if (indexes.empty()) return true;
    SILT_ASSIGN(const RecordBlock block, segment.records(indexes));
    const auto records = block.records();
    return std::all_of(records.begin(), records.end(),
                       [&](const RecordView& record) { return !has_term(record.text) || add(record.seq); });
  });
  SILT_TRY(sealed);
  if (out.size() >= limit) return Status::ok();
  return each_chunk(source, head, range, [&](const Block& block) {
    const auto records = block.records.records();
    return std::all_of(records.begin(), records.end(),
                       [&](const RecordView& record) { return !has_term(record.text) || add(record.seq); });
  });
}

Status RocksStore::terms_with_prefix(SourceRef source, std::string_view prefix, std::size_t limit,
                                     std::vector<std::string>& out) const {
  std::set<std::string> found;
  std::vector<std::string> terms;
  const auto take = [&](std::string_view text) {
    terms.clear();
    terms_of_(text, terms);
    for (std::string& term : terms) {
      if (term.starts_with(prefix)) found.insert(std::move(term));
    }
  };
  SILT_ASSIGN(const FoldHead head, fold_head(source));
  std::vector<PatternRow> rows;
  SILT_TRY(patterns(source, rows));
  for (const PatternRow& row : rows) {
    take(row.text);
    take(row.program);
  }
  SILT_TRY(each_chunk(source, head, {}, [&](const Block& block) {
    for (const RecordView& record : block.records.records()) take(record.text);
    return true;
  }));
  out.assign(found.begin(), found.end());
  if (out.size() > limit) out.resize(limit);
  return Status::ok();
}

Status RocksStore::patterns(SourceRef source, std::vector<PatternRow>& out) const {
  out.clear();
  Status failed;
  const std::string begin = keys::of_source(keys::kPattern, source);
  SILT_TRY(database_->scan(Family::kMain, begin, keys::after(begin), [&](auto key, auto value) {
    PatternRow row;
    row.id = static_cast<PatternId>(keys::number_at_end(key, 4));
    failed = rows::decode(key, value, row);
    out.push_back(std::move(row));
    return failed.is_ok();
  }));
  return failed;
}

Result<PatternRow> RocksStore::pattern(SourceRef source, PatternId id) const {
  const std::string key = keys::of_pattern(keys::kPattern, source, id);
  SILT_ASSIGN(const auto value, database_->get(Family::kMain, key));
  if (!value) return not_found("no pattern " + std::to_string(id));
  PatternRow row;
  row.id = id;
  SILT_TRY(rows::decode(key, *value, row));
  return row;
}

Result<SeqRange> RocksStore::seqs_between(SourceRef source, std::int64_t first_us,
                                          std::int64_t last_us) const {
  SeqRange range{1, 0};
  const auto widen = [&](Seq first, Seq last) {
    if (range.first > range.last) range.first = first;
    range.last = last;
  };
  SILT_ASSIGN(const FoldHead head, fold_head(source));
  SILT_ASSIGN(const std::vector<SegmentInfo> all, segments(source));
  for (const SegmentInfo& info : all) {
    if (info.last_event_us >= first_us && info.first_event_us <= last_us) widen(info.first_seq, info.last_seq);
  }
  SILT_TRY(each_chunk(source, head, {}, [&](const Block& block) {
    const bool any = std::any_of(block.marks.begin(), block.marks.end(), [&](const FoldMark& mark) {
      return mark.event_us >= first_us && mark.event_us <= last_us;
    });
    if (any) widen(block.first_seq, block.last_seq);
    return true;
  }));
  return range;
}

}  // namespace silt::store
