// `silt source rename` and `silt source delete`.
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/json_view.h"
#include "cli/terminal.h"

namespace silt::cli {
namespace {

std::string render(const silt::v1::DeleteSourceResponse& from) {
  return escape(from.source()) + ": " + format_count(from.records()) + " records (" +
         format_bytes(from.bytes()) + " of text, " + format_bytes(from.stored_bytes()) + " on disk), " +
         format_count(from.patterns()) + " patterns and " + format_count(from.steps()) + " learning steps " +
         (from.dry_run() ? "would be deleted; add --yes to do it" : "are deleted") + "\n";
}

}  // namespace

int run_rename(Client& client, const RenameOptions& options) {
  silt::v1::RenameSourceRequest request;
  request.set_tenant(options.tenant);
  request.set_source(options.source);
  request.set_new_name(options.new_name);
  request.set_request_id(request_id_or_new(options.request_id));
  const Result<silt::v1::RenameSourceResponse> done = client.rename_source(request);
  if (!done.is_ok()) return fail(done.status());
  print(options.json ? to_json(*done)
                     : escape(done->old_name()) + " is now " + escape(done->new_name()) + "\n");
  return kExitOk;
}

int run_delete(Client& client, const DeleteOptions& options) {
  silt::v1::DeleteSourceRequest request;
  request.set_tenant(options.tenant);
  request.set_source(options.source);
  request.set_dry_run(!options.yes);
  request.set_request_id(request_id_or_new(options.request_id));
  const Result<silt::v1::DeleteSourceResponse> done = client.delete_source(request);
  if (!done.is_ok()) return fail(done.status());
  print(options.json ? to_json(*done) : render(*done));
  return kExitOk;
}

}  // namespace silt::cli
