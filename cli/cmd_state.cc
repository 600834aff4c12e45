#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/json_view.h"
#include "cli/terminal.h"

namespace silt::cli {
namespace {

std::string render(const silt::v1::ResetStateResponse& reset, const std::string& source) {
  const bool fold = reset.scope() == silt::v1::RESET_SCOPE_NET_AND_FOLD;
  const bool dry = reset.dry_run();
  std::string out = escape(source) + ": " + format_count(reset.forgotten_steps()) + " learning steps " +
                    (dry ? "would be" : "are") + " forgotten (state v" + std::to_string(reset.old_version());
  if (!dry) out += " -> v" + std::to_string(reset.new_version());
  if (!fold) return out + "); journal, patterns and index are kept\n";
  return out + "), and " + format_count(reset.forgotten_patterns()) + " patterns and the index " +
         (dry ? "would be" : "are") + " made again from the journal, which is kept\n";
}

bool confirmed() {
  std::fputs("Forget this? [y/N] ", stderr);
  std::string line;
  return std::getline(std::cin, line) && (line == "y" || line == "Y" || line == "yes");
}

}  // namespace

int run_reset(Client& client, const ResetOptions& options) {
  silt::v1::ResetStateRequest request;
  request.set_tenant(options.tenant);
  request.set_source(options.source);
  request.set_expected_version(options.expected_version);
  request.set_scope(options.fold ? silt::v1::RESET_SCOPE_NET_AND_FOLD : silt::v1::RESET_SCOPE_NET);
  const auto show = [&](const silt::v1::ResetStateResponse& reset) {
    print(options.json ? to_json(reset) : render(reset, options.source));
  };
  if (options.dry_run || !options.yes) {
    request.set_dry_run(true);
    const Result<silt::v1::ResetStateResponse> preview = client.reset_state(request);
    if (!preview.is_ok()) return fail(preview.status());
    show(*preview);
    if (options.dry_run) return kExitOk;
    if (::isatty(STDIN_FILENO) != 1) return fail(invalid_argument("nobody to ask: add --yes to forget it"));
    if (!confirmed()) return kExitNothingFound;
    // What is confirmed is what was shown: a state that has moved on since is not forgotten.
    request.set_expected_version(preview->old_version());
  }
  request.set_dry_run(false);
  request.set_request_id(options.request_id.empty() ? random_id() : options.request_id);
  const Result<silt::v1::ResetStateResponse> reset = client.reset_state(request);
  if (!reset.is_ok()) return fail(reset.status());
  show(*reset);
  return kExitOk;
}

}  // namespace silt::cli
