#include "tests/model/kernels_wide.h"

#include "tests/model/simd_wide.h"
//
#include "model/cpu/blocks_scalar.h"
#include "model/cpu/kernels_inl.h"

namespace silt::model::cpu {

const Kernels& kernels_wide() {
  static constexpr Kernels kTable = make_kernels("wide");
  return kTable;
}

}  // namespace silt::model::cpu
