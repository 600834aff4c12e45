#include "model/cpu/simd_avx512.h"
//
#include "model/cpu/blocks_avx512.h"
#include "model/cpu/kernels_inl.h"

namespace silt::model::cpu {

const Kernels& kernels_avx512bf16() {
  static constexpr Kernels kTable = make_kernels("avx512bf16");
  return kTable;
}

}  // namespace silt::model::cpu
