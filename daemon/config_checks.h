// What each section of the configuration must be, beyond the form of its keys. A message begins with the key.
#pragma once

#include "base/status.h"
#include "daemon/config.h"

namespace silt::daemon {

// What its type needs, and what only others have.
Status check_type(const SourceConfig& source);
// Its patterns, and of files the captures in its name that come from them.
Status check_patterns(const SourceConfig& source);
// The rules for its records, and its zone.
Status check_records(const SourceConfig& source);
Status check_serve(const ServeConfig& serve);
Status check_assistant(const AssistantConfig& assistant);
Status check_access(const AccessConfig& access);
// Beside those that `config` has already.
Status check_alert(const AlertConfig& alert, const Config& config);

}  // namespace silt::daemon
