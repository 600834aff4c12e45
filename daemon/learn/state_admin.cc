#include "daemon/learn/state_admin.h"

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "daemon/store/hash64.h"
#include "daemon/store/seq_ranges.h"

namespace silt::learn {
namespace {

constexpr char kChosen = 'c', kPinned = 'p';  // first byte of a stored result

std::string encode_sources(const std::vector<store::SourceInfo>& sources, ResetScope scope) {
  ByteWriter writer;
  writer.u8(kChosen);
  writer.u8(scope == ResetScope::kNetAndFold ? 1 : 0);
  writer.varint(sources.size());
  for (const store::SourceInfo& source : sources) {
    writer.varint(static_cast<std::uint32_t>(source.ref.source));
    writer.string(source.name);
  }
  return writer.take();
}

std::uint64_t hash_of(const RollbackTarget& target) {
  ByteWriter writer;
  writer.varint(target.version);
  writer.varint(static_cast<std::uint64_t>(target.time_us.value_or(-1)));
  writer.varint(target.patterns.size());
  for (const store::PatternId pattern : target.patterns) writer.varint(pattern);
  for (const store::SeqRange& range : target.ranges) {
    writer.varint(range.first);
    writer.varint(range.last);
  }
  return store::hash64(writer.bytes());
}

Status used_before() {
  return Status(Code::kAlreadyExists, "request_id was used for something else: give this request an id of its own");
}

}  // namespace

Status add_records_of(const store::RecordLog& log, const store::FoldStore& folds, store::SourceRef source,
                      const std::vector<store::PatternId>& patterns, std::vector<store::SeqRange>& out) {
  std::set<store::PatternId> wanted(patterns.begin(), patterns.end());
  std::vector<store::PatternRow> rows;
  SILT_TRY(folds.patterns(source, rows));
  // Patterns that turned out to be part of a wanted one, of one another's, too.
  for (bool more = true; more;) {
    more = false;
    for (const store::PatternRow& row : rows) {
      more |= row.merged_into != 0 && wanted.contains(row.merged_into) && wanted.insert(row.id).second;
    }
  }
  for (store::Seq after = 0;;) {
    SILT_ASSIGN(const store::BlockPtr block, log.block_after(source, after));
    if (!block) return Status::ok();
    const auto records = block->records.records();
    for (std::size_t i = 0; i < block->marks.size(); ++i) {
      if (wanted.contains(block->marks[i].pattern)) out.push_back({records[i].seq, records[i].seq});
    }
    after = block->last_seq;
  }
}

Result<SourceVersions> StateAdmin::list(const store::SourceInfo& source) const {
  SourceVersions out;
  out.info = source;
  SILT_ASSIGN(const auto left_out, nets_.left_out(source.ref, 0));
  out.left_out_records = store::records_in(left_out);
  SILT_ASSIGN(const store::FoldHead fold, folds_.fold_head(source.ref));
  out.floor_seq = fold.floor_seq;
  SILT_ASSIGN(const auto head, nets_.net_head(source.ref));
  out.head = head.value_or(store::NetHead());
  SILT_ASSIGN(out.versions, nets_.versions(source.ref));
  return out;
}

// --- reset ------------------------------------------------------------------------------------------------

Result<std::vector<store::SourceInfo>> StateAdmin::chosen(const std::vector<store::SourceInfo>& sources,
                                                          const ResetManyRequest& request) {
  if (request.dry_run || request.request_id.empty()) return sources;
  const store::TenantId tenant = sources.front().ref.tenant;
  SILT_ASSIGN(const auto stored, nets_.request_result(tenant, request.request_id));
  if (!stored) {
    SILT_TRY(nets_.put_request(tenant, {request.request_id, encode_sources(sources, request.scope), clock_.wall_us()}));
    return sources;
  }
  ByteReader reader(*stored);
  if (reader.u8() != kChosen || (reader.u8() == 1) != (request.scope == ResetScope::kNetAndFold)) return used_before();
  std::vector<store::SourceInfo> out;
  for (std::uint64_t left = reader.varint(); left > 0 && reader.ok(); --left) {
    store::SourceInfo info;
    info.ref = {tenant, store::SourceId{static_cast<std::uint32_t>(reader.varint())}};
    info.name = reader.string();
    out.push_back(std::move(info));
  }
  return out;
}

Result<std::vector<SourceReset>> StateAdmin::reset(const std::vector<store::SourceInfo>& sources,
                                                   const ResetManyRequest& request) {
  if (sources.empty()) return not_found("there are no such sources");
  if (request.expected_version != 0 && sources.size() != 1)
    return invalid_argument("expected_version is of one source, and these are " + std::to_string(sources.size()));
  SILT_ASSIGN(const std::vector<store::SourceInfo> all, chosen(sources, request));
  std::vector<SourceReset> out;
  for (const store::SourceInfo& source : all) {
    const std::string own_id = request.request_id + "/" + std::to_string(static_cast<std::uint32_t>(source.ref.source));
    auto result = control_.reset({.source = source.ref,
                                  .request_id = request.request_id.empty() ? std::string() : own_id,
                                  .expected_version = request.expected_version,
                                  .dry_run = request.dry_run,
                                  .scope = request.scope});
    if (!result.is_ok()) return result.status().with_context("source " + source.name);
    out.push_back({source.name, *result});
  }
  return out;
}

// --- rollback ---------------------------------------------------------------------------------------------

Result<RollbackResult> StateAdmin::rollback(const store::SourceInfo& source, const RollbackTarget& target,
                                            RollbackRequest request) {
  request.source = source.ref;
  request.asked = hash_of(target);
  SILT_ASSIGN(request.left_out, resolve(source, target));
  return control_.rollback(request);
}

Result<std::vector<store::SeqRange>> StateAdmin::resolve(const store::SourceInfo& source,
                                                         const RollbackTarget& target) const {
  std::vector<store::SeqRange> out = target.ranges;
  if (target.version != 0) {
    SILT_ASSIGN(const auto head, nets_.net_head(source.ref));
    const bool base = head && target.version == head->base_version;
    store::Seq last = base ? head->base_seq : 0;
    if (!base) {
      SILT_ASSIGN(const store::StateVersionInfo kept, version(source, target.version));
      last = kept.learned_seq;
    }
    out.push_back({last + 1, ~store::Seq{0}});
  }
  if (target.time_us) {
    SILT_ASSIGN(const store::Seq last, last_before(source, *target.time_us));
    out.push_back({last + 1, ~store::Seq{0}});
  }
  if (!target.patterns.empty()) SILT_TRY(add_records_of(log_, folds_, source.ref, target.patterns, out));
  if (out.empty()) return not_found("there are no such records");
  return out;
}

// The record before the first one that arrived later.
Result<store::Seq> StateAdmin::last_before(const store::SourceInfo& source, std::int64_t time_us) const {
  SILT_ASSIGN(const store::FoldHead fold, folds_.fold_head(source.ref));
  for (store::Seq after = fold.floor_seq;;) {
    SILT_ASSIGN(const store::BlockPtr block, log_.block_after(source.ref, after));
    if (!block) return after;
    for (const store::RecordView& record : block->records.records()) {
      if (record.arrival_us <= time_us) continue;
      if (record.seq > fold.floor_seq + 1 || fold.floor_seq == 0) return record.seq - 1;
      return failed_precondition("the oldest record that retention has kept arrived later: name a version instead");
    }
    after = block->last_seq;
  }
}

// --- versions ---------------------------------------------------------------------------------------------

Result<store::StateVersionInfo> StateAdmin::version(const store::SourceInfo& source, std::uint64_t version) const {
  SILT_ASSIGN(const auto kept, nets_.versions(source.ref));
  const auto found = std::find_if(kept.begin(), kept.end(), [&](const store::StateVersionInfo& each) {
    return version == 0 || each.state_version == version;
  });
  if (found != kept.end()) return *found;
  if (version == 0) return not_found("no version is kept");
  return not_found("version " + std::to_string(version) + " is not kept; see silt state list");
}

Result<std::uint64_t> StateAdmin::pin(const store::SourceInfo& source, std::uint64_t version, bool pinned,
                                      const std::string& request_id) {
  if (!request_id.empty()) {
    SILT_ASSIGN(const auto stored, nets_.request_result(source.ref.tenant, request_id));
    if (stored) {
      ByteReader reader(*stored);
      if (reader.u8() != kPinned) return used_before();
      return reader.varint();
    }
  }
  if (version == 0 && !pinned) return invalid_argument("name the version that is no longer pinned");
  if (version == 0) SILT_TRY(control_.store_state(source.ref).status());
  SILT_ASSIGN(const store::StateVersionInfo kept, this->version(source, version));
  ByteWriter writer;
  writer.u8(kPinned);
  writer.varint(kept.state_version);
  SILT_TRY(nets_.pin(source.ref, kept.learned_seq, pinned, {request_id, writer.take(), clock_.wall_us()}));
  return kept.state_version;
}

}  // namespace silt::learn
