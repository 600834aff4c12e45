#include "daemon/serve/api.h"

#include <google/protobuf/util/time_util.h>

#include "base/escape.h"
#include "daemon/serve/source_view.h"

namespace silt::serve {

using google::protobuf::util::TimeUtil;

Status check_names(const google::protobuf::Message& request) {
  const auto check = [](std::string_view name, const std::string& value) {
    if (value.size() <= kNameBytesMax) return Status::ok();
    return invalid_argument(std::string(name) + " is longer than " + std::to_string(kNameBytesMax) + " bytes");
  };
  const auto* reflection = request.GetReflection();
  for (const char* name : {"tenant", "source", "new_name", "request_id", "id"}) {
    const auto* field = request.GetDescriptor()->FindFieldByName(name);
    if (field != nullptr) SILT_TRY(check(name, reflection->GetString(request, field)));
  }
  const auto* sources = request.GetDescriptor()->FindFieldByName("sources");
  for (int i = 0; sources != nullptr && i < reflection->FieldSize(request, sources); ++i) {
    SILT_TRY(check("source", reflection->GetRepeatedString(request, sources, i)));
  }
  return Status::ok();
}

Status check_time(std::string_view name, const google::protobuf::Timestamp& time) {
  const bool known = time.seconds() >= TimeUtil::kTimestampMinSeconds &&
                     time.seconds() <= TimeUtil::kTimestampMaxSeconds && time.nanos() >= 0 &&
                     time.nanos() < 1'000'000'000;
  if (known) return Status::ok();
  return invalid_argument(std::string(name) + " is no time between the years 1 and 9999");
}

namespace {

using access::Call;
using access::Catalogue;

Status check(const silt::v1::AskRequest& request) {
  if (request.question().find_first_not_of(" \t\r\n") == std::string::npos) {
    return invalid_argument("the question is empty");
  }
  if (request.question().size() > kQuestionBytesMax) {
    return invalid_argument("the question is longer than " + std::to_string(kQuestionBytesMax) + " bytes");
  }
  if (request.evidence_max() > kEvidenceMax) {
    return invalid_argument("evidence_max is larger than " + std::to_string(kEvidenceMax));
  }
  SILT_TRY(check_time("since", request.since()));
  SILT_TRY(check_time("until", request.until()));
  if (request.has_since() && request.has_until() && request.until() < request.since()) {
    return invalid_argument("until is before since");
  }
  return check_names(request);
}

Status check(const silt::v1::ExplainRequest& request) {
  SILT_TRY(check_names(request));
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

Status check_new_name(const std::string& name) {
  if (name.empty()) return invalid_argument("new_name is missing");
  if (name.find_first_of(std::string_view("*?\0\n", 4)) == std::string::npos) return Status::ok();
  return invalid_argument("new_name must not contain * ? or line ends");
}

Status other_request(const std::string& id) {
  return Status(Code::kAlreadyExists,
                "request_id '" + escape_bytes(id) +
                    "' was used for another source: give this request an id of its own");
}

silt::v1::RenameSourceResponse response_of(const learn::RenameResult& result) {
  silt::v1::RenameSourceResponse response;
  response.set_old_name(escape_bytes(result.old_name));
  response.set_new_name(escape_bytes(result.new_name));
  return response;
}

silt::v1::DeleteSourceResponse response_of(const learn::DeleteResult& result, bool dry_run) {
  silt::v1::DeleteSourceResponse response;
  response.set_source(escape_bytes(result.name));
  response.set_dry_run(dry_run);
  response.set_records(result.records);
  response.set_bytes(result.bytes);
  response.set_stored_bytes(result.stored_bytes);
  response.set_patterns(result.patterns);
  response.set_steps(result.steps);
  return response;
}

}  // namespace

Status Api::ask(const Call& call, const silt::v1::AskRequest& request,
                const std::function<bool(const silt::v1::AskResponse&)>& emit) const {
  SILT_TRY(check(request));
  return dependencies_.answerer.ask(call, request, emit);
}

Result<silt::v1::ExplainResponse> Api::explain(const Call& call,
                                               const silt::v1::ExplainRequest& request) const {
  SILT_TRY(check(request));
  return dependencies_.answerer.explain(call, request);
}

Result<silt::v1::QueryResponse> Api::query(const Call& call, const silt::v1::QueryRequest& request) const {
  SILT_TRY(check_names(request));
  if (request.text().size() > kLineBytesMax || request.query().ByteSizeLong() > kLineBytesMax)
    return invalid_argument("the query is longer than " + std::to_string(kLineBytesMax) + " bytes");
  return dependencies_.answerer.query(call, request);
}

Result<silt::v1::SearchResponse> Api::search(const Call& call, const silt::v1::SearchRequest& request) const {
  SILT_TRY(check_names(request));
  if (request.pattern().size() > kQuestionBytesMax)
    return invalid_argument("the pattern is longer than " + std::to_string(kQuestionBytesMax) + " bytes");
  SILT_TRY(check_time("since", request.since()));
  SILT_TRY(check_time("until", request.until()));
  return dependencies_.answerer.search(call, request);
}

Result<silt::v1::PatternsResponse> Api::patterns(const Call& call, const silt::v1::PatternsRequest& request) const {
  SILT_TRY(check_names(request));
  return dependencies_.answerer.patterns(call, request);
}

Result<silt::v1::ListSourcesResponse> Api::list_sources(const Call& call,
                                                        const silt::v1::ListSourcesRequest& request) const {
  SILT_TRY(check_names(request));
  SILT_ASSIGN(const auto infos, catalogue_.find(call, request.tenant(), {}));
  silt::v1::ListSourcesResponse response;
  for (const store::SourceInfo& info : infos) {
    SILT_ASSIGN(const store::IntakeHead intake, dependencies_.log.intake_head(info.ref));
    SILT_ASSIGN(const store::FoldHead fold, dependencies_.folds.fold_head(info.ref));
    SILT_ASSIGN(const std::optional<store::NetHead> net, dependencies_.nets.net_head(info.ref));
    silt::v1::Source& source = *response.add_sources();
    fill_source(info, intake, fold, net, source);
    if (dependencies_.fill_stored) dependencies_.fill_stored(info.ref, source);
  }
  return response;
}

Result<silt::v1::ListGapsResponse> Api::list_gaps(const Call& call,
                                                  const silt::v1::ListGapsRequest& request) const {
  SILT_TRY(check_names(request));
  const std::vector<std::string> globs(request.sources().begin(), request.sources().end());
  SILT_ASSIGN(const auto infos, catalogue_.find(call, request.tenant(), globs));
  silt::v1::ListGapsResponse response;
  for (const store::SourceInfo& info : infos) {
    SILT_ASSIGN(const auto gaps, dependencies_.log.gaps(info.ref));
    for (const store::Gap& gap : gaps) {
      silt::v1::Gap& to = *response.add_gaps();
      to.set_tenant(escape_bytes(info.tenant));
      to.set_source(escape_bytes(info.name));
      to.set_seq(gap.seq);
      *to.mutable_found() = TimeUtil::MicrosecondsToTimestamp(gap.found_us);
      to.set_place(escape_bytes(gap.place));
      to.set_begin(gap.begin);
      to.set_bytes(gap.bytes);
      to.set_cause(escape_bytes(gap.cause));
    }
  }
  return response;
}

Result<silt::v1::RenameSourceResponse> Api::rename_source(
    const Call& call, const silt::v1::RenameSourceRequest& request) const {
  SILT_TRY(check_names(request));
  const std::string new_name = unescape_bytes(request.new_name());
  SILT_TRY(check_new_name(new_name));
  SILT_ASSIGN(const std::string tenant, Catalogue::tenant_of(call, request.tenant()));
  if (!request.request_id().empty()) {
    SILT_ASSIGN(const auto done, dependencies_.admin.renamed(tenant, request.request_id()));
    if (done && (done->new_name != new_name || done->old_name != unescape_bytes(request.source()))) {
      return other_request(request.request_id());
    }
    if (done) return response_of(*done);
  }
  SILT_ASSIGN(const auto info, catalogue_.find_named(call, request.tenant(), request.source()));
  SILT_ASSIGN(const auto result, dependencies_.admin.rename(info.ref, new_name, request.request_id()));
  return response_of(result);
}

Result<silt::v1::DeleteSourceResponse> Api::delete_source(
    const Call& call, const silt::v1::DeleteSourceRequest& request) const {
  SILT_TRY(check_names(request));
  SILT_ASSIGN(const std::string tenant, Catalogue::tenant_of(call, request.tenant()));
  if (!request.request_id().empty() && !request.dry_run()) {
    SILT_ASSIGN(const auto done, dependencies_.admin.removed(tenant, request.request_id()));
    if (done && done->name != unescape_bytes(request.source())) return other_request(request.request_id());
    if (done) return response_of(*done, false);
  }
  SILT_ASSIGN(const auto info, catalogue_.find_named(call, request.tenant(), request.source()));
  SILT_ASSIGN(const auto result,
              dependencies_.admin.remove(info.ref, request.dry_run(), request.request_id()));
  return response_of(result, request.dry_run());
}

Result<silt::v1::GetStatusResponse> Api::get_status(const Call& call, const silt::v1::GetStatusRequest&) const {
  silt::v1::GetStatusResponse response;
  if (dependencies_.fill_status) dependencies_.fill_status(call.tenants(), response);
  return response;
}

}  // namespace silt::serve
