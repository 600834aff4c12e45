// The fast CPU backend: bfloat16 operands, single-precision sums, one code path per instruction set.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/ops/backend.h"

namespace silt::model {

// "cpu-amx", "cpu-avx512bf16", "cpu-avx512", "cpu-avx2", "cpu-baseline": those that run on this
// machine, best first. They differ in the last bits, so a state names the one that made it.
std::vector<std::string> cpu_backends();
// `isa` without the prefix "cpu-".
bool cpu_available(std::string_view isa);

// `options.name`: "auto" or "cpu" take the best path, "cpu-<isa>" that one or fails with the list of
// those available. Fails when the net's shape does not suit (check_shape in cpu_backend.h).
Result<std::unique_ptr<Backend>> open_cpu_backend(const BackendOptions& options, const ModelConfig& config);

}  // namespace silt::model
