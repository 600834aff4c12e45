#include "daemon/config_checks.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "connectors/file/stream_name.h"
#include "connectors/http/http_client.h"
#include "connectors/record_rules.h"
#include "daemon/access/caller.h"
#include "daemon/stream_inputs.h"

namespace silt::daemon {
namespace {

bool is_file(const SourceConfig& source) {
  return source.type == "file" || source.type == "containers" || source.type == "archives";
}

bool is_tracker(const SourceConfig& source) {
  return !is_file(source) && source.type != "documents" && source.type != "mail" && source.type != "feed";
}

}  // namespace

Status check_patterns(const SourceConfig& source) {
  SILT_ASSIGN(const connectors::Globs include, connectors::Globs::compile(source.include, false));
  return is_file(source) ? connectors::StreamName::compile(source.name, include).status() : Status::ok();
}

Status check_records(const SourceConfig& source) {
  using Rules = connectors::RecordRules;
  if (!source.record_start.empty() && !source.record_continue.empty())
    return invalid_argument("record_continue: goes not together with record_start; keep one of them");
  const bool expression = !source.record_start.empty() || !source.record_continue.empty();
  if (expression && source.lines == "single")
    return invalid_argument("lines: \"single\" joins nothing; remove it, or record_start and record_continue");
  for (const auto& [key, kind, text] : {std::tuple("record_start", Rules::Kind::kStart, &source.record_start),
                                        std::tuple("record_continue", Rules::Kind::kContinue, &source.record_continue)}) {
    if (text->empty()) continue;
    if (const auto rules = Rules::by_expression(kind, *text); !rules.is_ok()) return rules.status().with_context(key);
  }
  if (source.time_zone.empty() || source.time_zone == "local") return Status::ok();
  const auto zone = parse_zone(source.time_zone);
  return zone.is_ok() ? Status::ok() : zone.status().with_context("time_zone");
}

Status check_type(const SourceConfig& source) {
  if (is_stream_input(source)) return check_stream_input(source);
  SILT_TRY(refuse_stream_keys(source));
  if (!is_tracker(source)) {
    if (source.type == "feed" && !source.include.empty())
      return invalid_argument("include is of files and documents; a feed takes what `silt feed` sends");
    if (source.type == "feed" && source.name.find_first_of("{}") != std::string::npos)
      return invalid_argument("name: captures are of files; a feed's sources are NAME and NAME:...");
    if (source.type != "feed" && source.include.empty()) return invalid_argument("include is missing, e.g. include = [\"/var/log/**/*.log\"]");
    if (!source.url.empty() || !source.credential.empty() || !source.queues.empty())
      return invalid_argument("url, credential and queues are of ticket queues; add type = \"redmine\" or the like, or remove them");
    return Status::ok();
  }
  if (!source.include.empty()) return invalid_argument("include is of files and documents; a ticket queue has url and queues");
  if (source.url.empty()) return invalid_argument("url is missing, e.g. url = \"https://tracker.example.org\"");
  if (const auto site = connectors::site_of(source.url); !site.is_ok()) return site.status().with_context("url");
  if (source.credential.empty())
    return invalid_argument("credential is missing: a file of mode 0600 with the key in it, or a LoadCredential= of siltd.service");
  if (source.type == "github" && (source.queues.size() != 1 || source.queues[0].find('/') == std::string::npos))
    return invalid_argument("queues must name one repository, e.g. queues = [\"owner/name\"]");
  return Status::ok();
}

Status check_serve(const ServeConfig& serve) {
  for (const auto& [key, path] : {std::pair("socket", &serve.socket), std::pair("admin_socket", &serve.admin_socket),
                                 std::pair("http_socket", &serve.http_socket)}) {
    if (!path->empty() && path->front() != '/') return invalid_argument("serve." + std::string(key) + ": must be an absolute path, not '" + *path + "'");
  }
  if (serve.socket.empty()) return invalid_argument("serve.socket: must be an absolute path");
  if (!serve.http && !(serve.http_socket.empty() && serve.http_listen.empty()))
    return invalid_argument("serve.http: false goes not together with http_socket and http_listen; remove it, or them");
  const bool tls = !serve.certificate.empty() && !serve.key.empty() && !serve.client_ca.empty();
  if (!serve.listen.empty() && !tls)
    return invalid_argument("serve.listen: needs certificate, key and client_ca: nobody is heard without TLS");
  return Status::ok();
}

Status check_assistant(const AssistantConfig& assistant) {
  if (assistant.url.empty()) return Status::ok();
  if (const auto site = connectors::site_of(assistant.url); !site.is_ok()) return site.status().with_context("assistant.url");
  return assistant.model.empty() ? invalid_argument("assistant.model is missing: the model's name at the endpoint") : Status::ok();
}

Status check_alert(const AlertConfig& alert, const Config& config) {
  constexpr std::size_t kAlertsMax = 32, kNameMax = 64;
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  if (alert.name.empty()) return invalid_argument("name is missing, e.g. name = \"ops\"");
  if (alert.name.size() > kNameMax || alert.name.find_first_not_of(kPlain) != std::string::npos)
    return invalid_argument("name: must be of letters, digits and . _ -, 64 at most");
  const auto same = [&](const AlertConfig& other) { return other.name == alert.name; };
  if (std::any_of(config.alerts.begin(), config.alerts.end(), same)) return invalid_argument("name: \"" + alert.name + "\" is used twice");
  if (config.alerts.size() >= kAlertsMax) return invalid_argument("name: there are more than 32 alert sections");
  const bool mail = alert.type == "mail";
  if (alert.url.empty()) return invalid_argument(std::string("url is missing, e.g. url = \"") + (mail ? "smtps://mail" : "https://hooks") + ".example.org\"");
  if (!mail && !(alert.to.empty() && alert.from.empty())) return invalid_argument("to and from are of mail; add type = \"mail\", or remove them");
  const Status url = mail ? connectors::mail_server_is_here(alert.url).status() : connectors::site_of(alert.url).status();
  if (!url.is_ok()) return url.with_context("url");
  if (mail && alert.to.empty()) return invalid_argument("to is missing, e.g. to = [\"ops@example.org\"]");
  if (!alert.digest.empty() && minute_of_day(alert.digest) < 0) return invalid_argument("digest: must be a time of day like \"08:00\"");
  if (!alert.incidents && alert.digest.empty()) return invalid_argument("incidents: false without a digest sends nothing; add digest = \"08:00\", or remove the section");
  return Status::ok();
}

std::int32_t minute_of_day(const std::string& time) {
  const auto digit = [&](std::size_t at) { return time[at] >= '0' && time[at] <= '9' ? time[at] - '0' : 100; };
  if (time.size() != 5 || time[2] != ':') return -1;
  const int hours = digit(0) * 10 + digit(1), minutes = digit(3) * 10 + digit(4);
  return hours < 24 && minutes < 60 ? hours * 60 + minutes : -1;
}

Status check_access(const AccessConfig& access) {
  const auto named = [&](const std::string& name) { return name.empty() ? 0 : 1; };
  if (named(access.user) + named(access.group) + named(access.certificate) != 1)
    return invalid_argument("name a user, a group or a certificate, one of them");
  const auto empty = [](const std::string& name) { return name.empty(); };
  if (access.tenants.empty() || std::any_of(access.tenants.begin(), access.tenants.end(), empty))
    return invalid_argument("tenants must be names, or \"*\" for all");
  if (!access::rights_of(access.rights))
    return invalid_argument("rights must be some of ask, change, audit, feed");
  return Status::ok();
}

}  // namespace silt::daemon
