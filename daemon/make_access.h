// From what the configuration says of callers to what daemon/access takes, and back to what is shown.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/status.h"
#include "daemon/access/callers.h"
#include "daemon/access/quotas.h"
#include "daemon/access/tls_context.h"
#include "daemon/config.h"
#include "proto/silt/v1/admin.pb.h"

namespace silt::daemon {

access::AccessOptions access_options(const Config& config);

std::map<std::string, access::Quota, std::less<>> quotas_of(const Config& config);
// Of the tenants that these are.
void fill_quotas(const access::Quotas& quotas, const access::Tenants& tenants, silt::v1::GetStatusResponse& out);
access::TlsFiles tls_files(const ServeConfig& config);

// Whether its users, groups and certificates are there; the message names the key.
Status check_callers(const Config& config);

}  // namespace silt::daemon
