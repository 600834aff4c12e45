#include "daemon/tools/lines_store.h"

#include <algorithm>
#include <functional>
#include <memory>

#include "connectors/record_cutter.h"
#include "daemon/fold/scanner.h"
#include "daemon/fold/timestamp.h"

namespace silt::answer {
namespace {

constexpr std::size_t kBlockRecords = 1000;

}  // namespace

store::SourceRef LinesStore::add(const std::string& name, std::string_view text, std::int64_t arrival_us) {
  Source& made = sources_.emplace_back();
  made.info.ref = {store::TenantId{1}, static_cast<store::SourceId>(sources_.size())};
  made.info.name = made.info.stream = name;
  made.info.tenant = "default";
  fold::Miner miner;
  fold::ScannedLine scanned;
  std::int64_t last_us = arrival_us;
  auto bytes = std::make_unique<std::string[]>(1);
  std::vector<store::RecordView> records;
  std::vector<store::FoldMark> marks;
  const auto seal = [&] {
    if (records.empty()) return;
    auto block = std::make_shared<store::Block>();
    block->first_seq = records.front().seq;
    block->last_seq = records.back().seq;
    block->records = store::RecordBlock(std::make_unique<std::string[]>(1), std::move(records));
    block->marks = std::move(marks);
    made.blocks.push_back(std::move(block));
    records.clear();
    marks.clear();
  };
  const auto kept = std::make_shared<std::string>(text);  // lives as long as the store
  if (!text.ends_with('\n')) kept->push_back('\n');
  static std::vector<std::shared_ptr<std::string>> texts;
  texts.push_back(kept);
  const std::string_view all(*kept);
  connectors::RecordCutter cutter(all, connectors::RecordRules::usual().get(), connectors::kJoinedBytesMax);
  for (connectors::RecordCutter::Cut cut; cutter.next(cut) || cutter.last(cut);) {
    std::string_view line = cut.text;
    if (line.ends_with('\r')) line.remove_suffix(1);
    store::RecordView record;
    record.seq = ++made.last;
    record.arrival_us = arrival_us;
    record.text = line;
    fold::scan_line(line, scanned);
    const auto time = scanned.time ? fold::resolve_time(*scanned.time, arrival_us, 0) : std::nullopt;
    if (time) last_us = *time;
    const std::int64_t us = time ? *time : last_us;
    const fold::Folded folded = miner.fold(scanned, record.seq, us);
    records.push_back(record);
    marks.push_back({folded.pattern, us, folded.is_new});
    if (records.size() == kBlockRecords) seal();
  }
  seal();
  for (fold::PatternId id = 0; id <= miner.size(); ++id) {
    const fold::Pattern* pattern = miner.find(id);
    if (pattern == nullptr) continue;
    made.patterns.push_back({pattern->id, pattern->text, pattern->count, pattern->first_seq, pattern->last_seq,
                             pattern->first_time_us, pattern->last_time_us, "", pattern->merged_into});
  }
  return made.info.ref;
}

const LinesStore::Source* LinesStore::find(store::SourceRef ref) const {
  for (const Source& source : sources_) {
    if (source.info.ref == ref) return &source;
  }
  return nullptr;
}

std::vector<store::SourceInfo> LinesStore::sources() const {
  std::vector<store::SourceInfo> out;
  for (const Source& source : sources_) out.push_back(source.info);
  return out;
}

Result<store::SourceInfo> LinesStore::source(store::SourceRef ref) const {
  const Source* found = find(ref);
  if (found == nullptr) return not_found("no such source");
  return found->info;
}

Result<store::BlockPtr> LinesStore::block_after(store::SourceRef ref, store::Seq after) const {
  const Source* found = find(ref);
  if (found == nullptr) return not_found("no such source");
  for (std::size_t i = after / kBlockRecords; i < found->blocks.size(); ++i) {
    if (found->blocks[i]->last_seq > after) return found->blocks[i];
  }
  return store::BlockPtr();
}

Result<store::JournalRecord> LinesStore::read(store::SourceRef ref, store::Seq seq) const {
  SILT_ASSIGN(const store::BlockPtr block, block_after(ref, seq - 1));
  if (!block || seq < block->first_seq) return not_found("no such record");
  const store::RecordView& record = block->records.records()[seq - block->first_seq];
  store::JournalRecord out;
  out.seq = seq;
  out.arrival_us = record.arrival_us;
  out.text = std::string(record.text);
  return out;
}

Result<store::IntakeHead> LinesStore::intake_head(store::SourceRef ref) const {
  const Source* found = find(ref);
  if (found == nullptr) return not_found("no such source");
  store::IntakeHead head;
  head.journal_seq = found->last;
  return head;
}

Status LinesStore::patterns(store::SourceRef ref, std::vector<store::PatternRow>& out) const {
  const Source* found = find(ref);
  if (found == nullptr) return not_found("no such source");
  out = found->patterns;
  return Status::ok();
}

Result<store::PatternRow> LinesStore::pattern(store::SourceRef ref, store::PatternId id) const {
  const Source* found = find(ref);
  if (found == nullptr) return not_found("no such source");
  for (const store::PatternRow& row : found->patterns) {
    if (row.id == id) return row;
  }
  return not_found("no such pattern");
}

Result<store::Evidence> LinesStore::evidence(store::SourceRef ref, store::Seq seq) const {
  SILT_ASSIGN(const store::BlockPtr block, block_after(ref, seq - 1));
  if (!block || seq < block->first_seq) return not_found("no such record");
  const store::FoldMark& mark = block->marks[seq - block->first_seq];
  store::Evidence out;
  out.seq = seq;
  out.pattern = mark.pattern;
  out.event_us = mark.event_us;
  out.new_pattern = mark.new_pattern;
  return out;
}

void LinesStore::set_surprise(store::SourceRef source, store::Seq seq, float adapted_nats, float frozen_nats) {
  for (Source& each : sources_) {
    if (each.info.ref == source) each.scores[seq] = {seq, store::Decision::kLearned, 0, 20, adapted_nats, frozen_nats};
  }
}

Status LinesStore::scan(store::SourceRef ref, store::SeqRange range, bool with_scores,
                        const std::function<bool(const store::Evidence&)>& visit) const {
  const Source* found = find(ref);
  if (found == nullptr) return not_found("no such source");
  for (store::Seq seq = std::max<store::Seq>(range.first, 1); seq <= std::min(range.last, found->last); ++seq) {
    SILT_ASSIGN(store::Evidence each, evidence(ref, seq));
    if (const auto score = found->scores.find(seq); with_scores && score != found->scores.end()) {
      each.tokens = score->second.tokens;
      each.adapted_nats = score->second.adapted_nats;
      each.frozen_nats = score->second.frozen_nats;
    }
    if (!visit(each)) break;
  }
  return Status::ok();
}

Status LinesStore::postings(store::SourceRef ref, std::string_view term, store::SeqRange range, std::size_t limit,
                            std::vector<store::Seq>& out) const {
  const Source* found = find(ref);
  if (found == nullptr) return not_found("no such source");
  std::vector<std::string> terms;
  for (const store::BlockPtr& block : found->blocks) {
    for (const store::RecordView& record : block->records.records()) {
      if (record.seq < range.first || record.seq > range.last || out.size() == limit) continue;
      fold::index_terms(record.text, terms);
      if (std::binary_search(terms.begin(), terms.end(), term, std::less<>())) out.push_back(record.seq);
    }
  }
  return Status::ok();
}

Result<store::FoldHead> LinesStore::fold_head(store::SourceRef ref) const {
  const Source* found = find(ref);
  if (found == nullptr) return not_found("no such source");
  store::FoldHead head;
  head.folded_seq = found->last;
  return head;
}

// What the answer path does not use.
store::SourceRef LinesStore::add_records(const std::string& name, std::vector<store::JournalRecord> given) {
  Source& made = sources_.emplace_back();
  made.info.ref = {store::TenantId{1}, static_cast<store::SourceId>(sources_.size())};
  made.info.name = made.info.stream = name;
  made.info.tenant = "default";
  const auto& kept = kept_.emplace_back(std::make_unique<const std::vector<store::JournalRecord>>(std::move(given)));
  std::vector<store::RecordView> records;
  auto block = std::make_shared<store::Block>();
  for (const store::JournalRecord& each : *kept) {
    store::RecordView record;
    record.seq = ++made.last;
    record.told_us = each.told_us;
    record.text = each.text;
    record.attributes = each.attributes;
    record.origin.place = each.place;
    records.push_back(record);
    block->marks.push_back({1, each.told_us, record.seq == 1});
  }
  block->first_seq = 1;
  block->last_seq = made.last;
  block->records = store::RecordBlock(std::make_unique<std::string[]>(1), std::move(records));
  if (made.last > 0) made.blocks.push_back(std::move(block));
  return made.info.ref;
}

Result<store::SourceInfo> LinesStore::open_source(const std::string&, const std::string&, const std::string&) {
  return unimplemented("lines only");
}
Status LinesStore::append(const store::GroupAppend&) {
  return unimplemented("lines only");
}
Result<std::vector<connectors::CursorRow>> LinesStore::cursors(const std::string&) const {
  return unimplemented("lines only");
}
Status LinesStore::append_shed_mark(store::SourceRef, const store::ShedMark&) {
  return unimplemented("lines only");
}
Result<std::vector<store::ShedMark>> LinesStore::shed_marks(store::SourceRef, store::Seq) const {
  return unimplemented("lines only");
}
Status LinesStore::look_up(store::SourceRef, std::span<const store::Seq>, bool,
                           const std::function<bool(const store::Evidence&)>&) const {
  return unimplemented("lines only");
}
Status LinesStore::terms_with_prefix(store::SourceRef, std::string_view, std::size_t, std::vector<std::string>&) const {
  return unimplemented("lines only");
}
Status LinesStore::commit(std::span<const store::FoldCommit>) {
  return unimplemented("lines only");
}
Result<std::vector<store::SegmentInfo>> LinesStore::segments(store::SourceRef) const {
  return unimplemented("lines only");
}
Result<store::Seq> LinesStore::trim(store::SourceRef, store::Seq) {
  return unimplemented("lines only");
}
Status LinesStore::reset_fold(store::SourceRef) {
  return unimplemented("lines only");
}
Status LinesStore::forget(store::SourceRef, const std::vector<store::SeqRange>&) {
  return unimplemented("lines only");
}
Result<store::SeqRange> LinesStore::seqs_between(store::SourceRef, std::int64_t, std::int64_t) const {
  return unimplemented("lines only");
}

}  // namespace silt::answer
