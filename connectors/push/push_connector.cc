#include "connectors/push/push_connector.h"

#include <csignal>
#include <utility>

namespace silt::connectors {

PushConnector::PushConnector(const InboxOptions& inbox, const Clock& clock, Open open)
    : clock_(clock), open_(std::move(open)), inbox_(inbox), caught_up_us_(clock.monotonic_us()) {
  std::signal(SIGPIPE, SIG_IGN);
}

PushConnector::~PushConnector() {
  inbox_.stop();
}

Status PushConnector::resume(std::span<const CursorRow> rows) {
  SILT_TRY(inbox_.resume(rows));
  SILT_ASSIGN(servers_, open_(inbox_));
  return Status::ok();
}

Result<bool> PushConnector::poll(const ReadLimits& limits, Batch& out) {
  SILT_ASSIGN(const bool more, inbox_.poll(limits, out));
  if (!more) caught_up_us_ = clock_.monotonic_us();
  return more;
}

ConnectorStats PushConnector::stats() const {
  ConnectorStats stats = inbox_.stats();
  if (servers_ && stats.backlog_bytes == 0) caught_up_us_ = clock_.monotonic_us();
  stats.lag_ms = (clock_.monotonic_us() - caught_up_us_) / 1000;
  if (!servers_) return stats;
  const PushReport report = servers_->report();
  stats.files_open = report.connections;
  stats.bytes_lost = report.bytes_lost;
  stats.read_errors = report.errors;
  stats.last_error = report.last_error;
  return stats;
}

std::vector<Endpoint> PushConnector::endpoints() const {
  return servers_ ? servers_->endpoints() : std::vector<Endpoint>();
}

}  // namespace silt::connectors
