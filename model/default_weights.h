// Where a shipped weight file is, when nobody names one.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace silt::model {

inline constexpr std::string_view kReaderWeights = "silt-23m.safetensors";
inline constexpr std::string_view kEncoderWeights = "minilm-l6.safetensors";

// The first `name` that exists of: beside the program; model/weights/ in the current folder and in every
// folder above the program (a source tree); ../share/silt/ from the program (an installation).
// The failure says where it looked and how to get the file.
Result<std::string> find_default_weights(std::string_view name = kReaderWeights);

}  // namespace silt::model
