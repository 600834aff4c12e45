// `silt backup`, `silt state export` and `silt state import`: copies of what siltd knows.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/commands.h"
#include "cli/state_commands.h"
#include "cli/format.h"
#include "cli/json_view.h"
#include "cli/terminal.h"

namespace silt::cli {
namespace {

std::string render(const silt::v1::BackupResponse& from) {
  return escape(from.directory()) + ": " + format_count(from.sources()) + " sources, " + format_count(from.records()) + " records in " +
         format_count(from.files()) + " files, " + format_bytes(from.bytes()) + "; read again and whole\ncontents " + from.sha256() + "\n";
}

std::string render(const silt::v1::ImportStateResponse& from) {
  const bool dry = from.dry_run();
  return escape(from.source()) + ": " + (dry ? "would go on" : "goes on") + " from v" + std::to_string(from.from_version()) + " of " +
         escape(from.from_source()) + (from.signed_() ? " (signed)" : " (nobody has signed it)") +
         (from.converted() ? ", converted from backend " + escape(from.from_backend()) : "") + ", as v" + std::to_string(from.new_version()) + "; v" +
         std::to_string(from.old_version()) + " with " + format_count(from.forgotten_steps()) + " learning steps and " +
         format_count(from.dropped_versions()) + " stored versions " + (dry ? "would be" : "are") + " forgotten\n" +
         (dry ? "nothing was done; add --yes to do it\n" : "");
}

}  // namespace

int run_backup(Client& client, const BackupOptions& options) {
  silt::v1::BackupRequest request;
  request.set_directory(std::filesystem::absolute(options.directory).lexically_normal().string());
  const Result<silt::v1::BackupResponse> done = client.backup(request);
  if (!done.is_ok()) return fail(done.status());
  print(options.json ? to_json(*done) : render(*done));
  return kExitOk;
}

int run_export_state(Client& client, const ExportStateOptions& options) {
  silt::v1::ExportStateRequest request;
  request.set_tenant(options.tenant);
  request.set_source(options.source);
  request.set_version(options.version);
  std::ofstream file;  // only when there is something to write
  const Result<silt::v1::ExportStateResponse> done = client.export_state(request, [&](std::string_view piece) {
    if (!file.is_open()) file.open(options.file, std::ios::binary | std::ios::trunc);
    file.write(piece.data(), static_cast<std::streamsize>(piece.size()));
    return file.good();
  });
  file.close();
  if (!done.is_ok()) return fail(done.status());
  if (!file) return fail(permission_denied(options.file + ": cannot be written"));
  print(options.json ? to_json(*done)
                     : escape(done->source()) + ": v" + std::to_string(done->version()) + " is in " + escape(options.file) + ", " +
                           format_bytes(done->bytes()) + (done->signed_() ? ", signed" : ", not signed") + "\nSHA-256 " + done->sha256() + "\n");
  return kExitOk;
}

int run_import_state(Client& client, const ImportStateOptions& options) {
  std::ifstream file(options.file, std::ios::binary);
  if (!file) return fail(not_found(options.file + ": cannot be read"));
  silt::v1::ImportStateRequest request;
  request.set_tenant(options.tenant);
  request.set_source(options.source);
  request.set_request_id(request_id_or_new(options.request_id));
  request.set_dry_run(!options.yes);
  request.set_any_tenant(options.any_tenant);
  request.set_file(std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>()));
  const Result<silt::v1::ImportStateResponse> done = client.import_state(request);
  if (!done.is_ok()) return fail(done.status());
  print(options.json ? to_json(*done) : render(*done));
  return kExitOk;
}

}  // namespace silt::cli
