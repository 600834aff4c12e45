// `silt watch`: what changes in the logs, as it changes.
#include <chrono>
#include <cstdio>
#include <set>
#include <string>
#include <thread>

#include "cli/commands.h"
#include "cli/json_view.h"
#include "cli/terminal.h"
#include "cli/when.h"

namespace silt::cli {
namespace {

std::string render(const silt::v1::Change& change, const Style& style) {
  std::string out = "  " + style.dim(format_local(change.time().seconds() * 1'000'000)) + " " + style.bold(change.kind()) + " " + escape(change.text()) + "\n";
  if (change.seq() > 0) out += "    #" + std::to_string(change.seq()) + " " + escape(change.record()) + "\n";
  return out;
}

std::string render(const silt::v1::Incident& incident, bool known, const Style& style) {
  std::string sources;
  for (const std::string& source : incident.sources()) sources += (sources.empty() ? "" : ", ") + escape(source);
  std::string out = style.highlight("incident " + incident.id()) + (known ? " goes on" : "") + " in " + sources + "\n";
  for (const auto& change : incident.changes()) out += render(change, style);
  return out;
}

}  // namespace

int run_watch(Client& client, const WatchOptions& options) {
  silt::v1::WatchRequest request;
  request.set_tenant(options.tenant);
  for (const std::string& source : options.sources) request.add_sources(source);
  request.set_token(options.token);
  request.set_recent(options.recent);
  const Style style = Style::of_stdout();
  std::set<std::string> known;
  for (;;) {
    const Result<silt::v1::WatchResponse> response = client.watch(request);
    if (!response.is_ok()) return fail(response.status());
    if (response->missed()) std::fputs("silt: some changes are not known any more: there were too many, or siltd was started again\n", stderr);
    if (options.json && (options.once || response->incidents_size() > 0)) print(to_json(*response));
    for (const auto& incident : response->incidents()) {
      if (!options.json) print(render(incident, !known.insert(incident.id()).second, style));
    }
    std::fflush(stdout);
    if (options.once) return response->incidents().empty() ? kExitNothingFound : kExitOk;
    request.set_token(response->token());
    std::this_thread::sleep_for(std::chrono::milliseconds(response->poll_ms()));
  }
}

}  // namespace silt::cli
