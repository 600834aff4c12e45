// The StateStore part of RocksStore.
#include <algorithm>

#include "base/log.h"
#include "daemon/store/index_rows.h"
#include "daemon/store/keys.h"
#include "daemon/store/rocks_store.h"
#include "daemon/store/rows.h"

namespace silt::daemon {
namespace {

constexpr std::size_t kBlobsKept = 2;
constexpr std::int64_t kRequestsKeptUs = 24LL * 3600 * 1'000'000;

struct StoredVersion {
  std::string blob_key;
  std::string version_key;
  rows::StateVersion row;
};

// Newest first; a damaged row is left out with a log line.
Result<std::vector<StoredVersion>> stored_versions(const Database& database, SourceRef source) {
  std::vector<StoredVersion> out;
  const std::string begin = keys::of_source(keys::kVersion, source);
  SILT_TRY(database.scan(Family::kMain, begin, keys::after(begin), [&](auto key, auto value) {
    StoredVersion version;
    version.row.info.learned_seq = keys::number_at_end(key, 8);
    version.version_key = key;
    version.blob_key = keys::of_number(keys::kBlob, source, version.row.info.learned_seq);
    const Status decoded = rows::decode(key, value, version.row);
    if (decoded.is_ok()) {
      out.push_back(std::move(version));
    } else {
      log::warning("state_version_damaged", {{"error", decoded.message()}});
    }
    return true;
  }));
  std::reverse(out.begin(), out.end());
  return out;
}

void put_evidence(SourceRef source, const StepBatch& batch, WriteSet& changes) {
  for (const Evidence& evidence : batch.evidence) {
    const std::string key = keys::of_number(keys::kEvidence, source, evidence.seq);
    changes.put(Family::kMain, key, rows::encode(key, evidence));
    const std::string segment = keys::of_number(keys::kTime, source, evidence.seq >> keys::kTimeSegmentBits);
    changes.merge(Family::kIndex, segment, encode_time_span({evidence.event_us, evidence.event_us}));
  }
  for (const PatternRow& pattern : batch.patterns) {
    const std::string key = keys::of_pattern(source, pattern.id);
    changes.put(Family::kMain, key, rows::encode(key, pattern));
  }
  for (const Posting& posting : batch.postings) {
    if (posting.term.empty() || posting.term.find('\0') != std::string::npos) continue;
    changes.merge(Family::kIndex, keys::of_posting(source, posting.term, posting.seq),
                  encode_posting(static_cast<std::uint16_t>(posting.seq)));
  }
}

void erase_source(char table, Family family, SourceRef source, WriteSet& changes) {
  const std::string begin = keys::of_source(table, source);
  changes.erase_range(family, begin, keys::after(begin));
}

}  // namespace

Result<std::optional<Head>> RocksStore::head(SourceRef source) const {
  const std::string key = keys::of_source(keys::kHead, source);
  SILT_ASSIGN(const auto value, database_->get(Family::kMain, key));
  if (!value) return std::optional<Head>();
  Head head;
  SILT_TRY(rows::decode(key, *value, head));
  return std::optional<Head>(std::move(head));
}

Result<std::optional<Checkpoint>> RocksStore::load(SourceRef source) const {
  SILT_ASSIGN(auto head_row, head(source));
  if (!head_row) return std::optional<Checkpoint>();
  Checkpoint checkpoint;
  checkpoint.head = std::move(*head_row);
  checkpoint.blob_info.learned_seq = checkpoint.head.base_seq;
  SILT_ASSIGN(const auto versions, stored_versions(*database_, source));
  for (const StoredVersion& version : versions) {
    if (version.row.info.learned_seq > checkpoint.head.learned_seq) continue;
    auto blob = database_->get(Family::kState, version.blob_key);
    if (blob.is_ok() && blob->has_value() && digest_of(**blob) == version.row.blob_digest) {
      checkpoint.blob_info = version.row.info;
      checkpoint.blob = std::move(**blob);
      break;
    }
    log::warning("state_blob_damaged", {{"learned_seq", version.row.info.learned_seq},
                                        {"action", "using an older one and replaying more of the journal"}});
  }
  return std::optional<Checkpoint>(std::move(checkpoint));
}

Status RocksStore::drop_old_blobs(SourceRef source, WriteSet& changes) const {
  SILT_ASSIGN(const auto versions, stored_versions(*database_, source));
  for (std::size_t i = kBlobsKept - 1; i < versions.size(); ++i) {
    changes.erase(Family::kMain, versions[i].version_key);
    changes.erase(Family::kState, versions[i].blob_key);
  }
  return Status::ok();
}

Status RocksStore::commit(StepBatch batch) {
  WriteSet changes = database_->begin();
  put_evidence(batch.source, batch, changes);
  const std::string head_key = keys::of_source(keys::kHead, batch.source);
  changes.put(Family::kMain, head_key, rows::encode(head_key, batch.head));
  if (batch.blob) {
    SILT_TRY(drop_old_blobs(batch.source, changes));
    rows::StateVersion version;
    version.info = {batch.head.state_version, batch.head.learned_seq, batch.head.state_digest,
                    batch.blob->size(),       batch.written_us,       batch.blob_reason};
    version.blob_digest = digest_of(*batch.blob);
    const std::string key = keys::of_number(keys::kVersion, batch.source, batch.head.learned_seq);
    changes.put(Family::kMain, key, rows::encode(key, version));
    changes.put(Family::kState, keys::of_number(keys::kBlob, batch.source, batch.head.learned_seq),
                *batch.blob);
    batch.blob.reset();  // megabytes, of which `changes` has a copy
  }
  return database_->write(std::move(changes));
}

Result<std::vector<StateVersionInfo>> RocksStore::versions(SourceRef source) const {
  SILT_ASSIGN(const auto stored, stored_versions(*database_, source));
  std::vector<StateVersionInfo> out;
  for (const StoredVersion& version : stored) out.push_back(version.row.info);
  return out;
}

Status RocksStore::reset(SourceRef source, const Head& new_head, const RequestResult& request) {
  WriteSet changes = database_->begin();
  for (const char table : {keys::kEvidence, keys::kPattern, keys::kVersion}) {
    erase_source(table, Family::kMain, source, changes);
  }
  erase_source(keys::kBlob, Family::kState, source, changes);
  erase_source(keys::kPosting, Family::kIndex, source, changes);
  erase_source(keys::kTime, Family::kIndex, source, changes);
  const std::string head_key = keys::of_source(keys::kHead, source);
  changes.put(Family::kMain, head_key, rows::encode(head_key, new_head));
  if (!request.request_id.empty()) {
    const std::string prefix = keys::of_tenant(keys::kRequest, source.tenant);
    SILT_TRY(database_->scan(Family::kMain, prefix, keys::after(prefix), [&](auto key, auto value) {
      RequestResult old;
      const bool known = rows::decode(key, value, old).is_ok();
      if (!known || old.written_us < request.written_us - kRequestsKeptUs) changes.erase(Family::kMain, key);
      return true;
    }));
    const std::string key = keys::of_request(source.tenant, request.request_id);
    changes.put(Family::kMain, key, rows::encode(key, request));
  }
  return database_->write(std::move(changes));
}

Result<std::optional<std::string>> RocksStore::request_result(TenantId tenant,
                                                              const std::string& request_id) const {
  const std::string key = keys::of_request(tenant, request_id);
  SILT_ASSIGN(const auto value, database_->get(Family::kMain, key));
  if (!value) return std::optional<std::string>();
  RequestResult row;
  SILT_TRY(rows::decode(key, *value, row));
  return std::optional<std::string>(std::move(row.result));
}

}  // namespace silt::daemon
