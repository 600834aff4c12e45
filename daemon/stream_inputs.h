// Stream inputs: what a [[source]] of a type that is neither files nor tickets may say.
#pragma once

#include <span>
#include <string_view>

#include "base/status.h"
#include "daemon/config.h"

namespace silt::daemon {

// journald, syslog, otlp
bool is_stream_input(const SourceConfig& source);

// What its servers may speak: "tcp", "grpc".
std::span<const std::string_view> endpoint_kinds(const SourceConfig& source);

// Whether its keys are there, make sense, and are of its type. The message begins with the key.
Status check_stream_input(const SourceConfig& source);
// Of the other types: that it has no keys of these.
Status refuse_stream_keys(const SourceConfig& source);

}  // namespace silt::daemon
