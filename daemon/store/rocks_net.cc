// The NetStore part of RocksStore.
#include <algorithm>

#include "base/log.h"
#include "daemon/store/keys.h"
#include "daemon/store/marks.h"
#include "daemon/store/rocks_store.h"
#include "daemon/store/rows.h"
#include "daemon/store/versions.h"

namespace silt::store {
namespace {

constexpr std::size_t kScoresInRow = 256;
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

}  // namespace

Result<std::optional<NetHead>> RocksStore::net_head(SourceRef source) const {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(source);
  if (found == known_.end()) return not_found("no such source");
  return found->second.net;
}

Result<std::optional<Checkpoint>> RocksStore::load(SourceRef source) const {
  SILT_ASSIGN(auto head, net_head(source));
  if (!head) return std::optional<Checkpoint>();
  Checkpoint checkpoint;
  checkpoint.head = std::move(*head);
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

// With what has to make room for it.
Status RocksStore::put_blob(const NetCommit& commit, WriteSet& changes) const {
  const NetHead& head = commit.head;
  rows::StateVersion version;
  version.info = {.state_version = head.state_version,
                  .learned_seq = head.learned_seq,
                  .state_digest = head.state_digest,
                  .blob_bytes = commit.blob->size(),
                  .written_us = commit.written_us,
                  .reason = commit.blob_reason,
                  .processed_bytes = head.processed_bytes,
                  .scored_bytes = head.scored_bytes,
                  .scored_nats = head.scored_nats,
                  .backend = head.backend,
                  .model_fingerprint = head.model_fingerprint};
  version.blob_digest = digest_of(*commit.blob);
  SILT_ASSIGN(std::vector<StoredVersion> others, stored_versions(*database_, commit.source));
  std::erase_if(others, [&](const StoredVersion& other) {
    if (other.row.info.learned_seq != head.learned_seq) return false;
    version.info.pinned = other.row.info.pinned;  // the same state, stored again
    return true;
  });
  std::vector<VersionAge> ages{{commit.written_us, version.info.pinned}};
  for (const StoredVersion& other : others) ages.push_back({other.row.info.written_us, other.row.info.pinned});
  for (const std::size_t dropped : versions_to_drop(ages, versions_kept_, commit.written_us)) {
    changes.erase(Family::kMain, others[dropped - 1].version_key);
    changes.erase(Family::kState, others[dropped - 1].blob_key);
  }
  const std::string key = keys::of_number(keys::kVersion, commit.source, head.learned_seq);
  changes.put(Family::kMain, key, rows::encode(key, version));
  changes.put(Family::kState, keys::of_number(keys::kBlob, commit.source, head.learned_seq), *commit.blob);
  return Status::ok();
}

Status RocksStore::commit(std::vector<NetCommit> commits) {
  const std::lock_guard changing(change_mutex_);
  WriteSet changes = database_->begin();
  std::erase_if(commits, [&](const NetCommit& commit) { return !source(commit.source).is_ok(); });  // deleted
  for (NetCommit& commit : commits) SILT_TRY(put_net(commit, changes));
  SILT_TRY(database_->write(std::move(changes)));
  const std::lock_guard lock(mutex_);
  for (NetCommit& commit : commits) {
    if (const auto found = known_.find(commit.source); found != known_.end())
      found->second.net = std::move(commit.head);
  }
  return Status::ok();
}

Status RocksStore::put_net(NetCommit& commit, WriteSet& changes) {
  SILT_ASSIGN(OpenScores* const open, open_scores(commit.source));
  const auto put = [&](const std::string& key, const std::vector<Score>& scores) {
    changes.put(Family::kMain, key, rows::seal(key, encode_scores(scores)));
  };
  const auto close = [&] {
    if (open->scores.empty()) return;
    put(keys::of_number(keys::kScores, commit.source, open->scores.front().seq), open->scores);
  };
  for (const Score& score : commit.scores) {
    const bool follows = open->scores.empty() || score.seq == open->scores.back().seq + 1;
    if (!follows || open->scores.size() >= kScoresInRow) {
      close();
      open->scores.clear();
    }
    open->scores.push_back(score);
  }
  if (!commit.scores.empty()) close();
  const std::string tail_key = keys::of_source(keys::kTail, commit.source);
  if (!commit.tail.empty()) {
    put(tail_key, commit.tail);
  } else if (open->tail_stored) {
    changes.erase(Family::kMain, tail_key);
  }
  open->tail_stored = !commit.tail.empty();
  const std::string head_key = keys::of_source(keys::kNetHead, commit.source);
  changes.put(Family::kMain, head_key, rows::encode(head_key, commit.head));
  if (!commit.blob) return Status::ok();
  SILT_TRY(put_blob(commit, changes));
  commit.blob.reset();  // megabytes, of which `changes` has a copy
  return Status::ok();
}

Result<RocksStore::OpenScores*> RocksStore::open_scores(SourceRef source) {
  const auto [found, is_new] = open_scores_.try_emplace(source);
  if (!is_new) return &found->second;
  const std::string begin = keys::of_source(keys::kScores, source);
  SILT_ASSIGN(const auto row, database_->last_not_after(Family::kMain, begin, keys::after(begin)));
  if (!row) return &found->second;
  const auto payload = rows::open(row->key, row->value);
  if (!payload.is_ok()) return &found->second;  // damaged: the next ones begin a row of their own
  auto scores = decode_scores(*payload);
  if (scores.is_ok()) found->second.scores = std::move(*scores);
  return &found->second;
}

Result<std::vector<StateVersionInfo>> RocksStore::versions(SourceRef source) const {
  SILT_ASSIGN(const auto stored, stored_versions(*database_, source));
  std::vector<StateVersionInfo> out;
  for (const StoredVersion& version : stored) out.push_back(version.row.info);
  return out;
}

Status RocksStore::scores(SourceRef source, Seq first, Seq last, std::vector<Score>& out) const {
  out.clear();
  if (first > last) return Status::ok();
  const std::string begin = keys::of_source(keys::kScores, source);
  SILT_ASSIGN(const auto at, database_->last_not_after(Family::kMain, begin,
                                                       keys::of_number(keys::kScores, source, first)));
  const std::string from = at && at->key.starts_with(begin) ? at->key : begin;
  const std::string end = last == ~Seq{0} ? keys::after(begin) : keys::of_number(keys::kScores, source, last + 1);
  const auto take = [&](std::string_view key, std::string_view value) {
    const auto payload = rows::open(key, value);
    const auto scores = payload.is_ok() ? decode_scores(*payload) : Result<std::vector<Score>>(payload.status());
    if (!scores.is_ok()) {
      log::warning("scores_damaged", {{"error", scores.status().message()}});
      return true;  // its records have none
    }
    for (const Score& score : *scores) {
      if (score.seq >= first && score.seq <= last && (out.empty() || score.seq > out.back().seq)) out.push_back(score);
    }
    return true;
  };
  SILT_TRY(database_->scan(Family::kMain, from, end, take));
  const std::string tail_key = keys::of_source(keys::kTail, source);
  SILT_ASSIGN(const auto tail, database_->get(Family::kMain, tail_key));
  if (tail) take(tail_key, *tail);
  return Status::ok();
}

Status RocksStore::reset_net(SourceRef source, const NetHead& new_head, const RequestResult& request) {
  const std::lock_guard changing(change_mutex_);
  WriteSet changes = database_->begin();
  const auto erase = [&](Family family, char table) {
    const std::string begin = keys::of_source(table, source);
    changes.erase_range(family, begin, keys::after(begin));
  };
  erase(Family::kMain, keys::kScores);
  erase(Family::kMain, keys::kTail);
  erase(Family::kMain, keys::kVersion);
  erase(Family::kState, keys::kBlob);
  const std::string head_key = keys::of_source(keys::kNetHead, source);
  changes.put(Family::kMain, head_key, rows::encode(head_key, new_head));
  SILT_TRY(put_request(source.tenant, request, changes));
  SILT_TRY(database_->write(std::move(changes)));
  open_scores_.erase(source);
  const std::lock_guard lock(mutex_);
  if (const auto found = known_.find(source); found != known_.end()) found->second.net = new_head;
  return Status::ok();
}

Status RocksStore::put_request(TenantId tenant, const RequestResult& request, WriteSet& changes) const {
  if (request.request_id.empty()) return Status::ok();
  const std::string prefix = keys::of_tenant(keys::kRequest, tenant);
  SILT_TRY(database_->scan(Family::kMain, prefix, keys::after(prefix), [&](auto key, auto value) {
    RequestResult old;
    const bool known = rows::decode(key, value, old).is_ok();
    if (!known || old.written_us < request.written_us - kRequestsKeptUs) changes.erase(Family::kMain, key);
    return true;
  }));
  const std::string key = keys::of_request(tenant, request.request_id);
  changes.put(Family::kMain, key, rows::encode(key, request));
  return Status::ok();
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

}  // namespace silt::store
