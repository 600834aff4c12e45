// The parts of RocksStore that let records go for good.
#include <algorithm>

#include "daemon/store/chunk.h"
#include "daemon/store/keys.h"
#include "daemon/store/rocks_store.h"
#include "daemon/store/rows.h"
#include "daemon/store/seq_ranges.h"
#include "daemon/store/tombstone.h"

namespace silt::store {
namespace {

// Results of plans are of no tenant: it may be what was forgotten.
constexpr TenantId kNoTenant{0};

// Its bytes, with tombstones of `ranges`. Of a damaged chunk nothing can be told: it is all tombstones.
std::string chunk_without(std::string_view bytes, SeqRange range, const std::vector<SeqRange>& ranges,
                          std::int64_t arrival_us) {
  const auto block = decode_chunk(bytes, range.first);
  std::vector<RecordView> records;
  if (block.is_ok()) {
    for (const RecordView& record : block->records())
      records.push_back(contains(ranges, record.seq) ? tombstone_of(record) : record);
  } else {
    for (Seq seq = range.first; seq <= range.last; ++seq) {
      RecordView lost;
      lost.seq = seq;
      lost.arrival_us = arrival_us;
      records.push_back(tombstone_of(lost));
    }
  }
  return encode_chunk(records);
}

}  // namespace

Status RocksStore::forget(SourceRef source, const std::vector<SeqRange>& ranges) {
  const std::lock_guard changing(change_mutex_);
  SILT_ASSIGN(const Known known, this->known(source));
  WriteSet changes = database_->begin();
  SILT_TRY(forget_in_chunks(known, ranges, changes));
  const std::string gaps = keys::of_source(keys::kGap, source);
  SILT_TRY(database_->scan(Family::kMain, gaps, keys::after(gaps), [&](auto key, auto value) {
    Gap gap;
    if (!rows::decode(key, value, gap).is_ok() || contains(ranges, gap.seq)) changes.erase(Family::kMain, key);
    return true;
  }));
  return start_fold_again(source, std::move(changes));
}

Status RocksStore::forget_in_chunks(const Known& known, const std::vector<SeqRange>& ranges, WriteSet& changes) const {
  const SourceRef source = known.info.ref;
  const std::string begin = keys::of_source(keys::kChunk, source);
  std::optional<Database::Row> row;  // the one before, whose end the next one tells
  const auto put = [&](Seq end) {
    if (!row) return;
    const SeqRange range{keys::number_at_end(row->key, 8), end};
    if (!touches(ranges, range.first, range.last)) return;
    changes.put(Family::kChunk, row->key, chunk_without(row->value, range, ranges, known.intake.last_arrival_us));
  };
  SILT_TRY(database_->scan(Family::kChunk, begin, keys::after(begin), [&](auto key, auto value) {
    put(keys::number_at_end(key, 8) - 1);
    row = Database::Row{std::string(key), std::string(value)};
    return true;
  }));
  put(known.intake.journal_seq);
  return Status::ok();
}

Status RocksStore::put_plan(const ForgetPlan& plan) {
  WriteSet changes = database_->begin();
  const std::string key = keys::of_plan(plan.id);
  changes.put(Family::kMain, key, rows::seal(key, plan.bytes));
  return database_->write(std::move(changes));
}

Result<std::vector<ForgetPlan>> RocksStore::plans() const {
  std::vector<ForgetPlan> out;
  Status failed;
  const std::string begin = keys::of_table(keys::kForgetPlan);
  SILT_TRY(database_->scan(Family::kMain, begin, keys::after(begin), [&](auto key, auto value) {
    const auto bytes = rows::open(key, value);
    failed = bytes.status();
    if (failed.is_ok()) out.push_back({std::string(key.substr(begin.size())), std::string(*bytes)});
    return failed.is_ok();
  }));
  SILT_TRY(failed);
  return out;
}

Status RocksStore::finish_plan(const std::string& id, const std::string& result, std::int64_t now_us) {
  WriteSet changes = database_->begin();
  changes.erase(Family::kMain, keys::of_plan(id));
  SILT_TRY(put_request(kNoTenant, {id, result, now_us}, changes));
  return database_->write(std::move(changes));
}

Result<std::optional<std::string>> RocksStore::plan_result(const std::string& id) const {
  return request_result(kNoTenant, id);
}

Status RocksStore::forget_tenant(TenantId id, const std::string& tenant) {
  const std::lock_guard changing(change_mutex_);
  WriteSet changes = database_->begin();
  const std::string begin = keys::of_tenant(keys::kRequest, id);
  changes.erase_range(Family::kMain, begin, keys::after(begin));
  changes.erase(Family::kMain, keys::of_day_use(tenant));
  SILT_TRY(database_->write(std::move(changes)));
  const std::lock_guard lock(mutex_);
  day_uses_.erase(tenant);
  return Status::ok();
}

Status RocksStore::forget_cursors(const std::string& connector) {
  WriteSet changes = database_->begin();
  const std::string begin = keys::of_cursor(connector, "");
  changes.erase_range(Family::kMain, begin, keys::after(begin));
  return database_->write(std::move(changes));
}

}  // namespace silt::store
