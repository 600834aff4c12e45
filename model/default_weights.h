// Where the shipped weight file is, when nobody names one.
#pragma once

#include <string>

#include "base/status.h"

namespace silt::model {

// The first that exists of: beside the program; model/weights/ in the current folder and in every
// folder above the program (a source tree); ../share/silt/ from the program (an installation).
// The failure says where it looked and how to get the file.
Result<std::string> find_default_weights();

}  // namespace silt::model
