#include "model/cpu/simd_avx2.h"
//
#include "model/cpu/blocks_scalar.h"
#include "model/cpu/kernels_inl.h"

namespace silt::model::cpu {

const Kernels& kernels_avx2() {
  static constexpr Kernels kTable = make_kernels("avx2");
  return kTable;
}

}  // namespace silt::model::cpu
