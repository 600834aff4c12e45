#include "model/cpu/simd_sse2.h"
//
#include "model/cpu/blocks_scalar.h"
#include "model/cpu/kernels_inl.h"

namespace silt::model::cpu {

const Kernels& kernels_baseline() {
  static constexpr Kernels kTable = make_kernels("baseline");
  return kTable;
}

}  // namespace silt::model::cpu
