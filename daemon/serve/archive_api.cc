// The part of Api that copies: the whole store, and what one source has taught its net.
#include "base/escape.h"
#include "daemon/serve/api.h"
#include "daemon/store/sha256.h"

namespace silt::serve {
namespace {

using access::Call;
using access::Catalogue;

constexpr std::size_t kPieceBytes = std::size_t{512} << 10;

}  // namespace

Result<silt::v1::BackupResponse> Api::backup(const Call& call, const silt::v1::BackupRequest& request) const {
  if (!call.tenants().every()) return permission_denied(call.caller.name + " may not copy all tenants: be root, or have the right in tenants = [\"*\"]");
  if (request.directory().size() > kNameBytesMax) return invalid_argument("directory is too long");
  if (!dependencies_.backup) return unavailable("this siltd makes no backups");
  SILT_ASSIGN(const store::BackupReport report, dependencies_.backup(unescape_bytes(request.directory())));
  silt::v1::BackupResponse response;
  response.set_directory(request.directory());
  response.set_files(report.files);
  response.set_bytes(report.bytes);
  response.set_sources(report.sources);
  response.set_records(report.records);
  response.set_sha256(report.sha256);
  return response;
}

Status Api::export_state(const Call& call, const silt::v1::ExportStateRequest& request,
                         const std::function<bool(const silt::v1::ExportStateResponse&)>& emit) const {
  SILT_TRY(check_names(request));
  SILT_ASSIGN(const auto info, catalogue_.find_named(call, request.tenant(), request.source()));
  SILT_ASSIGN(const learn::ExportedState state, dependencies_.archive.export_state(info, request.version()));
  for (std::size_t at = 0; at < state.bytes.size(); at += kPieceBytes) {
    silt::v1::ExportStateResponse piece;
    piece.set_piece(state.bytes.substr(at, kPieceBytes));
    if (!emit(piece)) return {Code::kCancelled, "cancelled by the caller"};
  }
  silt::v1::ExportStateResponse last;
  last.set_source(escape_bytes(info.name));
  last.set_version(state.about.version);
  last.set_bytes(state.bytes.size());
  last.set_sha256(store::hex_of(store::sha256(state.bytes)));
  last.set_signed_(dependencies_.archive.signs());
  emit(last);
  return Status::ok();
}

Result<silt::v1::ImportStateResponse> Api::import_state(const Call& call, const silt::v1::ImportStateRequest& request) const {
  SILT_TRY(check_names(request));
  SILT_ASSIGN(const auto info, catalogue_.find_named(call, request.tenant(), request.source()));
  SILT_ASSIGN(const learn::ImportedState state,
              dependencies_.archive.import_state(info, request.file(), request.any_tenant(),
                                                 {.source = {}, .request_id = request.request_id(), .dry_run = request.dry_run(), .blob = {}}));
  silt::v1::ImportStateResponse response;
  response.set_source(escape_bytes(info.name));
  response.set_dry_run(request.dry_run());
  response.set_old_version(state.result.old_version);
  response.set_new_version(state.result.new_version);
  response.set_forgotten_steps(state.result.forgotten_steps);
  response.set_dropped_versions(state.result.dropped_versions);
  response.set_from_tenant(escape_bytes(state.from.tenant));
  response.set_from_source(escape_bytes(state.from.source));
  response.set_from_version(state.from.version);
  response.set_from_backend(state.from.backend);
  response.set_converted(state.converted);
  response.set_signed_(dependencies_.archive.signs());
  return response;
}

}  // namespace silt::serve
