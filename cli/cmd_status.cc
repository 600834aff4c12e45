#include "base/clock.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/json_view.h"
#include "cli/terminal.h"
#include "cli/when.h"

namespace silt::cli {
namespace {

bool is_queue(const silt::v1::ConnectorStatus& connector) {
  return connector.kind() == "rt" || connector.kind() == "redmine" || connector.kind() == "jira" || connector.kind() == "github";
}

bool is_server(const silt::v1::ConnectorStatus& connector) {
  return connector.kind() == "syslog" || connector.kind() == "otlp";
}

// What it reads from, with a comma behind; nothing for one that waits for what others send.
std::string known_to(const silt::v1::ConnectorStatus& connector) {
  if (connector.kind() == "feed") return {};
  if (connector.kind() == "journald") return "the journal, ";
  if (is_server(connector)) return format_count(connector.files_open()) + " connections, ";
  if (is_queue(connector)) return format_count(connector.files_known()) + " tickets, ";
  if (connector.kind() == "archives") return format_count(connector.files_known()) + " files, ";
  return format_count(connector.files_open()) + " of " + format_count(connector.files_known()) + " files open, ";
}

std::string lag_of(const silt::v1::ConnectorStatus& connector) {
  if (connector.has_lag_ms()) return ", " + format_count(connector.lag_ms() / 1000) + " s behind";
  return is_queue(connector) ? ", never caught up since it started" : "";
}

std::string of_limit(const std::string& used, std::uint64_t limit, const std::string& shown) {
  return limit == 0 ? used : used + " of " + shown;
}

std::string render(const silt::v1::QuotaUse& use) {
  std::string out = escape(use.tenant()) + ": " + of_limit(format_bytes(use.bytes_today()), use.bytes_per_day(), format_bytes(use.bytes_per_day())) +
                    " today (" + format_count(use.pauses()) + " pauses), " + format_count(use.questions()) + " questions";
  if (use.questions_per_minute() > 0)
    out += " (at most " + format_count(use.questions_per_minute()) + " a minute, " + format_count(use.questions_refused()) + " refused)";
  if (use.sources_max() > 0)
    out += ", at most " + format_count(use.sources_max()) + " sources (" + format_count(use.sources_refused()) + " became part of others)";
  if (use.resident_states_max() > 0)
    out += ", " + format_count(use.resident_states_max()) + " states of its own (" + format_count(use.states_evicted()) + " more left memory)";
  return out;
}

std::string render(const silt::v1::AlertStatus& alert) {
  std::string out = escape(alert.name()) + " (" + escape(alert.type()) + "): " + format_count(alert.sent()) + " sent, " + format_count(alert.waiting()) + " waiting";
  if (alert.lag_ms() > 0) out += ", " + format_count(alert.lag_ms() / 1000) + " s behind";
  if (alert.failures() > 0) out += ", " + format_count(alert.failures()) + " attempts failed";
  if (alert.refused() > 0) out += ", " + format_count(alert.refused()) + " refused for good";
  if (alert.left_out() > 0) out += ", " + format_count(alert.left_out()) + " left out, too many";
  return out;
}

std::string render(const silt::v1::DeviceUse& device) {
  const std::string name = escape(device.name()) + ": ";
  if (!device.lost().empty()) return name + "lost, " + escape(device.lost());
  return name + format_count(device.states()) + " states (room for " + format_count(device.states_max()) + "), " +
         format_count(device.learned_tokens()) + " tokens read, host " + format_fixed(device.host_s(), 1) +
         " s, waiting for it " + format_fixed(device.wait_s(), 1) + " s";
}

std::string render(const silt::v1::GetStatusResponse& status, const Style& style) {
  std::string out;
  const auto row = [&](std::string_view name, const std::string& value) {
    std::string title(name);
    title.resize(12, ' ');
    out += style.bold(title) + value + "\n";
  };
  row("siltd", escape(status.version()));
  if (status.has_started()) {
    const std::int64_t up_s = SystemClock().wall_us() / 1'000'000 - status.started().seconds();
    row("up",
        format_duration(up_s) + " (since " + format_local(status.started().seconds() * 1'000'000) + ")");
  }
  row("model", escape(status.model_file()) + " " + style.dim(escape(status.model_fingerprint())));
  row("backend", escape(status.backend()) + ", " + std::to_string(status.threads()) + " threads, cpu share " +
                     format_fixed(status.cpu_share(), 2) + style.dim(" (built in: " + escape(status.backends_built()) + ")"));
  const std::string backlog = "backlog " + format_count(status.backlog_records()) + " records (" + format_bytes(status.backlog_bytes()) + ")";
  if (status.learner_state().empty()) {  // of who sees not all tenants
    row("learner", backlog + "; what it does for all tenants together is not yours to see");
  } else {
    row("learner", escape(status.learner_state()) + ", " + format_count(status.learned_tokens_per_s()) + " tokens/s, " + backlog);
    row("latency", "record to learned " + format_count(status.learn_latency_p50_ms()) + " ms (half), " +
                       format_count(status.learn_latency_p99_ms()) + " ms (99 of 100)");
    row("commits", format_count(status.commits()) + ", " +
                       format_count(status.commits() == 0 ? 0 : status.commit_us() / status.commits() / 1000) + " ms each");
    for (const auto& device : status.devices()) row("device", render(device));
    row("states",
        format_count(status.resident_states()) + " resident (" + format_bytes(status.resident_bytes()) + ")");
    row("memory", format_bytes(status.process_rss_bytes()));
  }
  for (const auto& connector : status.connectors()) {
    row("input", escape(connector.name()) + " (" + escape(connector.kind()) +
                     (connector.state().empty() ? "" : ", " + escape(connector.state())) + "): " +
                     known_to(connector) + format_bytes(connector.bytes_read()) + " read, " +
                     format_bytes(connector.backlog_bytes()) + " waiting, " +
                     format_count(connector.read_errors()) + " errors" +
                     lag_of(connector));
    if (!connector.last_error().empty()) row("", style.highlight(escape(connector.last_error())));
    if (!connector.remedy().empty()) row("", escape(connector.remedy()));
  }
  for (const auto& alert : status.alerts()) {
    row("alerts", render(alert));
    if (!alert.last_error().empty()) row("", style.highlight(escape(alert.last_error())));
  }
  for (const auto& use : status.quotas()) row("quota", render(use));
  return out;
}

}  // namespace

int run_status(Client& client, const StatusOptions& options) {
  const Result<silt::v1::GetStatusResponse> status = client.get_status();
  if (!status.is_ok()) return fail(status.status());
  print(options.json ? to_json(*status) : render(*status, Style::of_stdout()));
  return kExitOk;
}

}  // namespace silt::cli
