// The table of `silt sources`.
#pragma once

#include <string>

#include "cli/terminal.h"
#include "proto/silt/v1/admin.pb.h"

namespace silt::cli {

std::string render(const silt::v1::ListSourcesResponse& response, const Style& style);

}  // namespace silt::cli
