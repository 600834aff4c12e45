#include "daemon/serve/api.h"

#include <unistd.h>

#include <algorithm>
#include <numbers>

#include "base/log.h"
#include "daemon/serve/source_view.h"

namespace silt::daemon {
namespace {

std::string tenant_or_default(const std::string& tenant) {
  return tenant.empty() ? "default" : tenant;
}

Status check_name(std::string_view field, const std::string& name) {
  if (name.size() <= kNameBytesMax) return Status::ok();
  return invalid_argument(std::string(field) + " is longer than " + std::to_string(kNameBytesMax) + " bytes");
}

void audit(const silt::v1::ResetStateRequest& request, const Peer& peer,
           const Result<silt::v1::ResetStateResponse>& result) {
  log::info("audit", {{"action", request.dry_run() ? "reset_state_dry_run" : "reset_state"},
                      {"tenant", tenant_or_default(request.tenant())},
                      {"source", request.source()},
                      {"request_id", request.request_id()},
                      {"peer_uid", peer.uid},
                      {"outcome", code_name(result.status().code())},
                      {"old_version", result.is_ok() ? result->old_version() : 0},
                      {"new_version", result.is_ok() ? result->new_version() : 0}});
}

}  // namespace

Status Api::check(const silt::v1::AskRequest& request) {
  if (request.question().find_first_not_of(" \t\r\n") == std::string::npos) {
    return invalid_argument("the question is empty");
  }
  if (request.question().size() > kQuestionBytesMax) {
    return invalid_argument("the question is longer than " + std::to_string(kQuestionBytesMax) + " bytes");
  }
  if (request.evidence_max() > kEvidenceMax) {
    return invalid_argument("evidence_max is larger than " + std::to_string(kEvidenceMax));
  }
  if (request.has_since() && request.has_until() && request.until().seconds() < request.since().seconds()) {
    return invalid_argument("until is before since");
  }
  SILT_TRY(check_name("tenant", request.tenant()));
  for (const std::string& source : request.sources()) SILT_TRY(check_name("source", source));
  return Status::ok();
}

Status Api::check(const silt::v1::ExplainRequest& request) {
  if (request.source().empty()) return invalid_argument("source is missing; list_sources names them");
  SILT_TRY(check_name("tenant", request.tenant()));
  SILT_TRY(check_name("source", request.source()));
  switch (request.what_case()) {
    case silt::v1::ExplainRequest::kSeq:
      return request.seq() > 0 ? Status::ok() : invalid_argument("seq counts from 1");
    case silt::v1::ExplainRequest::kLine:
      if (request.line().size() <= kLineBytesMax) return Status::ok();
      return invalid_argument("the line is longer than " + std::to_string(kLineBytesMax) + " bytes");
    case silt::v1::ExplainRequest::WHAT_NOT_SET: break;
  }
  return invalid_argument("neither seq nor line is given");
}

Result<silt::v1::ListSourcesResponse> Api::list_sources(const silt::v1::ListSourcesRequest& request) const {
  SILT_TRY(check_name("tenant", request.tenant()));
  const std::string tenant = tenant_or_default(request.tenant());
  std::vector<SourceInfo> infos = dependencies_.log.sources();
  std::sort(infos.begin(), infos.end(), [](const SourceInfo& a, const SourceInfo& b) {
    return std::tie(a.tenant, a.name) < std::tie(b.tenant, b.name);
  });
  silt::v1::ListSourcesResponse response;
  for (const SourceInfo& info : infos) {
    if (tenant != "*" && info.tenant != tenant) continue;
    SILT_ASSIGN(const IntakeHead intake, dependencies_.log.intake_head(info.ref));
    SILT_ASSIGN(const std::optional<Head> head, dependencies_.states.head(info.ref));
    fill_source(info, intake, head, *response.add_sources());
  }
  return response;
}

Result<silt::v1::ResetStateResponse> Api::reset_state(const silt::v1::ResetStateRequest& request,
                                                      const Peer& peer) const {
  Result<silt::v1::ResetStateResponse> result = reset_as(request, peer);
  audit(request, peer, result);
  return result;
}

Result<silt::v1::ResetStateResponse> Api::reset_as(const silt::v1::ResetStateRequest& request,
                                                   const Peer& peer) const {
  if (!may_change(peer, ::geteuid(), socket_group_)) {
    return permission_denied("uid " + std::to_string(peer.uid) +
                             " may not change learned states: be root or a member of the socket's group");
  }
  if (request.source().empty()) return invalid_argument("source is missing; list_sources names them");
  SILT_TRY(check_name("tenant", request.tenant()));
  SILT_TRY(check_name("source", request.source()));
  SILT_TRY(check_name("request_id", request.request_id()));
  const std::string tenant = tenant_or_default(request.tenant());
  const std::vector<SourceInfo> infos = dependencies_.log.sources();
  const auto found = std::find_if(infos.begin(), infos.end(), [&](const SourceInfo& info) {
    return info.tenant == tenant && info.name == request.source();
  });
  if (found == infos.end()) return not_found("no source of that name; `silt sources` lists them");
  SILT_ASSIGN(const ResetResult reset,
              dependencies_.learner.reset({.source = found->ref,
                                           .request_id = request.request_id(),
                                           .expected_version = request.expected_version(),
                                           .dry_run = request.dry_run()}));
  silt::v1::ResetStateResponse response;
  response.set_old_version(reset.old_version);
  response.set_new_version(reset.new_version);
  response.set_forgotten_steps(reset.forgotten_steps);
  response.set_forgotten_patterns(reset.forgotten_patterns);
  response.set_dry_run(request.dry_run());
  return response;
}

Result<silt::v1::GetStatusResponse> Api::get_status() const {
  silt::v1::GetStatusResponse response;
  if (dependencies_.fill_status) dependencies_.fill_status(response);
  return response;
}

}  // namespace silt::daemon
