#include "daemon/store/rocks_store.h"

#include <algorithm>

#include "daemon/store/keys.h"
#include "daemon/store/rows.h"

namespace silt::daemon {
namespace {

constexpr rows::Schema kSchema{1, 0};

std::pair<std::uint32_t, std::uint32_t> id_of(SourceRef source) {
  return {static_cast<std::uint32_t>(source.tenant), static_cast<std::uint32_t>(source.source)};
}

void add(IntakeHead& head, const IntakeHead& delta, std::size_t records) {
  head.journal_seq += records;
  head.lines += delta.lines;
  head.bytes += delta.bytes;
  head.gaps += delta.gaps;
  head.bytes_lost += delta.bytes_lost;
  head.redactions += delta.redactions;
  head.last_arrival_us = std::max(head.last_arrival_us, delta.last_arrival_us);
  head.key_lines_left = delta.key_lines_left;
}

}  // namespace

Result<std::unique_ptr<RocksStore>> RocksStore::open(const DatabaseOptions& options) {
  SILT_ASSIGN(auto database, Database::open(options));
  std::unique_ptr<RocksStore> store(new RocksStore(std::move(database)));
  SILT_TRY(store->check_schema(options.read_only));
  SILT_TRY(store->load_sources());
  return store;
}

Status RocksStore::check_schema(bool read_only) {
  const std::string key = keys::schema();
  SILT_ASSIGN(const auto value, database_->get(Family::kMain, key));
  if (!value) {
    if (read_only) return not_found("store " + database_->path() + ": holds no silt data");
    WriteSet changes = database_->begin();
    changes.put(Family::kMain, key, rows::encode(key, kSchema));
    return database_->write(std::move(changes));
  }
  rows::Schema schema;
  const Status decoded = rows::decode(key, *value, schema);
  if (!decoded.is_ok()) return decoded.with_context("store " + database_->path() + ": damaged");
  if (schema.major > kSchema.major) {
    return failed_precondition("store " + database_->path() + ": has schema " + std::to_string(schema.major) +
                               ", this siltd knows " + std::to_string(kSchema.major) +
                               "; install the newer siltd, or use another store.path");
  }
  return Status::ok();
}

Status RocksStore::load_sources() {
  Status failed;
  const std::string begin = keys::of_table(keys::kSource);
  SILT_TRY(database_->scan(Family::kMain, begin, keys::after(begin), [&](auto key, auto value) {
    Known known;
    known.info.ref = keys::source_of(key);
    known.stored = true;
    failed = rows::decode(key, value, known.info);
    if (failed.is_ok()) known_[id_of(known.info.ref)] = std::move(known);
    return failed.is_ok();
  }));
  SILT_TRY(failed);
  for (auto& [id, known] : known_) {
    const Status read =
        read_row(Family::kMain, keys::of_source(keys::kIntakeHead, known.info.ref), known.head);
    if (!read.is_ok() && read.code() != Code::kNotFound) return read;
  }
  return Status::ok();
}

template <class Row>
Status RocksStore::read_row(Family family, const std::string& key, Row& row) const {
  SILT_ASSIGN(const auto value, database_->get(family, key));
  if (!value) return not_found("no such row");
  return rows::decode(key, *value, row);
}

// --- RecordLog ------------------------------------------------------------------------------------

Result<SourceInfo> RocksStore::open_source(const std::string& tenant, const std::string& name,
                                           const std::string& connector) {
  const std::lock_guard lock(mutex_);
  std::uint32_t tenant_id = 0, last_tenant = 0, last_source = 0;
  for (const auto& [id, known] : known_) {
    if (known.info.tenant == tenant && known.info.name == name) return known.info;
    if (known.info.tenant == tenant) tenant_id = id.first;
    last_tenant = std::max(last_tenant, id.first);
    last_source = std::max(last_source, id.second);
  }
  if (tenant_id == 0) tenant_id = last_tenant + 1;
  Known known;
  known.info = {{TenantId{tenant_id}, SourceId{last_source + 1}}, tenant, name, connector};
  return known_.emplace(id_of(known.info.ref), known).first->second.info;
}

std::vector<SourceInfo> RocksStore::sources() const {
  const std::lock_guard lock(mutex_);
  std::vector<SourceInfo> out;
  for (const auto& [id, known] : known_) out.push_back(known.info);
  return out;
}

Status RocksStore::append(JournalBatch& batch) {
  WriteSet changes = database_->begin();
  IntakeHead head;
  if (!batch.records.empty()) {
    SILT_ASSIGN(head, intake_head(batch.source));
    Seq seq = head.journal_seq;
    for (JournalRecord& record : batch.records) {
      record.seq = ++seq;
      const std::string key = keys::of_number(keys::kJournal, batch.source, seq);
      changes.put(Family::kMain, key, rows::encode(key, record));
    }
    add(head, batch.head_delta, batch.records.size());
    const std::string head_key = keys::of_source(keys::kIntakeHead, batch.source);
    changes.put(Family::kMain, head_key, rows::encode(head_key, head));
    const std::lock_guard lock(mutex_);
    const Known& known = known_.at(id_of(batch.source));
    const std::string key = keys::of_source(keys::kSource, batch.source);
    if (!known.stored) changes.put(Family::kMain, key, rows::encode(key, known.info));
  }
  for (const connectors::CursorRow& row : batch.cursors) {
    const std::string key = keys::of_cursor(batch.connector, row.key);
    if (row.deleted) {
      changes.erase(Family::kMain, key);
    } else {
      changes.put(Family::kMain, key, rows::encode(key, row));
    }
  }
  SILT_TRY(database_->write(std::move(changes)));
  if (!batch.records.empty()) {
    const std::lock_guard lock(mutex_);
    Known& known = known_.at(id_of(batch.source));
    known.head = head;
    known.stored = true;
  }
  return Status::ok();
}

Result<std::vector<connectors::CursorRow>> RocksStore::cursors(const std::string& connector) const {
  std::vector<connectors::CursorRow> out;
  Status failed;
  const std::string begin = keys::of_cursor(connector, "");
  SILT_TRY(database_->scan(Family::kMain, begin, keys::after(begin), [&](auto key, auto value) {
    connectors::CursorRow row;
    row.key = key.substr(begin.size());
    failed = rows::decode(key, value, row);
    out.push_back(std::move(row));
    return failed.is_ok();
  }));
  SILT_TRY(failed);
  return out;
}

Status RocksStore::read_after(SourceRef source, Seq after, std::uint64_t bytes_max, std::uint32_t records_max,
                              std::vector<JournalRecord>& out) const {
  out.clear();
  Status failed;
  std::uint64_t bytes = 0;
  SILT_TRY(database_->scan(Family::kMain, keys::of_number(keys::kJournal, source, after + 1),
                           keys::after(keys::of_source(keys::kJournal, source)), [&](auto key, auto value) {
                             JournalRecord record;
                             record.seq = keys::number_at_end(key, 8);
                             failed = rows::decode(key, value, record);
                             if (!failed.is_ok()) return false;
                             bytes += record.text.size();
                             out.push_back(std::move(record));
                             return bytes < bytes_max && out.size() < records_max;
                           }));
  return failed;
}

Result<JournalRecord> RocksStore::read(SourceRef source, Seq seq) const {
  JournalRecord record;
  record.seq = seq;
  const Status status = read_row(Family::kMain, keys::of_number(keys::kJournal, source, seq), record);
  if (!status.is_ok()) return status.with_context("record " + std::to_string(seq));
  return record;
}

Result<IntakeHead> RocksStore::intake_head(SourceRef source) const {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(id_of(source));
  if (found == known_.end()) return not_found("no such source");
  return found->second.head;
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

}  // namespace silt::daemon
