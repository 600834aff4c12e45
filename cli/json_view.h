// The API's messages as JSON for scripts. Numbers are numbers, times are RFC 3339 in UTC. Record
// texts are UTF-8; one that is not also comes whole as text_base64.
#pragma once

#include <string>

#include "cli/answer_view.h"
#include "proto/silt/v1/admin.pb.h"
#include "proto/silt/v1/ask.pb.h"

namespace silt::cli {

std::string to_json(const Answer& answer);
std::string to_json(const silt::v1::ExplainResponse& explanation);
std::string to_json(const silt::v1::ListSourcesResponse& sources);
std::string to_json(const silt::v1::GetStatusResponse& status);
std::string to_json(const silt::v1::ResetStateResponse& reset);

}  // namespace silt::cli
