#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <random>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/json_view.h"
#include "cli/terminal.h"

namespace silt::cli {
namespace {

// The same id is carried out once, however often it arrives: a reply lost on the way is harmless.
std::string random_id() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) {
    char word[9];
    std::snprintf(word, sizeof word, "%08x", static_cast<unsigned>(random()));
    id += word;
  }
  return id;
}

std::string render(const silt::v1::ResetStateResponse& reset, const std::string& source) {
  const std::string what = escape(source) + ": " + format_count(reset.forgotten_steps()) +
                           " learning steps and " + format_count(reset.forgotten_patterns()) + " patterns";
  if (reset.dry_run())
    return what + " would be forgotten (state v" + std::to_string(reset.old_version()) + ")\n";
  return what + " are forgotten (state v" + std::to_string(reset.old_version()) + " -> v" +
         std::to_string(reset.new_version()) + "); the journal is kept\n";
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
