// The kernels over 16 lanes in plain C++: what the AVX-512 paths compute, on any processor (simd_wide.h).
#pragma once

#include "model/cpu/kernels.h"

namespace silt::model::cpu {

const Kernels& kernels_wide();

}  // namespace silt::model::cpu
