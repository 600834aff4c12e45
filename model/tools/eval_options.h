// Command line of silt-eval.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace silt::model {

enum class EvalCommand { kBitsPerByte, kFitRecall, kLearn };

struct EvalOptions {
  EvalCommand command = EvalCommand::kBitsPerByte;
  std::vector<std::string> files;
  std::string weights;  // empty: search
  std::string backend = "auto";
  int threads = 1;
  int devices = 1;  // GPUs, of kLearn
  std::size_t tokens_max = 0;  // 0: all
  std::string nats_out;        // empty: none
  std::string gate_out;        // of kFitRecall
  bool frozen = false;         // of kLearn
  bool json = false;
  bool learn = true;
  bool recall = true;
  bool token_ids = false;
  std::optional<bool> compare;  // with other compressors; unset: not in JSON
  bool help = false;
};

extern const std::string_view kEvalUsage;

// `arguments` without the program's name. The failure is one line that says what to write instead.
Result<EvalOptions> parse_eval_options(std::span<const std::string_view> arguments);

}  // namespace silt::model
