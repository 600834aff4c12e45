// Commands of silt-eval that need more than the model.
//
// model/ builds alone and has none (no_eval_extras.cc). A build that has more links its own definition
// of eval_extras() into silt-eval, which then takes the place of that one.
#pragma once

#include <span>
#include <string_view>

namespace silt::model {

struct EvalExtra {
  std::string_view name;
  std::string_view usage;
  int (*run)(std::span<const std::string_view> arguments);  // those behind the name; returns the exit code
};

std::span<const EvalExtra> eval_extras();

}  // namespace silt::model
