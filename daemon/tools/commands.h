// Commands of silt-eval that need the daemon's parts. Each returns the exit code.
#pragma once

#include <span>
#include <string_view>

namespace silt::tools {

// silt-eval fold [--patterns] FILE
int fold_file(std::span<const std::string_view> arguments);

// silt-eval ground QUESTIONS ROOT [--encoder WEIGHTS] [--vectors FILE]
int ground_questions(std::span<const std::string_view> arguments);

}  // namespace silt::tools
