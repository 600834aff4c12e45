#include "daemon/make_access.h"

#include <utility>

#include "connectors/http/credential.h"
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

access::TlsFiles tls_files(const ServeConfig& config) {
  return {config.certificate, connectors::credential_path(config.key), config.client_ca};
}

Status check_access(const Config& config) {
  if (!config.serve.listen.empty()) {
    SILT_TRY(serve::check_tcp_place(config.serve.listen));
    SILT_TRY(access::tls_context(tls_files(config.serve), "h2").status());
  }
  return access::caller_policy(access_options(config), std::nullopt).status();
}

}  // namespace silt::daemon
