#include "cli/commands.h"
#include "cli/format.h"
#include "cli/json_view.h"
#include "cli/sources_view.h"

namespace silt::cli {
namespace {

std::string bits(double value) {
  return value > 0 ? format_fixed(value, 3) : "-";
}

}  // namespace

std::string render(const silt::v1::ListSourcesResponse& response, const Style& style) {
  if (response.sources().empty()) return "no sources yet: siltd has not read a line\n";
  Table table({{"SOURCE"},
               {"LINES", true},
               {"BYTES", true},
               {"LEARNED", true},
               {"BACKLOG", true},
               {"BITS/BYTE NOW", true},
               {"ALL", true},
               {"PATTERNS", true},
               {"STATE", true}});
  for (const auto& source : response.sources()) {
    const bool other_tenant = source.tenant() != "default";
    table.add({(other_tenant ? escape(source.tenant()) + ": " : "") + escape(source.source()),
               format_count(source.lines()), format_bytes(source.bytes()),
               format_count(source.learned_lines()), format_count(source.backlog()),
               bits(source.bits_per_byte_window()), bits(source.bits_per_byte()),
               format_count(source.patterns()), "v" + std::to_string(source.state_version())});
  }
  return table.render(style);
}

int run_sources(Client& client, const SourcesOptions& options) {
  if (options.follow) return run_follow(client, options);
  silt::v1::ListSourcesRequest request;
  request.set_tenant(options.tenant);
  const Result<silt::v1::ListSourcesResponse> response = client.list_sources(request);
  if (!response.is_ok()) return fail(response.status());
  print(options.json ? to_json(*response) : render(*response, Style::of_stdout()));
  return kExitOk;
}

}  // namespace silt::cli
