#include "daemon/store/rocks_store.h"

#include <algorithm>

#include "base/log.h"
#include "daemon/store/keys.h"
#include "daemon/store/rows.h"

namespace silt::store {
namespace {

constexpr rows::Schema kSchema{2, 0};

std::string stream_key(const std::string& tenant, const std::string& stream) {
  return tenant + '\0' + stream;
}

}  // namespace

Result<std::unique_ptr<RocksStore>> RocksStore::open(const StoreOptions& options) {
  SILT_ASSIGN(auto database, Database::open(options.database));
  std::unique_ptr<RocksStore> store(new RocksStore(std::move(database), options));
  SILT_TRY(store->check_schema(options.database.read_only));
  SILT_TRY(store->load_sources());
  SILT_TRY(store->load_day_uses());
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
  if (schema.major == kSchema.major) return Status::ok();
  const bool newer = schema.major > kSchema.major;
  return failed_precondition(
      "store " + database_->path() + ": has format " + std::to_string(schema.major) + ", this siltd knows " +
      std::to_string(kSchema.major) + "; " +
      (newer ? "install the newer siltd, or use another store.path"
             : "move the directory away: the logs are read again from their beginning"));
}

// A row that is damaged costs its source, not the store; its number is not given out again.
Status RocksStore::load_sources() {
  const std::string begin = keys::of_table(keys::kSource);
  SILT_TRY(database_->scan(Family::kMain, begin, keys::after(begin), [&](auto key, auto value) {
    Known known;
    known.info.ref = keys::source_of(key);
    known.stored = true;
    last_source_ = std::max(last_source_, static_cast<std::uint32_t>(known.info.ref.source));
    last_tenant_ = std::max(last_tenant_, static_cast<std::uint32_t>(known.info.ref.tenant));
    const Status decoded = rows::decode(key, value, known.info);
    if (decoded.is_ok()) {
      by_stream_[stream_key(known.info.tenant, known.info.stream)] = known.info.ref;
      known_.emplace(known.info.ref, std::move(known));
    } else {
      log::error("source_row_damaged", {{"source_id", static_cast<std::uint32_t>(known.info.ref.source)},
                                        {"error", decoded.message()},
                                        {"remedy", "the other sources go on; its input is read as a new source"}});
    }
    return true;
  }));
  // A number that a deleted source had is in the audit log, and in certificates of what was forgotten.
  SILT_ASSIGN(const auto numbers, database_->get(Family::kMain, keys::numbers()));
  if (rows::Numbers given; numbers && rows::decode(keys::numbers(), *numbers, given).is_ok()) {
    last_source_ = std::max(last_source_, given.source);
    last_tenant_ = std::max(last_tenant_, given.tenant);
  }
  // What was answered to a tenant outlives its sources.
  const std::string requests = keys::of_table(keys::kRequest);
  SILT_ASSIGN(const auto answered, database_->last_not_after(Family::kMain, requests, keys::after(requests)));
  if (answered) last_tenant_ = std::max(last_tenant_, static_cast<std::uint32_t>(keys::tenant_of(answered->key)));
  for (auto it = known_.begin(); it != known_.end();) {
    Known& known = it->second;
    NetHead net;
    Status read = read_head(keys::kIntakeHead, known.info.ref, known.intake);
    if (read.is_ok()) read = read_head(keys::kFoldHead, known.info.ref, known.fold);
    const Status net_read = read.is_ok() ? read_head(keys::kNetHead, known.info.ref, net) : read;
    if (net_read.is_ok() && net.base_version != 0) known.net = std::move(net);
    if (net_read.is_ok()) {
      ++it;
      continue;
    }
    log::error("source_head_damaged", {{"source", known.info.name},
                                       {"error", net_read.message()},
                                       {"remedy", "the other sources go on; restore a backup for this one"}});
    by_stream_.erase(stream_key(known.info.tenant, known.info.stream));
    it = known_.erase(it);
  }
  return Status::ok();
}

// A head that was never written stays as it is; base_version 0 then tells of a net without one.
template <class Row>
Status RocksStore::read_head(char table, SourceRef source, Row& row) const {
  const std::string key = keys::of_source(table, source);
  SILT_ASSIGN(const auto value, database_->get(Family::kMain, key));
  if constexpr (std::is_same_v<Row, NetHead>) row.base_version = 0;
  if (!value) return Status::ok();
  return rows::decode(key, *value, row);
}

Result<RocksStore::Known> RocksStore::known(SourceRef source) const {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(source);
  if (found == known_.end()) return not_found("no such source");
  return found->second;
}

Result<SourceInfo> RocksStore::open_source(const std::string& tenant, const std::string& stream,
                                           const std::string& connector) {
  const std::lock_guard lock(mutex_);
  const std::string key = stream_key(tenant, stream);
  if (const auto found = by_stream_.find(key); found != by_stream_.end()) return known_.at(found->second).info;
  std::uint32_t tenant_id = 0;
  for (const auto& [ref, known] : known_) {
    if (known.info.tenant != tenant) continue;
    tenant_id = static_cast<std::uint32_t>(ref.tenant);
    break;
  }
  if (tenant_id == 0) tenant_id = ++last_tenant_;
  Known known;
  known.info = {{TenantId{tenant_id}, SourceId{++last_source_}}, tenant, stream, stream, connector};
  by_stream_[key] = known.info.ref;
  return known_.emplace(known.info.ref, std::move(known)).first->second.info;
}

std::vector<SourceInfo> RocksStore::sources() const {
  const std::lock_guard lock(mutex_);
  std::vector<SourceInfo> out;
  out.reserve(known_.size());
  for (const auto& [ref, known] : known_) out.push_back(known.info);
  return out;
}

Result<SourceInfo> RocksStore::source(SourceRef ref) const {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(ref);
  if (found == known_.end()) return not_found("no such source");
  return found->second.info;
}

Status RocksStore::rename_source(SourceRef source, const std::string& name, const RequestResult& request) {
  const std::lock_guard changing(change_mutex_);
  SILT_ASSIGN(Known known, this->known(source));
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [ref, other] : known_) {
      if (ref != source && other.info.tenant == known.info.tenant && other.info.name == name)
        return Status(Code::kAlreadyExists, "another source is called so");
    }
  }
  known.info.name = name;
  WriteSet changes = database_->begin();
  const std::string key = keys::of_source(keys::kSource, source);
  changes.put(Family::kMain, key, rows::encode(key, known.info));
  SILT_TRY(put_request(source.tenant, request, changes));
  SILT_TRY(database_->write(std::move(changes)));
  const std::lock_guard lock(mutex_);
  known_.at(source).info = known.info;
  known_.at(source).stored = true;
  return Status::ok();
}

Status RocksStore::delete_source(SourceRef source, const RequestResult& request) {
  const std::lock_guard changing(change_mutex_);
  SILT_ASSIGN(const Known known, this->known(source));
  WriteSet changes = database_->begin();
  const auto erase = [&](Family family, std::initializer_list<char> tables) {
    for (const char table : tables) {
      const std::string begin = keys::of_source(table, source);
      changes.erase_range(family, begin, keys::after(begin));
    }
  };
  erase(Family::kMain, {keys::kSource, keys::kIntakeHead, keys::kShed, keys::kGap, keys::kFoldHead, keys::kSegmentInfo,
                        keys::kPattern, keys::kNetHead, keys::kScores, keys::kTail, keys::kVersion, keys::kLeftOut, keys::kVector, keys::kNormal,
                        keys::kWatchCursor});
  erase(Family::kChunk, {keys::kChunk, keys::kMarks});
  erase(Family::kSegment, {keys::kSegment});
  erase(Family::kState, {keys::kBlob});
  {
    const std::lock_guard lock(mutex_);
    changes.put(Family::kMain, keys::numbers(), rows::encode(keys::numbers(), rows::Numbers{last_source_, last_tenant_}));
  }
  SILT_TRY(put_request(source.tenant, request, changes));
  SILT_TRY(database_->write(std::move(changes)));
  blocks_.drop(source);
  const std::lock_guard lock(mutex_);
  by_stream_.erase(stream_key(known.info.tenant, known.info.stream));
  known_.erase(source);
  return Status::ok();
}

}  // namespace silt::store
