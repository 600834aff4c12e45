// A 128 x 64 tile of a product, by one block of 256 threads: the own matrix product of the engine.
//
// Eight warps take 32 x 32 each. k goes in steps of 64 through three stages of shared memory. A tile's sums run
// over k in order, whatever the matrix around it. For .cu files only.
#pragma once

#include "model/cuda/device_inl.h"

namespace silt::model::cuda {

constexpr int kTileRows = 128;
constexpr int kTileCols = 64;
constexpr int kTileDepth = 64;
constexpr int kTileThreads = 256;
constexpr int kTileStages = 3;
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
  const int thread = threadIdx.x;
  if (kTurnA) {  // 64 rows of k, 128 columns of m
#pragma unroll
    for (int i = 0; i < kTileDepth * 16 / kTileThreads; ++i) {
      const int row = (thread + i * kTileThreads) / 16, chunk = (thread + i * kTileThreads) % 16;
      copy_async_16(tile_address<16>(stage, row, chunk), p.a + static_cast<std::size_t>(k0 + row) * p.lda + chunk * 8);
    }
  } else {  // 128 rows of m, 64 columns of k
#pragma unroll
    for (int i = 0; i < kTileRows * 8 / kTileThreads; ++i) {
      const int row = (thread + i * kTileThreads) / 8, chunk = (thread + i * kTileThreads) % 8;
      copy_async_16(tile_address<8>(stage, row, chunk), p.a + static_cast<std::size_t>(row) * p.lda + k0 + chunk * 8);
    }
  }
  const unsigned b = stage + kTileRows * kTileDepth * 2;
#pragma unroll
  for (int i = 0; i < 64 * 8 / kTileThreads; ++i) {
    const int row = (thread + i * kTileThreads) / 8, chunk = (thread + i * kTileThreads) % 8;
    const Half* from = kTurnB ? p.b + static_cast<std::size_t>(k0 + row) * p.ldb + chunk * 8
                              : p.b + static_cast<std::size_t>(row) * p.ldb + k0 + chunk * 8;
    copy_async_16(tile_address<8>(b, row, chunk), from);
  }
}

template <bool kTurnA, bool kTurnB>
__device__ __forceinline__ void multiply_stage(unsigned stage, TileSums& sums) {
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int row0 = warp / 2 * 32, col0 = warp % 2 * 32;
  const unsigned b_tile = stage + kTileRows * kTileDepth * 2;
#pragma unroll
  for (int k = 0; k < kTileDepth / 16; ++k) {
    unsigned a[2][4], b[2][4];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      if (kTurnA) {
        load_fragments_turned(a[i], tile_address<16>(stage, 16 * k + lane % 8 + lane / 16 * 8,
                                                     (row0 + 16 * i) / 8 + lane / 8 % 2));
      } else {
        load_fragments(a[i], tile_address<8>(stage, row0 + 16 * i + lane % 16, 2 * k + lane / 16));
      }
    }
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      if (kTurnB) {
        load_fragments_turned(b[j], tile_address<8>(b_tile, 16 * k + lane % 16, (col0 + 16 * j) / 8 + lane / 16));
      } else {
        load_fragments(b[j], tile_address<8>(b_tile, col0 + 16 * j + lane % 8 + lane / 16 * 8, 2 * k + lane / 8 % 2));
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
