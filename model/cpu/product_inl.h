// product() of the vector paths. Needs F, Pair and their functions from a simd_*.h.
#pragma once

#include "model/cpu/kernels.h"

namespace silt::model::cpu {
namespace {

constexpr int kTileVectors = 2;
constexpr int kTileColumns = kTileVectors * kLanes;  // columns of one register tile

// c[m][kTileColumns] += a panel over all of k, the sums held in registers.
template <int m>
inline void product_tile(const Bf16* a, long lda, const Bf16* panel, int k, float* c, long ldc,
                         bool accumulate) {
  F sum[m][kTileVectors];
#pragma GCC unroll 16
  for (int i = 0; i < m; ++i) {
#pragma GCC unroll 2
    for (int v = 0; v < kTileVectors; ++v) {
      sum[i][v] = accumulate ? load(c + i * ldc + v * kLanes) : splat(0);
    }
  }
  for (int kk = 0; kk < k; kk += 2) {
    const Bf16* row = panel + static_cast<long>(kk) * kBlock;
    const Pair b0 = load_pair(row);
    const Pair b1 = load_pair(row + 2 * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < m; ++i) {
      const Pair x = splat_pair(a + i * lda + kk);
      sum[i][0] = dot(x, b0, sum[i][0]);
      sum[i][1] = dot(x, b1, sum[i][1]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < m; ++i) {
#pragma GCC unroll 2
    for (int v = 0; v < kTileVectors; ++v) store(c + i * ldc + v * kLanes, sum[i][v]);
  }
}

template <int m>
inline void product_rows(const Bf16* a, long lda, int& row, int rows, const Bf16* panel, int k, float* c,
                         long ldc, bool accumulate) {
  for (; row + m <= rows; row += m) {
    product_tile<m>(a + row * lda, lda, panel, k, c + row * ldc, ldc, accumulate);
  }
}

void product(const Bf16* a, long lda, int rows, const Bf16* panel, int k, float* c, long ldc,
             bool accumulate) {
  for (int n = 0; n < kBlock; n += kTileColumns) {
    const Bf16* columns = panel + 2 * n;
    int row = 0;
    product_rows<kTileRows>(a, lda, row, rows, columns, k, c + n, ldc, accumulate);
    if constexpr (kTileRows > 8) product_rows<8>(a, lda, row, rows, columns, k, c + n, ldc, accumulate);
    if constexpr (kTileRows > 4) product_rows<4>(a, lda, row, rows, columns, k, c + n, ldc, accumulate);
    product_rows<2>(a, lda, row, rows, columns, k, c + n, ldc, accumulate);
    product_rows<1>(a, lda, row, rows, columns, k, c + n, ldc, accumulate);
  }
}

}  // namespace
}  // namespace silt::model::cpu
