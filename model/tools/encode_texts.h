// silt-eval encode: what the sentence encoder makes of the lines of a file.
#pragma once

#include "model/tools/eval_extras.h"

namespace silt::model {

EvalExtra encode_command();

}  // namespace silt::model
