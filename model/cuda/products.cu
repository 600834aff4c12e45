// Products with one matrix a lane, the learning step, and the engine's own shared product.
#include <cmath>

#include "model/cuda/tile_product_inl.h"

namespace silt::model::cuda {
namespace {

extern __shared__ __align__(128) unsigned char tile_memory[];

__global__ void __launch_bounds__(kTileThreads) product_kernel(Product p) {
  wait_for_turn();
  const std::size_t row0 = static_cast<std::size_t>(blockIdx.y) * kTileRows;
  const std::size_t col0 = static_cast<std::size_t>(blockIdx.x) * kTileCols;
  const Half* a = p.a + blockIdx.z * p.a_part + row0 * p.lda;
  const Half* b = p.b + blockIdx.z * p.b_part;
  TileSums sums = {};
  const unsigned shared = shared_address(tile_memory);
  if (p.b_rows) {
    tile_product<false, false>({a, b + col0 * p.ldb, p.lda, p.ldb, p.k}, shared, sums);
  } else {
    tile_product<false, true>({a, b + col0, p.lda, p.ldb, p.k}, shared, sums);
  }
  for_each_pair(sums, [&](int row, int col, float2 two) {
    const std::size_t at = (row0 + row) * p.n + col0 + col;
    if (p.half_out) {
      *reinterpret_cast<unsigned*>(static_cast<Half*>(p.c) + blockIdx.z * p.c_part + at) = pack2(two.x, two.y);
      return;
    }
    if (p.c_in != nullptr) {
      const float2 before = *reinterpret_cast<const float2*>(p.c_in + at);
      two = make_float2(before.x + two.x, before.y + two.y);
    }
    *reinterpret_cast<float2*>(static_cast<float*>(p.c) + blockIdx.z * p.c_part + at) = two;
  });
}

__global__ void __launch_bounds__(kTileThreads)
    fast_down_kernel(const LaneArgs* lanes, const Half* act, float* h, int layer, int width, int fast_width) {
  wait_for_turn();
  const std::size_t row0 = static_cast<std::size_t>(blockIdx.y) * kTileRows;
  const int col0 = blockIdx.x * kTileCols;
  const Half* weights = lanes[blockIdx.y].pack + static_cast<std::size_t>(layer) * fast_width * width;
  float* const to = h + row0 * width + col0;
  float2 before[kTilePairs];
  int n = 0;
  TileSums sums = {};
  for_each_pair(sums, [&](int row, int col, float2) {
    before[n++] = *reinterpret_cast<const float2*>(to + static_cast<std::size_t>(row) * width + col);
  });
  tile_product<false, true>({act + row0 * fast_width, weights + col0, fast_width, width, fast_width},
                            shared_address(tile_memory), sums);
  n = 0;
  for_each_pair(sums, [&](int row, int col, float2 two) {
    const float2 sum = make_float2(before[n].x + two.x, before[n].y + two.y);
    *reinterpret_cast<float2*>(to + static_cast<std::size_t>(row) * width + col) = sum;
    ++n;
  });
}

__global__ void __launch_bounds__(kTileThreads)
    fast_down_backward_kernel(const LaneArgs* lanes, const Half* dh, Half* dact, int layer, int width, int fast_width) {
  wait_for_turn();
  const std::size_t row0 = static_cast<std::size_t>(blockIdx.y) * kTileRows;
  const int col0 = blockIdx.x * kTileCols;
  const Half* weights = lanes[blockIdx.y].pack + static_cast<std::size_t>(layer) * fast_width * width;
  TileSums sums = {};
  tile_product<false, false>(
      {dh + row0 * width, weights + static_cast<std::size_t>(col0) * width, width, width, width},
      shared_address(tile_memory), sums);
  for_each_pair(sums, [&](int row, int col, float2 two) {
    *reinterpret_cast<unsigned*>(dact + (row0 + row) * fast_width + col0 + col) = pack2(two.x, two.y);
  });
}

// Block (tile, layer, lane): a 128 x 64 part of both Gram matrices, and the sum of their products.
__global__ void __launch_bounds__(kTileThreads) gradient_norms_kernel(FastGradients g, int width, int fast_width) {
  wait_for_turn();
  __shared__ float warps[kTileThreads / 32];
  const int layer = blockIdx.y;
  const std::size_t row0 = static_cast<std::size_t>(blockIdx.z) * kBlockRows;
  const std::size_t col0 = row0 + blockIdx.x * kTileCols;
  const unsigned shared = shared_address(tile_memory);
  const Half* act = g.act[layer];
  const Half* dh = g.dh[layer];
  TileSums hidden = {}, slope = {};
  const std::size_t f = fast_width, d = width;
  tile_product<false, false>({act + row0 * f, act + col0 * f, fast_width, fast_width, fast_width}, shared, hidden);
  tile_product<false, false>({dh + row0 * d, dh + col0 * d, width, width, width}, shared, slope);
  float sum = 0;
#pragma unroll
  for (int i = 0; i < 2; ++i) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
#pragma unroll
      for (int e = 0; e < 4; ++e) sum = fmaf(hidden[i][j][e], slope[i][j][e], sum);
    }
  }
  sum = warp_sum(sum);
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x != 0) return;
  float all = 0;
  for (int warp = 0; warp < kTileThreads / 32; ++warp) all += warps[warp];
  g.parts[(static_cast<std::size_t>(blockIdx.z) * gridDim.y + layer) * kGramTiles + blockIdx.x] = all;
}

// Whether the lane's losses are finite: in all threads of the block.
__device__ bool losses_finite(const float* nll) {
  const bool bad = threadIdx.x < kBlockRows && !isfinite(nll[threadIdx.x]);
  return __syncthreads_or(bad) == 0;
}

// What fast_update_kernel is told besides the lanes.
struct UpdateShape {
  int lanes, layers, width, fast_width;
  float clip_norm;
};

// The lane's |g|^2, in all threads.
__device__ float squared_norm(const FastGradients& g, int lane, int layers) {
  float squared = 0;
  for (int i = 0; i < layers * kGramTiles; ++i) {
    squared += g.parts[static_cast<std::size_t>(lane) * layers * kGramTiles + i];
  }
  return squared + 1e-12f;
}

// What the lanes of a block share, by threads: W_0 of the tile in shared memory, and the rates of the thread's rows.
struct TileRates {
  const float2* initial;
  float decay[4], step[4];
};

// One lane's part of the block.
__device__ __forceinline__ void update_tile(const LaneArgs& lane, const FastGradients& g, const UpdateShape& shape,
                                            int lane_index, int layer, const TileRates& rates) {
  const float squared = squared_norm(g, lane_index, shape.layers);
  const bool asked = lane.next_weights != nullptr;
  const bool learns = losses_finite(g.nll + static_cast<std::size_t>(lane_index) * kBlockRows) && isfinite(squared);
  if (blockIdx.x == 0 && blockIdx.y == 0 && layer == 0 && threadIdx.x == 0) {
    g.results[lane_index] = {squared, asked && learns ? 1 : 0};
  }
  if (!asked || (!learns && lane.next_weights == lane.weights)) return;
  const std::size_t token0 = static_cast<std::size_t>(lane_index) * kBlockRows;
  const int unit0 = blockIdx.y * kTileRows, col0 = blockIdx.x * kTileCols;
  const std::size_t base = static_cast<std::size_t>(layer) * shape.fast_width * shape.width;
  const auto at = [&](int row, int col) {
    return base + static_cast<std::size_t>(unit0 + row) * shape.width + col0 + col;
  };
  // All of the weights are asked for before the first is needed, and before the first is written.
  float2 before[kTilePairs];
  int n = 0;
  TileSums sums = {};
  for_each_pair(sums, [&](int row, int col, float2) {
    before[n++] = __ldcs(reinterpret_cast<const float2*>(lane.weights + at(row, col)));
  });
  tile_product<true, true>({g.act[layer] + token0 * shape.fast_width + unit0, g.dh[layer] + token0 * shape.width + col0,
                            shape.fast_width, shape.width, kBlockRows},
                           shared_address(tile_memory), sums);
  const float scale = fminf(1.0f, shape.clip_norm / sqrtf(squared));
  n = 0;
  for_each_pair(sums, [&](int row, int col, float2 two) {
    float2 w = before[n];
    const float2 w0 = rates.initial[n * kTileThreads];
    const int its_row = n / 8 * 2 + n % 2;  // for_each_pair() visits rows in this order
    ++n;
    if (learns) {
      const float decay = rates.decay[its_row], step = rates.step[its_row] * scale;
      w.x = fmaf(decay, w.x - w0.x, w0.x) - step * two.x;
      w.y = fmaf(decay, w.y - w0.y, w0.y) - step * two.y;
    }
    __stcs(reinterpret_cast<float2*>(lane.next_weights + at(row, col)), w);
    *reinterpret_cast<unsigned*>(lane.next_pack + at(row, col)) = pack2(w.x, w.y);
  });
}

constexpr int kUpdateLanes = 4;  // that share a block's part of W_0
constexpr int kInitialBytes = kTileRows * kTileCols * 4;

// Block (64 columns, 128 hidden units, layer and some lanes).
__global__ void __launch_bounds__(kTileThreads, 2)
    fast_update_kernel(const LaneArgs* lanes, FastGradients g, UpdateShape shape) {
  wait_for_turn();
  const int layer = blockIdx.z % shape.layers, first = blockIdx.z / shape.layers * kUpdateLanes;
  auto* const initial = reinterpret_cast<float2*>(tile_memory + 2 * kTileStageBytes) + threadIdx.x;
  const std::size_t base = static_cast<std::size_t>(layer) * shape.fast_width * shape.width;
  int n = 0;
  const TileSums none = {};
  TileRates rates;
  rates.initial = initial;
  for_each_pair(none, [&](int row, int col, float2) {
    const int unit = blockIdx.y * kTileRows + row;
    const std::size_t at = static_cast<std::size_t>(unit) * shape.width + blockIdx.x * kTileCols + col;
    initial[n * kTileThreads] = *reinterpret_cast<const float2*>(g.initial + base + at);
    rates.decay[n / 8 * 2 + n % 2] = g.decays[layer * shape.fast_width + unit];
    rates.step[n / 8 * 2 + n % 2] = g.steps[layer * shape.fast_width + unit];
    ++n;
  });
  for (int lane = first; lane < min(first + kUpdateLanes, shape.lanes); ++lane) {
    update_tile(lanes[lane], g, shape, lane, layer, rates);
  }
}

__global__ void round_kernel(const float* weights, std::size_t pairs, Half* pack) {
  wait_for_turn();
  const std::size_t at = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at >= pairs) return;
  const float2 two = reinterpret_cast<const float2*>(weights)[at];
  reinterpret_cast<unsigned*>(pack)[at] = pack2(two.x, two.y);
}

}  // namespace

cudaError_t product(const Product& p, cudaStream_t stream) {
  const dim3 grid(p.n / kTileCols, p.m / kTileRows, p.parts);
  return launch(product_kernel, grid, kTileThreads, kTileBytes, stream, p);
}

cudaError_t fast_down(const LaneArgs* lanes, const Half* act, float* h, int layer, const Shape& shape, int lane_count,
                      cudaStream_t stream) {
  const dim3 grid(shape.width / kTileCols, lane_count);
  return launch(fast_down_kernel, grid, kTileThreads, kTileBytes, stream, lanes, act, h, layer, shape.width,
                shape.fast_width);
}

cudaError_t fast_down_backward(const LaneArgs* lanes, const Half* dh, Half* dact, int layer, const Shape& shape,
                               int lane_count, cudaStream_t stream) {
  const dim3 grid(shape.fast_width / kTileCols, lane_count);
  return launch(fast_down_backward_kernel, grid, kTileThreads, kTileBytes, stream, lanes, dh, dact, layer, shape.width,
                shape.fast_width);
}

cudaError_t gradient_norms(const FastGradients& g, const Shape& shape, int lane_count, cudaStream_t stream) {
  const dim3 grid(kGramTiles, shape.fast_layers, lane_count);
  return launch(gradient_norms_kernel, grid, kTileThreads, kTileBytes, stream, g, shape.width, shape.fast_width);
}

cudaError_t fast_update(const LaneArgs* lanes, const FastGradients& g, const Shape& shape, int lane_count,
                        cudaStream_t stream) {
  const int groups = (lane_count + kUpdateLanes - 1) / kUpdateLanes;
  const dim3 grid(shape.width / kTileCols, shape.fast_width / kTileRows, groups * shape.fast_layers);
  const UpdateShape update = {lane_count, shape.fast_layers, shape.width, shape.fast_width, shape.clip_norm};
  return launch(fast_update_kernel, grid, kTileThreads, 2 * kTileStageBytes + kInitialBytes, stream, lanes, g, update);
}

cudaError_t round_weights(const float* weights, std::size_t count, Half* pack, cudaStream_t stream) {
  const std::size_t pairs = count / 2;
  return launch(round_kernel, static_cast<unsigned>((pairs + 255) / 256), 256, 0, stream, weights, pairs, pack);
}

}  // namespace silt::model::cuda
