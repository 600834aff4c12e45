// The part of Api for administrators of states, and for auditors.
#include <google/protobuf/util/time_util.h>

#include <algorithm>

#include "base/escape.h"
#include "daemon/serve/api.h"
#include "daemon/serve/source_view.h"

namespace silt::serve {
namespace {

using access::Call;
using access::Catalogue;
using google::protobuf::util::TimeUtil;

constexpr std::uint32_t kAuditEntries = 100, kAuditEntriesMax = 10'000;

Result<learn::ResetScope> scope_of(silt::v1::ResetScope scope) {
  switch (scope) {
    case silt::v1::RESET_SCOPE_NET: return learn::ResetScope::kNet;
    case silt::v1::RESET_SCOPE_NET_AND_FOLD: return learn::ResetScope::kNetAndFold;
    default: return invalid_argument("this siltd does not know that scope");
  }
}

// What the present state and a stored version say of themselves in the same words.
template <class State>
void fill_state(const State& state, silt::v1::StateVersion& to) {
  to.set_version(state.state_version);
  to.set_learned_seq(state.learned_seq);
  to.set_bytes(state.processed_bytes);
  to.set_digest(state.state_digest.hex());
  to.set_backend(state.backend);
  to.set_weights(state.model_fingerprint);
  to.set_bits_per_byte(bits_per_byte(state.scored_nats, state.scored_bytes));
}

void fill_version(const store::StateVersionInfo& version, silt::v1::StateVersion& to) {
  fill_state(version, to);
  *to.mutable_written() = TimeUtil::MicrosecondsToTimestamp(version.written_us);
  to.set_stored_bytes(version.blob_bytes);
  to.set_reason(version.reason);
  to.set_pinned(version.pinned);
}

Status take(const silt::v1::Without& without, std::vector<store::SeqRange>& ranges, std::vector<store::PatternId>& patterns) {
  if (without.ranges_size() > kRangesMax || without.patterns_size() > kRangesMax)
    return invalid_argument("more than " + std::to_string(kRangesMax) + " ranges or patterns");
  for (const silt::v1::SeqRange& range : without.ranges()) {
    if (range.first() == 0 || range.last() < range.first()) return invalid_argument("a range is first to last, from 1");
    ranges.push_back({range.first(), range.last()});
  }
  patterns.assign(without.patterns().begin(), without.patterns().end());
  return ranges.empty() && patterns.empty() ? invalid_argument("neither ranges nor patterns are given") : Status::ok();
}

Result<learn::RollbackTarget> target_of(const silt::v1::RollbackStateRequest& request) {
  learn::RollbackTarget target;
  switch (request.target_case()) {
    case silt::v1::RollbackStateRequest::kVersion:
      target.version = request.version();
      return target.version != 0 ? Result<learn::RollbackTarget>(target) : invalid_argument("versions count from 1");
    case silt::v1::RollbackStateRequest::kTime:
      SILT_TRY(check_time("time", request.time()));
      target.time_us = TimeUtil::TimestampToMicroseconds(request.time());
      return target;
    case silt::v1::RollbackStateRequest::kWithout: break;
    case silt::v1::RollbackStateRequest::TARGET_NOT_SET: return invalid_argument("neither version, time nor without is given");
  }
  SILT_TRY(take(request.without(), target.ranges, target.patterns));
  return target;
}

Status take(const silt::v1::ForgetRequest& request, learn::ForgetTarget& target) {
  using Kind = learn::ForgetKind;
  switch (request.what_case()) {
    case silt::v1::ForgetRequest::kRecords:
      if (target.sources.size() != 1) return invalid_argument("records are of one source, and these are " + std::to_string(target.sources.size()));
      target.kind = request.records().patterns_size() > 0 ? Kind::kPatterns : Kind::kRecords;
      return take(request.records(), target.ranges, target.patterns);
    case silt::v1::ForgetRequest::kText:
      target.kind = Kind::kText;
      target.text = request.text();
      return Status::ok();
    case silt::v1::ForgetRequest::kWhole:
      target.kind = request.all() ? Kind::kTenant : Kind::kSources;
      return Status::ok();
    case silt::v1::ForgetRequest::WHAT_NOT_SET: break;
  }
  return invalid_argument("neither records, text nor whole is given");
}

void fill(const learn::ForgottenSource& source, silt::v1::Forgotten& to) {
  to.set_source(escape_bytes(source.name));
  to.set_whole(source.whole);
  to.set_records(source.records);
  to.set_unreadable_records(source.unreadable_records);
  to.set_old_version(source.state.old_version);
  to.set_old_digest(source.state.old_digest.hex());
  to.set_dropped_versions(source.state.dropped_versions);
  to.set_dropped_pinned(source.state.dropped_pinned);
  to.set_journal_before(source.journal_before);
  to.set_journal_after(source.journal_after);
  if (source.whole) return;
  to.set_from_version(source.state.from_version);
  to.set_from_digest(source.state.from_digest.hex());
  to.set_from_seq(source.state.from_seq);
}

void fill_entry(access::AuditEntry entry, silt::v1::AuditEntry& to) {
  to.set_number(entry.number);
  *to.mutable_time() = TimeUtil::MicrosecondsToTimestamp(entry.time_us);
  to.set_caller(escape_bytes(entry.caller));
  to.set_action(escape_bytes(entry.action));
  to.set_tenant(escape_bytes(entry.tenant));
  to.set_object(escape_bytes(entry.object));
  to.set_request_id(escape_bytes(entry.request_id));
  to.set_outcome(escape_bytes(entry.outcome));
  to.set_detail(escape_bytes(entry.detail));
  to.set_sha256(entry.sha256);
}

}  // namespace

Result<silt::v1::ListVersionsResponse> Api::list_versions(const Call& call,
                                                          const silt::v1::ListVersionsRequest& request) const {
  SILT_TRY(check_names(request));
  const std::vector<std::string> names(request.sources().begin(), request.sources().end());
  SILT_ASSIGN(const auto infos, catalogue_.find(call, request.tenant(), names));
  silt::v1::ListVersionsResponse response;
  for (const store::SourceInfo& info : infos) {
    SILT_ASSIGN(const learn::SourceVersions listed, dependencies_.states.list(info));
    silt::v1::SourceVersions& source = *response.add_sources();
    source.set_tenant(escape_bytes(info.tenant));
    source.set_source(escape_bytes(info.name));
    source.set_left_out_records(listed.left_out_records);
    source.set_floor_seq(listed.floor_seq);
    fill_state(listed.head, *source.add_versions());
    for (const store::StateVersionInfo& version : listed.versions) fill_version(version, *source.add_versions());
  }
  return response;
}

Result<silt::v1::ResetStateResponse> Api::reset_state(const Call& call,
                                                      const silt::v1::ResetStateRequest& request) const {
  SILT_TRY(check_names(request));
  SILT_ASSIGN(const learn::ResetScope scope, scope_of(request.scope()));
  if (request.all() == (request.sources_size() > 0)) return invalid_argument("name sources, or all of them");
  SILT_ASSIGN(const std::string tenant, Catalogue::tenant_of(call, request.tenant()));
  const std::vector<std::string> names(request.sources().begin(), request.sources().end());
  SILT_ASSIGN(const auto infos, catalogue_.find(call, escape_bytes(tenant), names));
  SILT_ASSIGN(const auto resets, dependencies_.states.reset(infos, {.request_id = request.request_id(),
                                                                    .expected_version = request.expected_version(),
                                                                    .dry_run = request.dry_run(),
                                                                    .scope = scope}));
  silt::v1::ResetStateResponse response;
  response.set_dry_run(request.dry_run());
  response.set_scope(request.scope());
  for (const learn::SourceReset& reset : resets) {
    silt::v1::StateReset& to = *response.add_resets();
    to.set_source(escape_bytes(reset.source));
    to.set_old_version(reset.result.old_version);
    to.set_new_version(reset.result.new_version);
    to.set_forgotten_steps(reset.result.forgotten_steps);
    to.set_forgotten_patterns(reset.result.forgotten_patterns);
    to.set_dropped_versions(reset.result.dropped_versions);
  }
  return response;
}

Result<silt::v1::RollbackStateResponse> Api::rollback_state(const Call& call,
                                                            const silt::v1::RollbackStateRequest& request) const {
  SILT_TRY(check_names(request));
  SILT_ASSIGN(const learn::RollbackTarget target, target_of(request));
  SILT_ASSIGN(const auto info, catalogue_.find_named(call, request.tenant(), request.source()));
  learn::RollbackRequest rollback;
  rollback.request_id = request.request_id();
  rollback.expected_version = request.expected_version();
  rollback.dry_run = request.dry_run();
  SILT_ASSIGN(const learn::RollbackResult result, dependencies_.states.rollback(info, target, std::move(rollback)));
  silt::v1::RollbackStateResponse response;
  response.set_source(escape_bytes(info.name));
  response.set_dry_run(request.dry_run());
  response.set_old_version(result.old_version);
  response.set_from_version(result.from_version);
  response.set_from_seq(result.from_seq);
  response.set_left_out_records(result.left_out_records);
  response.set_reread_records(result.reread_records);
  response.set_dropped_versions(result.dropped_versions);
  return response;
}

Result<silt::v1::ForgetResponse> Api::forget(const Call& call, const silt::v1::ForgetRequest& request) const {
  SILT_TRY(check_names(request));
  if (request.all() == (request.sources_size() > 0)) return invalid_argument("name sources, or all of them");
  learn::ForgetTarget target;
  SILT_ASSIGN(target.tenant, Catalogue::tenant_of(call, request.tenant()));
  const std::vector<std::string> names(request.sources().begin(), request.sources().end());
  auto found = catalogue_.find(call, escape_bytes(target.tenant), names);
  // What was forgotten is not found any more: its certificate is.
  const bool gone = found.status().code() == Code::kNotFound && !request.dry_run();
  if (!found.is_ok() && !gone) return found.status();
  if (found.is_ok()) target.sources = std::move(*found);
  if (!gone) SILT_TRY(take(request, target));
  const auto certified = gone ? dependencies_.forgetter.certificate(target.tenant, request.request_id())
                              : dependencies_.forgetter.forget(target, {request.request_id(), request.dry_run(), call.cancelled, request.drop_pinned()});
  if (!certified.is_ok()) return gone ? found.status() : certified.status();
  const learn::ForgetCertificate& certificate = *certified;
  silt::v1::ForgetResponse response;
  response.set_tenant(escape_bytes(certificate.tenant));
  response.set_request_id(certificate.request_id);
  response.set_dry_run(request.dry_run());
  response.set_text_sha256(certificate.text_sha256);
  *response.mutable_begun() = TimeUtil::MicrosecondsToTimestamp(certificate.begun_us);
  if (certificate.ended_us != 0) *response.mutable_ended() = TimeUtil::MicrosecondsToTimestamp(certificate.ended_us);
  for (const learn::ForgottenSource& source : certificate.sources) fill(source, *response.add_sources());
  for (const std::string& name : certificate.may_remember) response.add_may_remember(escape_bytes(name));
  response.set_complete(!request.dry_run() && certificate.is_complete());
  response.set_files_replaced(certificate.files_replaced);
  for (const std::string& name : certificate.files_left) response.add_files_left(name);
  response.set_files_searched(certificate.files_searched);
  for (const std::string& name : certificate.files_with_text) response.add_files_with_text(name);
  return response;
}

Result<silt::v1::PinVersionResponse> Api::pin_version(const Call& call, const silt::v1::PinVersionRequest& request) const {
  SILT_TRY(check_names(request));
  SILT_ASSIGN(const auto info, catalogue_.find_named(call, request.tenant(), request.source()));
  SILT_ASSIGN(const std::uint64_t version,
              dependencies_.states.pin(info, request.version(), !request.off(), request.request_id()));
  silt::v1::PinVersionResponse response;
  response.set_source(escape_bytes(info.name));
  response.set_version(version);
  response.set_pinned(!request.off());
  return response;
}

Result<silt::v1::DiffVersionsResponse> Api::diff_versions(const Call& call,
                                                          const silt::v1::DiffVersionsRequest& request) const {
  SILT_TRY(check_names(request));
  SILT_ASSIGN(const auto info, catalogue_.find_named(call, request.tenant(), request.source()));
  if (request.from() == 0 && !request.fresh()) return invalid_argument("from is missing: name a kept version, see silt state list");
  if (request.to() != 0 && request.fresh()) return invalid_argument("to and fresh do not go together");
  SILT_ASSIGN(const auto from, dependencies_.states.version(info, request.from()));
  SILT_ASSIGN(auto from_weights, dependencies_.states.weights(info, from));
  store::StateVersionInfo to;
  std::shared_ptr<const model::FastWeights> to_weights;  // null: nothing was learned
  if (!request.fresh()) {
    SILT_ASSIGN(to, dependencies_.states.version(info, request.to()));
    SILT_ASSIGN(to_weights, dependencies_.states.weights(info, to));
  }
  SILT_ASSIGN(silt::v1::DiffVersionsResponse response,
              dependencies_.answerer.diff(call, info, {std::move(from_weights), std::move(to_weights)}, request.limit()));
  response.set_source(escape_bytes(info.name));
  response.set_from(from.state_version);
  response.set_to(to.state_version);
  return response;
}

// The whole log is verified, whoever asks. Who may not audit all tenants is not told how many entries others have.
Result<silt::v1::ListAuditResponse> Api::list_audit(const Call& call, const silt::v1::ListAuditRequest& request) const {
  SILT_TRY(check_names(request));
  std::string only;
  if (request.tenant() != "*") {
    SILT_ASSIGN(only, Catalogue::tenant_of(call, request.tenant()));
  }
  SILT_ASSIGN(access::AuditReading reading, dependencies_.audit.read());
  std::erase_if(reading.entries, [&](const access::AuditEntry& entry) {
    return only.empty() ? !call.tenants().sees(entry.tenant) : entry.tenant != only;
  });
  const std::size_t limit = std::min(request.limit() == 0 ? kAuditEntries : request.limit(), kAuditEntriesMax);
  const std::size_t skipped = reading.entries.size() - std::min(limit, reading.entries.size());
  silt::v1::ListAuditResponse response;
  const bool all = call.tenants().every();
  for (std::size_t i = skipped; i < reading.entries.size(); ++i) {
    silt::v1::AuditEntry& entry = *response.add_entries();
    fill_entry(std::move(reading.entries[i]), entry);
    if (!all) entry.clear_number();
    if (!all) entry.clear_sha256();
  }
  response.set_entries_verified(all ? reading.verified : reading.damage.empty() ? reading.entries.size() : 0);
  response.set_damage(all || reading.damage.empty() ? reading.damage : "the log is damaged; ask who may audit all tenants");
  return response;
}

}  // namespace silt::serve
