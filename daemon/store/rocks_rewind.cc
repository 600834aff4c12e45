// The parts of RocksStore for administrators of states: versions that stay, states that go back, and the end
// of the audit log.
#include <algorithm>

#include "base/log.h"
#include "daemon/store/keys.h"
#include "daemon/store/marks.h"
#include "daemon/store/rocks_store.h"
#include "daemon/store/rows.h"
#include "daemon/store/seq_ranges.h"

namespace silt::store {

Result<std::string> RocksStore::blob(SourceRef source, Seq learned_seq) const {
  const std::string key = keys::of_number(keys::kVersion, source, learned_seq);
  SILT_ASSIGN(const auto value, database_->get(Family::kMain, key));
  if (!value) return not_found("that version is not kept");
  rows::StateVersion version;
  SILT_TRY(rows::decode(key, *value, version));
  SILT_ASSIGN(auto bytes, database_->get(Family::kState, keys::of_number(keys::kBlob, source, learned_seq)));
  if (bytes && digest_of(*bytes) == version.blob_digest) return std::move(*bytes);
  return data_loss("the state of record " + std::to_string(learned_seq) + " is damaged");
}

Status RocksStore::pin(SourceRef source, Seq learned_seq, bool pinned, const RequestResult& request) {
  const std::lock_guard changing(change_mutex_);
  const std::string key = keys::of_number(keys::kVersion, source, learned_seq);
  SILT_ASSIGN(const auto value, database_->get(Family::kMain, key));
  if (!value) return not_found("that version is not kept");
  rows::StateVersion version;
  SILT_TRY(rows::decode(key, *value, version));
  version.info.pinned = pinned;
  WriteSet changes = database_->begin();
  changes.put(Family::kMain, key, rows::encode(key, version));
  SILT_TRY(put_request(source.tenant, request, changes));
  return database_->write(std::move(changes));
}

// Rows behind `last` go; the one that reaches over it is cut.
Status RocksStore::cut_scores(SourceRef source, Seq last, WriteSet& changes) const {
  const std::string begin = keys::of_source(keys::kScores, source);
  const std::string behind = keys::of_number(keys::kScores, source, last + 1);
  changes.erase_range(Family::kMain, behind, keys::after(begin));
  SILT_ASSIGN(const auto row, database_->last_not_after(Family::kMain, begin, behind));
  if (!row || !row->key.starts_with(begin) || row->key >= behind) return Status::ok();
  const auto payload = rows::open(row->key, row->value);
  auto scores = payload.is_ok() ? decode_scores(*payload) : Result<std::vector<Score>>(payload.status());
  if (!scores.is_ok()) return Status::ok();  // damaged, and passed over as before
  std::erase_if(*scores, [last](const Score& score) { return score.seq > last; });
  changes.put(Family::kMain, row->key, rows::seal(row->key, encode_scores(*scores)));
  return Status::ok();
}

Status RocksStore::put_left_out(const NetRewind& rewind, WriteSet& changes) const {
  if (rewind.left_out.empty()) return Status::ok();
  const std::string begin = keys::of_source(keys::kLeftOut, rewind.source);
  SILT_ASSIGN(const auto last, database_->last_not_after(Family::kMain, begin, keys::after(begin)));
  const bool first = !last || !last->key.starts_with(begin);
  const std::string key =
      keys::of_number(keys::kLeftOut, rewind.source, first ? 1 : keys::number_at_end(last->key, 8) + 1);
  changes.put(Family::kMain, key, rows::encode(key, rows::LeftOut{rewind.left_out}));
  return Status::ok();
}

Status RocksStore::rewind(const NetRewind& rewind) {
  const std::lock_guard changing(change_mutex_);
  SILT_TRY(source(rewind.source).status());
  WriteSet changes = database_->begin();
  SILT_ASSIGN(const auto kept, versions(rewind.source));
  for (const StateVersionInfo& version : kept) {
    if (version.learned_seq <= rewind.head.learned_seq) continue;
    changes.erase(Family::kMain, keys::of_number(keys::kVersion, rewind.source, version.learned_seq));
    changes.erase(Family::kState, keys::of_number(keys::kBlob, rewind.source, version.learned_seq));
  }
  SILT_TRY(cut_scores(rewind.source, rewind.final_scores_through, changes));
  const std::string tail_key = keys::of_source(keys::kTail, rewind.source);
  changes.put(Family::kMain, tail_key, rows::seal(tail_key, encode_scores(rewind.tail)));
  const std::string head_key = keys::of_source(keys::kNetHead, rewind.source);
  changes.put(Family::kMain, head_key, rows::encode(head_key, rewind.head));
  SILT_TRY(put_left_out(rewind, changes));
  SILT_TRY(put_request(rewind.source.tenant, rewind.request, changes));
  SILT_TRY(database_->write(std::move(changes)));
  open_scores_.erase(rewind.source);
  const std::lock_guard lock(mutex_);
  if (const auto found = known_.find(rewind.source); found != known_.end()) found->second.net = rewind.head;
  return Status::ok();
}

// A damaged row is final: without it, a replay would learn what was to be left out.
Result<std::vector<SeqRange>> RocksStore::left_out(SourceRef source, Seq after) const {
  rows::LeftOut all;
  Status failed;
  const std::string begin = keys::of_source(keys::kLeftOut, source);
  SILT_TRY(database_->scan(Family::kMain, begin, keys::after(begin), [&](auto key, auto value) {
    failed = rows::decode(key, value, all);
    return failed.is_ok();
  }));
  SILT_TRY(failed);
  std::vector<SeqRange> out = normalized(std::move(all.ranges));
  std::erase_if(out, [after](const SeqRange& range) { return range.last <= after; });
  return out;
}

Status RocksStore::put_request(TenantId tenant, const RequestResult& request) {
  WriteSet changes = database_->begin();
  SILT_TRY(put_request(tenant, request, changes));
  return database_->write(std::move(changes));
}

Result<AuditAnchor> RocksStore::audit_anchor() const {
  AuditAnchor anchor;
  const std::string key = keys::audit_anchor();
  SILT_ASSIGN(const auto value, database_->get(Family::kMain, key));
  if (value) SILT_TRY(rows::decode(key, *value, anchor));
  return anchor;
}

Status RocksStore::put_audit_anchor(const AuditAnchor& anchor) {
  const std::string key = keys::audit_anchor();
  WriteSet changes = database_->begin();
  changes.put(Family::kMain, key, rows::encode(key, anchor));
  return database_->write(std::move(changes));
}

}  // namespace silt::store
