#include "cli/commands.h"
#include "cli/format.h"
#include "cli/json_view.h"
#include "cli/terminal.h"
#include "cli/when.h"

namespace silt::cli {
namespace {

std::string render(const silt::v1::ListGapsResponse& response, const Style& style) {
  if (response.gaps().empty()) return "no gaps: nothing that siltd knew of was lost\n";
  Table table({{"FOUND"}, {"SOURCE"}, {"BYTES", true}, {"AT", true}, {"PLACE"}, {"CAUSE"}});
  for (const auto& gap : response.gaps()) {
    const bool other_tenant = gap.tenant() != "default";
    table.add({format_local(gap.found().seconds() * 1'000'000),
               (other_tenant ? escape(gap.tenant()) + ": " : "") + escape(gap.source()),
               gap.bytes() == 0 ? "unknown" : format_count(gap.bytes()), format_count(gap.begin()),
               escape(gap.place()), escape(gap.cause())});
  }
  return table.render(style);
}

}  // namespace

int run_gaps(Client& client, const GapsOptions& options) {
  silt::v1::ListGapsRequest request;
  request.set_tenant(options.tenant);
  for (const std::string& source : options.sources) request.add_sources(source);
  const Result<silt::v1::ListGapsResponse> response = client.list_gaps(request);
  if (!response.is_ok()) return fail(response.status());
  print(options.json ? to_json(*response) : render(*response, Style::of_stdout()));
  return kExitOk;
}

}  // namespace silt::cli
