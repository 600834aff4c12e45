// The RecordLog part of RocksStore.
#include <algorithm>
#include <string>

#include "base/log.h"
#include "daemon/store/attributes.h"
#include "daemon/store/chunk.h"
#include "daemon/store/keys.h"
#include "daemon/store/marks.h"
#include "daemon/store/rocks_store.h"
#include "daemon/store/rows.h"
#include "daemon/store/sha256.h"
#include "daemon/store/tombstone.h"

namespace silt::store {
namespace {

void add(IntakeHead& head, const IntakeHead& delta, std::size_t records) {
  head.journal_seq += records;
  head.lines += delta.lines;
  head.bytes += delta.bytes;
  head.gaps += delta.gaps;
  head.bytes_lost += delta.bytes_lost;
  head.redactions += delta.redactions;
  head.last_arrival_us = std::max(head.last_arrival_us, delta.last_arrival_us);
  head.redaction = delta.redaction;
}

std::size_t bytes_of(const Block& block) {
  std::size_t bytes = block.records.records().size() * (sizeof(RecordView) + sizeof(FoldMark));
  for (const RecordView& record : block.records.records()) bytes += record.text.size();
  return bytes;
}

}  // namespace

Status RocksStore::append(const GroupAppend& group) {
  const std::lock_guard changing(change_mutex_);
  WriteSet changes = database_->begin();
  std::vector<IntakeHead> heads;
  for (const StreamAppend& stream : group.streams) {
    const auto known = this->known(stream.source);
    if (!known.is_ok()) return Status(Code::kAborted, "a source was deleted while records came in for it");
    IntakeHead head = known->intake;
    const std::string key = keys::of_number(keys::kChunk, stream.source, head.journal_seq + 1);
    changes.put(Family::kChunk, key, encode_chunk(stream.records));
    put_gaps(stream, head, changes);
    add(head, stream.delta, stream.records.size());
    const std::string head_key = keys::of_source(keys::kIntakeHead, stream.source);
    changes.put(Family::kMain, head_key, rows::encode(head_key, head));
    const std::string source_key = keys::of_source(keys::kSource, stream.source);
    if (!known->stored) changes.put(Family::kMain, source_key, rows::encode(source_key, known->info));
    heads.push_back(std::move(head));
  }
  for (const CursorChange& change : group.cursors) {
    const std::string key = keys::of_cursor(change.connector, change.row.key);
    if (change.row.deleted) {
      changes.erase(Family::kMain, key);
    } else {
      changes.put(Family::kMain, key, rows::encode(key, change.row));
    }
  }
  auto day_uses = day_uses_after(group);
  for (const auto& [tenant, use] : day_uses) {
    const std::string key = keys::of_day_use(tenant);
    changes.put(Family::kMain, key, rows::encode(key, use));
  }
  const std::vector<std::string> left_over = day_uses_left_over(day_uses);
  for (const std::string& tenant : left_over) changes.erase(Family::kMain, keys::of_day_use(tenant));
  SILT_TRY(database_->write(std::move(changes)));
  const std::lock_guard lock(mutex_);
  for (const std::string& tenant : left_over) day_uses_.erase(tenant);
  for (auto& [tenant, use] : day_uses) day_uses_[tenant] = std::move(use);
  for (std::size_t i = 0; i < heads.size(); ++i) {
    Known& known = known_.at(group.streams[i].source);
    known.intake = std::move(heads[i]);
    known.stored = true;
  }
  return Status::ok();
}

std::map<std::string, DayUse> RocksStore::day_uses_after(const GroupAppend& group) const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, DayUse> out;
  for (const StreamAppend& stream : group.streams) {
    const std::string& tenant = known_.at(stream.source).info.tenant;
    const auto before = day_uses_.find(tenant);
    DayUse& use = out.try_emplace(tenant, before != day_uses_.end() ? before->second : DayUse{tenant, 0, 0}).first->second;
    const std::int64_t day = day_of(stream.delta.last_arrival_us);
    if (use.day != day) use = {tenant, day, 0};
    use.bytes += stream.delta.bytes;
  }
  return out;
}

// Once a day begins, those of earlier days whose tenants have no source any more.
std::vector<std::string> RocksStore::day_uses_left_over(const std::map<std::string, DayUse>& written) const {
  const std::lock_guard lock(mutex_);
  std::int64_t begun = 0;
  for (const auto& [tenant, use] : written) {
    const auto before = day_uses_.find(tenant);
    if (before == day_uses_.end() || before->second.day < use.day) begun = std::max(begun, use.day);
  }
  std::vector<std::string> out;
  for (const auto& [tenant, use] : day_uses_) {
    const auto is_its = [&](const auto& source) { return source.second.info.tenant == tenant; };
    if (use.day < begun && std::ranges::none_of(known_, is_its)) out.push_back(tenant);
  }
  return out;
}

// A row that is damaged costs its count.
Status RocksStore::load_day_uses() {
  const std::string begin = keys::of_table(keys::kDayUse);
  return database_->scan(Family::kMain, begin, keys::after(begin), [&](auto key, auto value) {
    DayUse use{std::string(key.substr(begin.size())), 0, 0};
    const Status decoded = rows::decode(key, value, use);
    if (decoded.is_ok()) {
      day_uses_[use.tenant] = use;
    } else {
      log::error("day_use_row_damaged", {{"error", decoded.message()}, {"effect", "quota.mib_per_day begins anew for a tenant"}});
    }
    return true;
  });
}

std::vector<DayUse> RocksStore::day_uses() const {
  const std::lock_guard lock(mutex_);
  std::vector<DayUse> out;
  for (const auto& [tenant, use] : day_uses_) out.push_back(use);
  return out;
}

// The number of a gap is its place in the source's count of them, so the oldest row is known without looking.
void RocksStore::put_gaps(const StreamAppend& stream, const IntakeHead& before, WriteSet& changes) {
  std::uint64_t number = before.gaps;
  for (std::size_t i = 0; i < stream.records.size(); ++i) {
    const RecordView& record = stream.records[i];
    if ((record.flags & connectors::kRecordGap) == 0) continue;
    Gap gap{before.journal_seq + i + 1,    record.arrival_us, std::string(record.origin.place),
            record.origin.begin, record.bytes_cut,  std::string(record.text)};
    const auto attributes = decode_attributes(record.attributes);
    for (std::size_t at = 0; attributes.is_ok() && at < attributes->size(); ++at) {
      if ((*attributes)[at].key == connectors::kGapCause) gap.cause = (*attributes)[at].value;
    }
    const std::string key = keys::of_number(keys::kGap, stream.source, ++number);
    changes.put(Family::kMain, key, rows::encode(key, gap));
    if (number > kGapsKept) {
      changes.erase(Family::kMain, keys::of_number(keys::kGap, stream.source, number - kGapsKept));
    }
  }
}

Result<std::vector<Gap>> RocksStore::gaps(SourceRef source) const {
  std::vector<Gap> out;
  const std::string begin = keys::of_source(keys::kGap, source);
  SILT_TRY(database_->scan(Family::kMain, begin, keys::after(begin), [&](auto key, auto value) {
    Gap gap;
    const Status decoded = rows::decode(key, value, gap);
    if (decoded.is_ok()) {
      out.push_back(std::move(gap));
    } else {
      log::error("gap_row_damaged", {{"error", decoded.message()}, {"action", "left out of the list"}});
    }
    return true;
  }));
  return out;
}

// A row that is damaged is left out: its file is found again as if it were new, and read once more.
Result<std::vector<connectors::CursorRow>> RocksStore::cursors(const std::string& connector) const {
  std::vector<connectors::CursorRow> out;
  const std::string begin = keys::of_cursor(connector, "");
  SILT_TRY(database_->scan(Family::kMain, begin, keys::after(begin), [&](auto key, auto value) {
    connectors::CursorRow row;
    row.key = key.substr(begin.size());
    const Status decoded = rows::decode(key, value, row);
    if (decoded.is_ok()) {
      out.push_back(std::move(row));
    } else {
      log::error("cursor_row_damaged", {{"input", connector},
                                        {"error", decoded.message()},
                                        {"action", "what it stood for is read again from its beginning"}});
    }
    return true;
  }));
  return out;
}

// Between two looks the fold may seal what the first one asked for as a chunk.
Result<BlockPtr> RocksStore::block_after(SourceRef source, Seq after) const {
  for (int look = 0; look < 3; ++look) {
    SILT_ASSIGN(const Known known, this->known(source));
    after = std::max(after, known.fold.floor_seq);
    if (after >= known.intake.journal_seq) return BlockPtr();
    const Seq sealed = known.fold.sealed_seq;
    SILT_ASSIGN(BlockPtr block, after < sealed ? segment_after(source, known.fold.folded_seq, after)
                                               : chunk_after(source, sealed, after));
    if (block) return block;
  }
  // Its rows are gone. What follows decides how many records that are.
  auto hole = std::make_shared<Block>();
  hole->first_seq = after + 1;
  hole->last_seq = end_of_damage(source, after + 1);
  hole->damage = "its row is missing";
  return BlockPtr(std::move(hole));
}

Result<BlockPtr> RocksStore::chunk_after(SourceRef source, Seq sealed, Seq after) const {
  const std::string begin = keys::of_number(keys::kChunk, source, sealed + 1);
  const std::string want = keys::of_number(keys::kChunk, source, after + 1);
  SILT_ASSIGN(const auto row, database_->last_not_after(Family::kChunk, begin, want));
  if (!row) return BlockPtr();
  auto block = std::make_shared<Block>();
  block->first_seq = keys::number_at_end(row->key, 8);
  auto records = decode_chunk(row->value, block->first_seq);
  if (records.is_ok()) {
    block->records = std::move(*records);
    block->last_seq = block->first_seq + block->records.records().size() - 1;
    if (block->last_seq > after) SILT_TRY(marks_of(source, *block, block->marks));
  } else {
    block->damage = records.status().message();
    block->last_seq = end_of_damage(source, block->first_seq);
  }
  return block->last_seq > after ? BlockPtr(std::move(block)) : BlockPtr();
}

// The record before the next block of either form, or the journal's end.
Seq RocksStore::end_of_damage(SourceRef source, Seq first) const {
  Seq last = ~Seq{0};
  for (const auto& [family, table] : {std::pair(Family::kMain, keys::kSegmentInfo), {Family::kChunk, keys::kChunk}}) {
    (void)database_->scan(family, keys::of_number(table, source, first + 1),
                          keys::after(keys::of_source(table, source)), [&](auto key, auto) {
                            last = std::min(last, keys::number_at_end(key, 8) - 1);
                            return false;
                          });
  }
  const auto head = intake_head(source);
  return std::min(last, head.is_ok() ? std::max(head->journal_seq, first) : first);
}

Status RocksStore::marks_of(SourceRef source, const Block& block, std::vector<FoldMark>& out) const {
  out.clear();
  const std::string begin = keys::of_source(keys::kMarks, source);
  const std::string want = keys::of_number(keys::kMarks, source, block.first_seq);
  SILT_ASSIGN(const auto row, database_->last_not_after(Family::kChunk, begin, want));
  if (!row) return Status::ok();
  const Seq first = keys::number_at_end(row->key, 8);
  const auto payload = rows::open(row->key, row->value);
  const auto decoded = payload.is_ok() ? decode_marks(*payload) : Result<std::vector<FoldMark>>(payload.status());
  if (!decoded.is_ok()) {
    log::warning("marks_damaged", {{"first_seq", first}, {"error", decoded.status().message()}});
    return Status::ok();
  }
  const std::vector<FoldMark>& marks = *decoded;
  if (first + marks.size() <= block.last_seq) return Status::ok();  // not folded yet
  const auto from = marks.begin() + static_cast<std::ptrdiff_t>(block.first_seq - first);
  out.assign(from, from + static_cast<std::ptrdiff_t>(block.last_seq - block.first_seq + 1));
  return Status::ok();
}

Result<RocksStore::SegmentPtr> RocksStore::open_segment(SourceRef source, Seq first,
                                                        std::string_view key) const {
  SILT_ASSIGN(auto value, database_->get(Family::kSegment, key));
  if (!value) return SegmentPtr();
  const std::size_t bytes = value->size();
  const auto shared = std::make_shared<const std::string>(std::move(*value));
  SILT_ASSIGN(Segment segment, Segment::open(shared));
  if (segment.first_seq() != first) return data_loss("a segment lies in another one's place");
  auto opened = std::make_shared<const OpenedSegment>(OpenedSegment{shared, std::move(segment)});
  blocks_.opened.add(source, first, opened, bytes);
  return opened;
}

namespace {

// All of it, compared with its SHA-256: what is shown to people comes from here.
Status decode_segment(const std::shared_ptr<const std::string>& bytes, Block& block) {
  SILT_ASSIGN(Segment segment, Segment::open(bytes));
  SILT_ASSIGN(block.records, segment.records(0, segment.records()));
  std::vector<std::uint32_t> lengths;
  std::string texts;
  texts.reserve(segment.header().text_bytes);
  for (const RecordView& record : block.records.records()) {
    lengths.push_back(static_cast<std::uint32_t>(record.text.size()));
    texts += record.text;
  }
  if (sha256_of_texts(lengths, texts) != segment.header().texts_hash) {
    block.records = RecordBlock();
    return data_loss("segment: the texts do not match their SHA-256");
  }
  SILT_ASSIGN(block.marks, segment.marks());
  return Status::ok();
}

}  // namespace

Result<BlockPtr> RocksStore::segment_after(SourceRef source, Seq folded, Seq after) const {
  const std::string begin = keys::of_source(keys::kSegmentInfo, source);
  const std::string want = keys::of_number(keys::kSegmentInfo, source, after + 1);
  SILT_ASSIGN(const auto row, database_->last_not_after(Family::kMain, begin, want));
  if (!row) return BlockPtr();
  auto block = std::make_shared<Block>();
  block->first_seq = keys::number_at_end(row->key, 8);
  SegmentInfo info;
  const Status decoded = rows::decode(row->key, row->value, info);
  block->last_seq = decoded.is_ok() ? info.last_seq
                                    : end_of_damage(source, block->first_seq);
  if (block->last_seq <= after) return BlockPtr();
  const bool is_folded = block->last_seq <= folded;  // not so after a reset of the fold: its marks are old
  if (const BlockPtr cached = blocks_.decoded.find(source, block->first_seq);
      is_folded && cached && cached->last_seq == block->last_seq)
    return cached;
  const std::string key = keys::of_number(keys::kSegment, source, block->first_seq);
  auto segment = open_segment(source, block->first_seq, key);
  if (segment.is_ok() && !*segment) return BlockPtr();  // replaced or removed since
  Status read = segment.status();
  if (read.is_ok()) read = decode_segment((*segment)->bytes, *block);
  if (!is_folded) block->marks.clear();
  if (!read.is_ok()) {
    block->records = RecordBlock();
    block->damage = read.message();
    return BlockPtr(std::move(block));
  }
  const std::size_t bytes = bytes_of(*block);
  BlockPtr done(std::move(block));
  if (is_folded) blocks_.decoded.add(source, done->first_seq, done, bytes);
  return done;
}

Result<JournalRecord> RocksStore::read(SourceRef source, Seq seq) const {
  const std::string name = "record " + std::to_string(seq);
  if (seq == 0) return not_found(name + " was never written");
  SILT_ASSIGN(const BlockPtr block, block_after(source, seq - 1));
  if (!block || block->first_seq > seq) return not_found(name + " is not in the journal");
  if (!block->damage.empty()) return data_loss(name + ": " + block->damage);
  const RecordView& view = block->records.records()[seq - block->first_seq];
  if (is_forgotten(view)) return not_found(name + " was forgotten");
  JournalRecord record;
  record.seq = seq;
  record.arrival_us = view.arrival_us;
  record.told_us = view.told_us;
  record.text = view.text;
  record.attributes = view.attributes;
  record.place = view.origin.place;
  record.generation = view.origin.generation;
  record.begin = view.origin.begin;
  record.end = view.origin.end;
  record.flags = view.flags;
  record.bytes_cut = view.bytes_cut;
  return record;
}

Result<IntakeHead> RocksStore::intake_head(SourceRef source) const {
  SILT_ASSIGN(Known known, this->known(source));
  return std::move(known.intake);
}

Status RocksStore::append_shed_mark(SourceRef source, const ShedMark& mark) {
  const std::string key = keys::of_number(keys::kShed, source, mark.first_seq);
  WriteSet changes = database_->begin();
  changes.put(Family::kMain, key, rows::encode(key, mark));
  return database_->write(std::move(changes));
}

Result<std::vector<ShedMark>> RocksStore::shed_marks(SourceRef source, Seq after) const {
  std::vector<ShedMark> out;
  Status failed;
  const std::string begin = keys::of_source(keys::kShed, source);
  SILT_TRY(database_->scan(Family::kMain, begin, keys::after(begin), [&](auto key, auto value) {
    ShedMark mark;
    mark.first_seq = keys::number_at_end(key, 8);
    failed = rows::decode(key, value, mark);
    if (mark.last_seq > after) out.push_back(std::move(mark));
    return failed.is_ok();
  }));
  SILT_TRY(failed);
  return out;
}

}  // namespace silt::store
