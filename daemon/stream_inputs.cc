#include "daemon/stream_inputs.h"

#include <algorithm>

#include "connectors/push/endpoint.h"

namespace silt::daemon {

std::span<const std::string_view> endpoint_kinds(const SourceConfig& source) {
  if (source.type == "otlp") return connectors::kOtlpKinds;
  return connectors::kSyslogKinds;
}

namespace {

Status check_listen(const SourceConfig& source) {
  const bool syslog = source.type == "syslog";
  if (source.listen.empty())
    return invalid_argument(std::string("listen is missing, e.g. listen = ") + (syslog ? "[\"udp:514\", \"tcp:514\"]" : "[\"grpc:4317\", \"http:4318\"]"));
  for (const std::string& each : source.listen) {
    const auto endpoint = connectors::parse_endpoint(each, endpoint_kinds(source));
    if (!endpoint.is_ok()) return endpoint.status().with_context("listen");
    if (endpoint->kind == "tls" && source.certificate.empty())
      return invalid_argument("certificate is missing: tls needs the PEM file of one, and key, unless that is in the same file");
  }
  return Status::ok();
}

Status check_journald(const SourceConfig& source) {
  if (!source.listen.empty() || !source.certificate.empty() || !source.key.empty())
    return invalid_argument("listen, certificate and key are of servers; remove them");
  if (!source.directory.empty() && !source.name_space.empty())
    return invalid_argument("namespace: is of this host's own journal; remove it, or directory");
  if (!source.directory.empty() && source.directory[0] != '/') return invalid_argument("directory: must be an absolute path");
  return Status::ok();
}

}  // namespace

bool is_stream_input(const SourceConfig& source) {
  return source.type == "journald" || source.type == "syslog" || source.type == "otlp";
}

Status check_stream_input(const SourceConfig& source) {
  if (source.name.find_first_of("{}") != std::string::npos) return invalid_argument("name: captures are of files; here sources are NAME:UNIT, NAME:HOST or NAME:SERVICE");
  if (!source.include.empty()) return invalid_argument("include is of files and documents; remove it");
  if (!source.url.empty() || !source.credential.empty() || !source.queues.empty())
    return invalid_argument("url, credential and queues are of ticket queues; remove them");
  if (source.type == "journald") return check_journald(source);
  if (!source.directory.empty() || !source.name_space.empty()) return invalid_argument("directory and namespace are of journald; remove them");
  return check_listen(source);
}

Status refuse_stream_keys(const SourceConfig& source) {
  if (!source.directory.empty() || !source.name_space.empty())
    return invalid_argument("directory and namespace are of the journal; add type = \"journald\", or remove them");
  if (source.listen.empty() && source.certificate.empty() && source.key.empty()) return Status::ok();
  return invalid_argument("listen, certificate and key are of servers; add type = \"syslog\" or \"otlp\", or remove them");
}

}  // namespace silt::daemon
