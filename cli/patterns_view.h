// What lists of patterns look like on a terminal.
#pragma once

#include <string>

#include "cli/terminal.h"
#include "proto/silt/v1/query.pb.h"

namespace silt::cli {

// Each pattern with its times, a line of bars (blank: no records) and its slots; then how many of how many.
std::string render(const silt::v1::PatternsResponse& from, const Style& style);

}  // namespace silt::cli
