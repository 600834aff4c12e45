#include "daemon/make_access.h"

#include <utility>

#include "base/escape.h"
#include "connectors/http/credential.h"
#include "daemon/serve/http/http_server.h"
#include "daemon/serve/tcp_socket.h"

namespace silt::daemon {

access::AccessOptions access_options(const Config& config) {
  access::AccessOptions options{config.serve.change_group, {}};
  for (const AccessConfig& section : config.access) {
    access::AccessRule rule{section.user, section.group, section.certificate, {}, {}, section.line.place};
    rule.rights = access::rights_of(section.rights).value();  // checked when the file was read
    for (const std::string& tenant : section.tenants)
      rule.tenants.add(tenant == "*" ? access::Tenants::all() : access::Tenants({tenant}));
    options.rules.push_back(std::move(rule));
  }
  return options;
}

std::map<std::string, access::Quota, std::less<>> quotas_of(const Config& config) {
  std::map<std::string, access::Quota, std::less<>> quotas;
  for (const QuotaConfig& section : config.quotas) {
    quotas[section.tenant] = {.sources_max = section.sources_max,
                              .bytes_per_day = section.mib_per_day << 20,
                              .resident_states_max = section.resident_states_max,
                              .questions_per_minute = section.questions_per_minute};
  }
  return quotas;
}

void fill_quotas(const access::Quotas& quotas, const access::Tenants& tenants, silt::v1::GetStatusResponse& out) {
  for (const access::QuotaUse& use : quotas.use()) {
    if (!tenants.sees(use.tenant)) continue;
    silt::v1::QuotaUse& to = *out.add_quotas();
    to.set_tenant(escape_bytes(use.tenant));
    to.set_sources_max(use.quota.sources_max);
    to.set_sources_refused(use.sources_refused);
    to.set_bytes_per_day(use.quota.bytes_per_day);
    to.set_bytes_today(use.bytes_today);
    to.set_pauses(use.pauses);
    to.set_resident_states_max(use.quota.resident_states_max);
    to.set_states_evicted(use.states_evicted);
    to.set_questions_per_minute(use.quota.questions_per_minute);
    to.set_questions(use.questions);
    to.set_questions_refused(use.questions_refused);
  }
}

access::TlsFiles tls_files(const ServeConfig& config) {
  return {config.certificate, connectors::credential_path(config.key), config.client_ca};
}

Status check_callers(const Config& config) {
  if (!config.serve.listen.empty()) {
    SILT_TRY(serve::check_tcp_place(config.serve.listen));
    SILT_TRY(access::tls_context(tls_files(config.serve), "h2").status());
  }
  if (!config.serve.http_listen.empty()) SILT_TRY(serve::http::check_http_place(config.serve.http_listen));
  return access::caller_policy(access_options(config), std::nullopt).status();
}

}  // namespace silt::daemon
