// multiply_int8() of the vector paths. Needs Words and its functions from a simd_*.h.
#pragma once

#include "model/cpu/kernels.h"

namespace silt::model::cpu {
namespace {

constexpr int kWordVectors = kInt8Columns / kLanes;

// c[m][16] = a panel over all of k, the sums held in registers.
template <int m>
inline void int8_tile(const std::int16_t* a, long lda, const std::int8_t* panel, int k, std::int32_t* c,
                      long ldc) {
  Words sum[m][kWordVectors];
#pragma GCC unroll 16
  for (int i = 0; i < m; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kWordVectors; ++v) sum[i][v] = no_words();
  }
  for (int kk = 0; kk < k; kk += 2) {
    Words b[kWordVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kWordVectors; ++v) {
      b[v] = load_words(panel + static_cast<long>(kk) * kInt8Columns + 2 * v * kLanes);
    }
#pragma GCC unroll 16
    for (int i = 0; i < m; ++i) {
      const Words x = splat_words(a + i * lda + kk);
#pragma GCC unroll 4
      for (int v = 0; v < kWordVectors; ++v) sum[i][v] = multiply_add(x, b[v], sum[i][v]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < m; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kWordVectors; ++v) store_words(c + i * ldc + v * kLanes, sum[i][v]);
  }
}

template <int m>
inline void int8_rows(const std::int16_t* a, long lda, int& row, int rows, const std::int8_t* panel, int k,
                      std::int32_t* c, long ldc) {
  for (; row + m <= rows; row += m) int8_tile<m>(a + row * lda, lda, panel, k, c + row * ldc, ldc);
}

void multiply_int8(const std::int16_t* a, long lda, int rows, const std::int8_t* panel, int k,
                   std::int32_t* c, long ldc) {
  int row = 0;
  int8_rows<kWordRows>(a, lda, row, rows, panel, k, c, ldc);
  if constexpr (kWordRows > 8) int8_rows<8>(a, lda, row, rows, panel, k, c, ldc);
  if constexpr (kWordRows > 4) int8_rows<4>(a, lda, row, rows, panel, k, c, ldc);
  if constexpr (kWordRows > 2) int8_rows<2>(a, lda, row, rows, panel, k, c, ldc);
  int8_rows<1>(a, lda, row, rows, panel, k, c, ldc);
}

}  // namespace
}  // namespace silt::model::cpu
