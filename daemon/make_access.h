// From what the configuration says of callers to what daemon/access takes.
#pragma once

#include "base/status.h"
#include "daemon/access/callers.h"
#include "daemon/access/tls_context.h"
#include "daemon/config.h"

namespace silt::daemon {

access::AccessOptions access_options(const Config& config);

access::TlsFiles tls_files(const ServeConfig& config);

// Whether its users, groups and certificates are there; the message names the key.
Status check_access(const Config& config);

}  // namespace silt::daemon
