// Where siltd's own log goes: to a terminal with times and colours, else to standard error with
// systemd's <priority> prefixes (base/log's own sink), which journald understands.
#pragma once

#include <string>

namespace silt::daemon {

void install_log_sink(const std::string& level);  // debug, info, warning, error

}  // namespace silt::daemon
