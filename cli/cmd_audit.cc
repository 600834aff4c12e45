#include "cli/commands.h"
#include "cli/format.h"
#include "cli/json_view.h"
#include "cli/terminal.h"
#include "cli/when.h"

namespace silt::cli {
namespace {

std::string render(const silt::v1::ListAuditResponse& response, const Style& style) {
  Table table({{"WHEN"}, {"WHO"}, {"WHAT"}, {"OF"}, {"OUTCOME"}, {"REQUEST"}, {"DETAIL"}});
  for (const auto& entry : response.entries()) {
    table.add({format_local(entry.time().seconds() * 1'000'000), escape(entry.caller()), escape(entry.action()),
               (entry.tenant() == "default" ? "" : escape(entry.tenant()) + ": ") + escape(entry.object()),
               escape(entry.outcome()), escape(entry.request_id()), escape(entry.detail())});
  }
  const std::string entries = response.entries().empty() ? "" : table.render(style);
  if (!response.damage().empty()) return entries + "the log is NOT whole: " + escape(response.damage()) + "\n";
  return entries + "the log is whole: " + format_count(response.entries_verified()) + " entries verified\n";
}

}  // namespace

int run_audit(Client& client, const AuditOptions& options) {
  silt::v1::ListAuditRequest request;
  request.set_tenant(options.tenant);
  request.set_limit(options.limit);
  const Result<silt::v1::ListAuditResponse> response = client.list_audit(request);
  if (!response.is_ok()) return fail(response.status());
  print(options.json ? to_json(*response) : render(*response, Style::of_stdout()));
  return response->damage().empty() ? kExitOk : kExitInternal;
}

}  // namespace silt::cli
