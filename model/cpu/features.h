// Which instruction-set paths this CPU and kernel can run.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/cpu/kernels.h"

namespace silt::model::cpu {

// Paths that run here, best first: a subset of amx, avx512bf16, avx512, avx2, baseline.
// Asking for AMX makes Linux grant its tile state to the process; that is done once, here.
std::vector<std::string> usable_isas();

// The table of a path that usable_isas() named; without that call AMX has no permission to run.
Kernels kernels_of(std::string_view isa);

}  // namespace silt::model::cpu
