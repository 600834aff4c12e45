#include "model/tools/eval_extras.h"

namespace silt::model {

std::span<const EvalExtra> eval_extras() {
  return {};
}

}  // namespace silt::model
