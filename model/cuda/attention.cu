// Window attention, forward: one block a (lane, head, 64 or 128 rows), keys in tiles of 64.
#include "model/cuda/attention_inl.h"

namespace silt::model::cuda {
namespace {

constexpr int kKeys = 64;  // of a tile
constexpr int kTile = kKeys * kHeadWidth * 2;
constexpr int kStages = 2;

template <int kRows>
constexpr int shared_bytes() {
  return kRows * kHeadWidth * 2 + 2 * 2 * kTile + kStages * 2 * kTile;
}

struct Softmax {
  float highest[2] = {-INFINITY, -INFINITY};
  float sum[2] = {0, 0};
  float out[8][4] = {};
};

// Takes 64 more keys in: scores s become probabilities.
__device__ __forceinline__ void take(float (&s)[8][4], unsigned values, int key0, Softmax& state) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float top = state.highest[half];
#pragma unroll
    for (int j = 0; j < 8; ++j) top = fmaxf(top, fmaxf(s[j][2 * half], s[j][2 * half + 1]));
    top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 1));
    top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 2));
    const float shrink = exp2_of((state.highest[half] - top) * kScoreScale);
    state.highest[half] = top;
    state.sum[half] *= shrink;
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      state.out[j][2 * half] *= shrink;
      state.out[j][2 * half + 1] *= shrink;
#pragma unroll
      for (int e = 2 * half; e < 2 * half + 2; ++e) {
        s[j][e] = exp2_of((s[j][e] - top) * kScoreScale);
        state.sum[half] += s[j][e];
      }
    }
  }
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    const unsigned p[4] = {pack2(s[2 * k][0], s[2 * k][1]), pack2(s[2 * k][2], s[2 * k][3]),
                           pack2(s[2 * k + 1][0], s[2 * k + 1][1]), pack2(s[2 * k + 1][2], s[2 * k + 1][3])};
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      unsigned b[4];
      load_fragments_turned(b, tile_address<kHeadChunks>(values, key0 + 16 * k + lane % 16, 2 * j + lane / 16));
      multiply_add(state.out[2 * j], p, b[0], b[1]);
      multiply_add(state.out[2 * j + 1], p, b[2], b[3]);
    }
  }
}

template <int kRows>
__global__ void __launch_bounds__(kRows * 2, 256 / kRows) attention_kernel(AttentionArgs args) {
  constexpr int kThreads = kRows * 2;
  extern __shared__ __align__(128) unsigned char memory[];
  unsigned char* const queries = memory;
  unsigned char* const own_keys = queries + kRows * kHeadWidth * 2;  // 128 rows
  unsigned char* const own_values = own_keys + 2 * kTile;
  const unsigned ring_tiles = shared_address(own_values + 2 * kTile);
  const int head = blockIdx.x, lane_index = blockIdx.y, part = blockIdx.z;
  const LaneArgs& lane = args.lanes[lane_index];
  const int blocks = args.window_blocks + 1, slot = lane.slot;
  const int valid = min(lane.valid, args.window_blocks);
  const int own_rows = (part + 1) * kRows;  // rows of the open block that these queries may see
  const std::size_t stride = 3 * args.heads * kHeadWidth;
  const Half* rows = args.qkv + static_cast<std::size_t>(lane_index) * kBlockRows * stride + head * kHeadWidth;
  Half* const ring = layer_ring(args, lane_index);

  // Tile t of the window: block t / 2 + 1 steps back, its half t % 2.
  const int tiles = 2 * valid;
  const auto load = [&](int t) {
    if (t < tiles) {
      const Half* from = ring + ring_at(block_back(slot, t / 2 + 1, blocks), head, args.heads) + t % 2 * kKeys * kHeadWidth;
      const unsigned to = ring_tiles + t % kStages * 2 * kTile;
      for (int i = threadIdx.x; i < kKeys * kHeadChunks; i += kThreads) {
        const int row = i / kHeadChunks, chunk = i % kHeadChunks;
        copy_async_16(tile_address<kHeadChunks>(to, row, chunk), from + row * kHeadWidth + chunk * 8);
        copy_async_16(tile_address<kHeadChunks>(to + kTile, row, chunk), from + args.ring_size + row * kHeadWidth + chunk * 8);
      }
    }
    commit_copies();
  };
  load(0);

  Half* const own_ring = ring + ring_at(slot, head, args.heads);
  const Half* own = rows + args.heads * kHeadWidth;
  copy_rows<kThreads>(rows + part * kRows * stride, stride, kRows, queries, nullptr, 0, 0);
  turn_keys<kThreads>(own, stride, own_rows, args.rotary, own_keys, own_ring, part * kRows, own_rows);
  copy_rows<kThreads>(own + args.heads * kHeadWidth, stride, own_rows, own_values, own_ring + args.ring_size,
                      part * kRows, own_rows);
  __syncthreads();

  const int thread = threadIdx.x % 32, warp_row = threadIdx.x / 32 * 16;
  const int place0 = part * kRows + warp_row;  // of the warp's first query
  unsigned q[4][4];
  float s[8][4];
  Softmax state;
  const auto mask = [&](int key0, int m) {
#pragma unroll
    for (int j = 0; j < 8; ++j) {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const int i = place0 + thread / 4 + e / 2 * 8, key = key0 + 8 * j + thread % 4 * 2 + e % 2;
        if (!sees(i, key, m, args.window_blocks)) s[j][e] = -INFINITY;
      }
    }
  };
  turned_queries(shared_address(queries), warp_row, place0, 0, args.rotary, q);
  for (int half = 0; half < 2; ++half) {
    if (half * kKeys > place0 + 15) continue;  // all of it lies ahead
    score_tile(q, shared_address(own_keys), half * kKeys, s);
    mask(half * kKeys, 0);
    take(s, shared_address(own_values), half * kKeys, state);
  }
  for (int t = 0; t < tiles; ++t) {
    load(t + 1);
    wait_copies<1>();
    __syncthreads();
    const int m = t / 2 + 1, key0 = t % 2 * kKeys;
    if (t % 2 == 0) turned_queries(shared_address(queries), warp_row, place0, kBlockRows * m, args.rotary, q);
    const bool last = m == args.window_blocks;
    if (!last || key0 + kKeys - 1 > place0) {
      const unsigned tile = ring_tiles + t % kStages * 2 * kTile;
      score_tile(q, tile, 0, s);
      if (last) mask(key0, m);
      take(s, tile + kTile, 0, state);
    }
    __syncthreads();
  }
  wait_copies<0>();
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float sum = state.sum[half];
    sum += __shfl_xor_sync(0xffffffffu, sum, 1);
    sum += __shfl_xor_sync(0xffffffffu, sum, 2);
    const float inverse = 1.0f / sum;
    const std::size_t row = static_cast<std::size_t>(lane_index) * kBlockRows + place0 + thread / 4 + 8 * half;
    auto* to = reinterpret_cast<unsigned*>(args.out + (row * args.heads + head) * kHeadWidth);
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      to[4 * j + thread % 4] = pack2(state.out[j][2 * half] * inverse, state.out[j][2 * half + 1] * inverse);
    }
    if (args.lse != nullptr && thread % 4 == 0) {
      args.lse[row * args.heads + head] = state.highest[half] * kScoreScale + log2f(sum);
    }
  }
}

__global__ void store_keys_kernel(AttentionArgs args, int lane_index) {
  const int head = blockIdx.x, block = blockIdx.y;
  const std::size_t stride = 3 * args.heads * kHeadWidth;
  const Half* rows = args.qkv + static_cast<std::size_t>(block) * kBlockRows * stride + head * kHeadWidth;
  Half* const ring = layer_ring(args, lane_index) + ring_at(block, head, args.heads);
  const Half* keys = rows + args.heads * kHeadWidth;
  turn_keys<256>(keys, stride, kBlockRows, args.rotary, nullptr, ring, 0, kBlockRows);
  copy_rows<256>(keys + args.heads * kHeadWidth, stride, kBlockRows, nullptr, ring + args.ring_size, 0, kBlockRows);
}

template <int kRows>
cudaError_t launch(const AttentionArgs& args, int lanes, cudaStream_t stream) {
  const cudaError_t error = cudaFuncSetAttribute(
      attention_kernel<kRows>, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes<kRows>());
  if (error != cudaSuccess) return error;
  attention_kernel<kRows>
      <<<dim3(args.heads, lanes, kBlockRows / kRows), kRows * 2, shared_bytes<kRows>(), stream>>>(args);
  return cudaPeekAtLastError();
}

}  // namespace

// Few lanes leave processors idle: then half as many rows a block. A warp's 16 rows are the same either way.
cudaError_t attention(const AttentionArgs& args, int lanes, cudaStream_t stream) {
  return lanes <= 8 ? launch<64>(args, lanes, stream) : launch<128>(args, lanes, stream);
}

cudaError_t store_keys(const AttentionArgs& args, int lane, int blocks, cudaStream_t stream) {
  store_keys_kernel<<<dim3(args.heads, blocks), 256, 0, stream>>>(args, lane);
  return cudaPeekAtLastError();
}

}  // namespace silt::model::cuda
