// Where siltd's own log goes: to a terminal with times and colours, else to standard error with
// systemd's <priority> prefixes (base/log's own sink), which journald understands.
#pragma once

#include <string>

namespace silt::daemon {

// Level: debug, info, warning, error.
void install_log_sink(const std::string& level);  // once
void set_log_level(const std::string& level);     // at any time, from any thread

}  // namespace silt::daemon
