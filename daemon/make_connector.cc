#include "daemon/make_connector.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "connectors/archive/archive_connector.h"
#include "connectors/documents/document_connector.h"
#include "connectors/file/file_connector.h"
#include "connectors/http/credential.h"
#include "connectors/journald/journald_connector.h"
#include "connectors/otlp/otlp_connector.h"
#include "connectors/push/tls.h"
#include "connectors/syslog/syslog_connector.h"
#include "connectors/tickets/github.h"
#include "connectors/tickets/jira.h"
#include "connectors/tickets/redmine.h"
#include "connectors/tickets/request_tracker.h"
#include "connectors/tickets/ticket_connector.h"
#include "daemon/stream_inputs.h"
#include "daemon/zone.h"

namespace silt::daemon {
namespace {

using connectors::Connector;
using connectors::TicketSource;
using connectors::TrackerOptions;

struct Tracker {
  std::string_view type;
  std::string_view place;  // of "rm:#42"
  Result<std::unique_ptr<TicketSource>> (*make)(const TrackerOptions&);
};
constexpr Tracker kTrackers[] = {{"rt", "rt", connectors::make_request_tracker},
                                 {"redmine", "rm", connectors::make_redmine},
                                 {"jira", "jira", connectors::make_jira},
                                 {"github", "gh", connectors::make_github}};

const Tracker* tracker_of(const SourceConfig& source) {
  for (const Tracker& tracker : kTrackers) {
    if (tracker.type == source.type) return &tracker;
  }
  return nullptr;
}

// A name with captures names the sources outright.
std::string stream_name_of(const SourceConfig& source) {
  if (source.name.find_first_of("{}") != std::string::npos) return source.name;
  if (!source.per_file) return {};
  if (source.type == "archives") return source.name + ":{stem}";
  return source.name + (source.type == "containers" ? ":{container}" : ":{path}");
}

// Expressions were checked when the file was read.
Result<std::shared_ptr<const connectors::RecordRules>> rules_of(const SourceConfig& source) {
  using Rules = connectors::RecordRules;
  if (!source.record_start.empty()) return Rules::by_expression(Rules::Kind::kStart, source.record_start);
  if (!source.record_continue.empty())
    return Rules::by_expression(Rules::Kind::kContinue, source.record_continue);
  return source.lines == "single" ? nullptr : Rules::usual();
}

Result<std::unique_ptr<Connector>> make_files(const SourceConfig& source, const ConnectorContext& context) {
  connectors::FileConnectorOptions file;
  file.include = source.include;
  if (source.type == "containers") file.format = connectors::FileFormat::kContainer;
  if (!source.exclude.empty()) file.exclude = source.exclude;
  file.exclude.insert(file.exclude.end(), context.never_read.begin(), context.never_read.end());
  file.link_targets = source.link_targets;
  file.never_enter = context.never_enter;
  file.stream_name = stream_name_of(source);
  file.start = source.start == "end" ? connectors::FileStart::kEnd : connectors::FileStart::kBeginning;
  file.reconcile_ms = source.reconcile_ms;
  SILT_ASSIGN(file.rules, rules_of(source));
  file.flush_ms = source.flush_ms;
  file.open_files_max = context.open_files_max;
  SILT_ASSIGN(auto made, connectors::FileConnector::create(std::move(file), context.clock, context.waiter));
  return std::unique_ptr<Connector>(std::move(made));
}

Result<std::unique_ptr<Connector>> make_documents(const SourceConfig& source, const ConnectorContext& context) {
  connectors::DocumentConnectorOptions options;
  options.include = source.include;
  options.exclude = source.exclude;
  options.exclude.insert(options.exclude.end(), context.never_enter.begin(), context.never_enter.end());
  options.mail = source.type == "mail";
  options.place = source.name;
  options.scan_ms = source.reconcile_ms;
  SILT_ASSIGN(auto made, connectors::DocumentConnector::create(std::move(options), context.clock, context.waiter));
  return std::unique_ptr<Connector>(std::move(made));
}

Result<std::unique_ptr<Connector>> make_tickets(const SourceConfig& source, const Tracker& tracker, const ConnectorContext& context) {
  TrackerOptions options;
  options.http.url = source.url;
  options.http.ca_file = source.ca_file;
  options.http.proxy = source.proxy;
  options.credential = source.credential;
  options.queues = source.queues;
  SILT_ASSIGN(auto made, tracker.make(options));
  connectors::TicketConnectorOptions tickets;
  tickets.place = tracker.place;
  for (const std::string& queue : source.queues) tickets.scope += queue + '\n';
  tickets.poll_ms = source.poll_ms;
  tickets.sweep_ms = source.sweep_ms;
  return std::unique_ptr<Connector>(std::make_unique<connectors::TicketConnector>(std::move(tickets), std::move(made), context.clock));
}

Result<std::unique_ptr<Connector>> make_archives(const SourceConfig& source, const ConnectorContext& context) {
  connectors::ArchiveOptions options;
  options.include = source.include;
  options.exclude = source.exclude;
  options.stream_name = stream_name_of(source);
  options.scan_ms = source.reconcile_ms;
  SILT_ASSIGN(options.rules, rules_of(source));
  SILT_ASSIGN(auto made, connectors::ArchiveConnector::create(std::move(options), context.clock));
  return std::unique_ptr<Connector>(std::move(made));
}

Result<std::vector<connectors::Endpoint>> endpoints_of(const SourceConfig& source) {
  std::vector<connectors::Endpoint> out;
  for (const std::string& each : source.listen) {
    SILT_ASSIGN(auto endpoint, connectors::parse_endpoint(each, endpoint_kinds(source)));
    out.push_back(std::move(endpoint));
  }
  return out;
}

connectors::SenderLimits limits_of(const SourceConfig& source) {
  connectors::SenderLimits limits;
  limits.connections_max = source.connections_max;
  limits.bytes_per_s_max = std::uint64_t{source.sender_kib_per_s} << 10;
  return limits;
}

// The key may be a systemd credential.
connectors::TlsFiles tls_of(const SourceConfig& source) {
  return {source.certificate, source.key.empty() ? std::string() : connectors::credential_path(source.key), source.ca_file};
}

Result<std::unique_ptr<Connector>> make_otlp(const SourceConfig& source, const ConnectorContext& context) {
  connectors::OtlpOptions options;
  SILT_ASSIGN(options.listen, endpoints_of(source));
  options.tls = tls_of(source);
  options.receiver.input = source.name;
  options.receiver.per_service = source.per_file;
  options.receiver.senders = limits_of(source);
  return std::unique_ptr<Connector>(connectors::make_otlp_connector(std::move(options), context.clock));
}

Result<std::unique_ptr<Connector>> make_syslog(const SourceConfig& source, const ConnectorContext& context) {
  connectors::SyslogOptions options;
  SILT_ASSIGN(options.listen, endpoints_of(source));
  options.tls = tls_of(source);
  options.collector.input = source.name;
  options.collector.per_host = source.per_file;
  options.collector.zone = zone_of(source.time_zone.empty() ? context.time_zone : source.time_zone);
  options.collector.senders = limits_of(source);
  return std::unique_ptr<Connector>(connectors::make_syslog_connector(std::move(options), context.clock));
}

Result<std::unique_ptr<Connector>> make_journald(const SourceConfig& source, const ConnectorContext& context) {
  connectors::JournaldOptions options;
  options.input = source.name;
  options.place = {source.directory, source.name_space};
  options.from_end = source.start == "end";
  options.per_unit = source.per_file;
  return std::unique_ptr<Connector>(std::make_unique<connectors::JournaldConnector>(std::move(options), context.clock, context.waiter));
}

Status readable(const std::string& file, std::string_view key) {
  if (file.empty() || ::access(file.c_str(), R_OK) == 0) return Status::ok();
  return errno_status("read " + file, errno).with_context("source." + std::string(key));
}

// Its certificates, and a ticket queue's credential.
Status check_files(const SourceConfig& source) {
  if (std::error_code failed; !source.directory.empty() && !std::filesystem::is_directory(source.directory, failed))
    return not_found("source.directory: " + source.directory + " is no directory, or cannot be seen");
  SILT_TRY(readable(source.ca_file, "ca_file"));
  SILT_TRY(readable(source.certificate, "certificate"));
  SILT_TRY(readable(tls_of(source).key, "key"));
  if (!source.certificate.empty()) SILT_TRY(connectors::make_tls(tls_of(source)).status().with_context("source"));
  if (tracker_of(source) == nullptr) return Status::ok();
  return connectors::read_credential(source.credential).status().with_context("source.credential");
}

Result<std::unique_ptr<Connector>> make_feed(const SourceConfig& source, const ConnectorContext& context) {
  intake::FeedOptions feed{.name = source.name, .tenant = source.tenant, .rules = nullptr, .record_bytes_max = context.record_bytes_max};
  SILT_ASSIGN(feed.rules, rules_of(source));
  return context.feeds.open(std::move(feed));
}

}  // namespace

Result<std::unique_ptr<Connector>> make_connector(const SourceConfig& source, const ConnectorContext& context) {
  if (const Tracker* const tracker = tracker_of(source)) return make_tickets(source, *tracker, context);
  if (source.type == "journald") return make_journald(source, context);
  if (source.type == "otlp") return make_otlp(source, context);
  if (source.type == "syslog") return make_syslog(source, context);
  if (source.type == "archives") return make_archives(source, context);
  if (source.type == "feed") return make_feed(source, context);
  const bool documents = source.type == "documents" || source.type == "mail";
  return documents ? make_documents(source, context) : make_files(source, context);
}

Status check_surroundings(const SourceConfig& source) {
  return check_files(source).with_context(source.line.place);
}

}  // namespace silt::daemon
