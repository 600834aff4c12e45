// A 128 x 64 tile of a product, by one block of 256 threads: the own matrix product of the engine.
//
// Eight warps take 32 x 32 each. k goes in steps of 64 through four stages of shared memory. A tile's sums run
// over k in order, whatever the matrix around it. For .cu files only.
#pragma once

#include "model/cuda/device_inl.h"

namespace silt::model::cuda {

constexpr int kTileRows = 128;
constexpr int kTileCols = 64;
constexpr int kTileDepth = 64;
constexpr int kTileThreads = 256;
constexpr int kTileStages = 4;
constexpr int kTileStageBytes = (kTileRows + kTileCols) * kTileDepth * 2;
constexpr int kTileBytes = kTileStages * kTileStageBytes;

// Operands as they lie in memory. a: kTurnA ? [k, m] : [m, k]; b: kTurnB ? [k, n] : [n, k]; lengths of rows lda,
// ldb. Pointers are to the tile's first row and column.
struct TileOperands {
  const Half* a;
  const Half* b;
  int lda, ldb, k;
};

constexpr int kTilePairs = 16;  // of adjacent sums that a thread has
using TileSums = float[2][4][4];  // of one warp: 2 tiles of 16 rows, 4 of 8 columns

template <bool kTurnA, bool kTurnB>
__device__ __forceinline__ void load_stage(const TileOperands& p, int k0, unsigned stage) {
  if (kTurnA) {  // 64 rows of k, 128 columns of m
    const int row = threadIdx.x / 16, chunk = threadIdx.x % 16;
    const unsigned to = tile_address<16>(stage, row, chunk);
    const Half* const from = p.a + static_cast<std::size_t>(k0 + row) * p.lda + chunk * 8;
#pragma unroll
    for (int i = 0; i < kTileDepth / 16; ++i) {
      copy_async_16(to + i * 16 * kTileRows * 2, from + static_cast<std::size_t>(i * 16) * p.lda);
    }
  } else {  // 128 rows of m, 64 columns of k
    copy_tile_async<kTileThreads, kTileRows>(stage, p.a + k0, p.lda);
  }
  const Half* const b = kTurnB ? p.b + static_cast<std::size_t>(k0) * p.ldb : p.b + k0;
  copy_tile_async<kTileThreads, 64>(stage + kTileRows * kTileDepth * 2, b, p.ldb);
}

template <bool kTurnA, bool kTurnB>
__device__ __forceinline__ void multiply_stage(unsigned stage, TileSums& sums) {
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int row0 = warp / 2 * 32, col0 = warp % 2 * 32;
  const int low = lane % 8 + lane / 16 * 8, high = lane / 8 % 2;
  const unsigned b_tile = stage + kTileRows * kTileDepth * 2;
  const unsigned a_at = kTurnA ? tile_address<16>(stage, low, row0 / 8 + high)
                               : tile_address<8>(stage, row0 + lane % 16, lane / 16);
  const unsigned b_at = kTurnB ? tile_address<8>(b_tile, lane % 16, col0 / 8 + lane / 16)
                               : tile_address<8>(b_tile, col0 + low, high);
#pragma unroll
  for (int k = 0; k < kTileDepth / 16; ++k) {
    unsigned a[2][4], b[2][4];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      if (kTurnA) {
        load_fragments_turned(a[i], chunks_on(a_at, 2 * i) + k * 16 * kTileRows * 2);
      } else {
        load_fragments(a[i], chunks_on(a_at, 2 * k) + i * 16 * kTileDepth * 2);
      }
      if (kTurnB) {
        load_fragments_turned(b[i], chunks_on(b_at, 2 * i) + k * 16 * kTileCols * 2);
      } else {
        load_fragments(b[i], chunks_on(b_at, 2 * k) + i * 16 * kTileDepth * 2);
      }
    }
#pragma unroll
    for (int i = 0; i < 2; ++i) {
#pragma unroll
      for (int j = 0; j < 4; ++j) multiply_add(sums[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
    }
  }
}

// sums += a b. `shared`: kTileBytes of dynamic shared memory, aligned to 128 bytes. All threads must call it;
// after it they may reuse `shared`.
template <bool kTurnA, bool kTurnB>
__device__ __forceinline__ void tile_product(const TileOperands& p, unsigned shared, TileSums& sums) {
  const int steps = p.k / kTileDepth;
  for (int s = 0; s < kTileStages - 1; ++s) {
    if (s < steps) load_stage<kTurnA, kTurnB>(p, s * kTileDepth, shared + s * kTileStageBytes);
    commit_copies();
  }
  for (int step = 0; step < steps; ++step) {
    wait_copies<kTileStages - 2>();
    __syncthreads();
    const int next = step + kTileStages - 1;
    if (next < steps) {
      load_stage<kTurnA, kTurnB>(p, next * kTileDepth, shared + next % kTileStages * kTileStageBytes);
    }
    commit_copies();
    multiply_stage<kTurnA, kTurnB>(shared + step % kTileStages * kTileStageBytes, sums);
  }
  wait_copies<0>();
  __syncthreads();
}

// Calls visit(row, col, two adjacent sums) for the pairs of this thread, rows and columns within the tile.
template <class Visit>
__device__ __forceinline__ void for_each_pair(const TileSums& sums, Visit visit) {
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int row0 = warp / 2 * 32 + lane / 4, col0 = warp % 2 * 32 + lane % 4 * 2;
#pragma unroll
  for (int i = 0; i < 2; ++i) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      visit(row0 + 16 * i, col0 + 8 * j, make_float2(sums[i][j][0], sums[i][j][1]));
      visit(row0 + 16 * i + 8, col0 + 8 * j, make_float2(sums[i][j][2], sums[i][j][3]));
    }
  }
}

}  // namespace silt::model::cuda
