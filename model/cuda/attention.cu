// Window attention, forward: one block a (lane, head, 64 or 128 rows), keys in tiles of 64.
#include "model/cuda/attention_inl.h"

namespace silt::model::cuda {
namespace {

constexpr int kKeys = 64;                      // of a tile
constexpr int kTile = kKeys * kHeadWidth * 2;  // its keys, and its values
constexpr int kStages = 4;                     // the open block's two tiles are the first two
constexpr int kQueryBytes = 8 * 16;            // a thread's queries, as floats

template <int kRows>
constexpr int shared_bytes() {
  return kRows * 2 * kQueryBytes + kStages * 2 * kTile;
}

// The queries of a warp's 16 rows, in float: turning them on from block to block loses nothing. Each thread has the
// elements of its fragments, for itself alone.
template <int kThreads>
class Queries {
 public:
  __device__ Queries(unsigned char* memory, const float2* rotary)
      : mine_(reinterpret_cast<float4*>(memory) + threadIdx.x), rotary_(rotary) {}

  // From a tile of raw rows; turned by their places, from place0 on.
  __device__ void load(unsigned tile, int row0, int place0) {
    const int lane = threadIdx.x % 32;
    unsigned q[4][4];
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      load_fragments(q[k], tile_address<kHeadChunks>(tile, row0 + lane % 16, 2 * k + lane / 16));
    }
#pragma unroll
    for (int k = 0; k < 2; ++k) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        mine_[(4 * k + i) * kThreads] =
            make_float4(low_of(q[k][i]), high_of(q[k][i]), low_of(q[k + 2][i]), high_of(q[k + 2][i]));
      }
    }
    place_ = place0 + lane / 4;
  }

  // Turns them, the first time by their places and then by one block, and rounds them to fragments.
  __device__ void next(int m, unsigned (&q)[4][4]) {
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int k = 0; k < 2; ++k) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int place = m == 0 ? place_ + i % 2 * 8 : kBlockRows;
        const int channel = 16 * k + i / 2 * 8 + lane % 4 * 2;
        const float4 angles = *reinterpret_cast<const float4*>(rotary_ + place * kHalfHead + channel);
        float4 value = mine_[(4 * k + i) * kThreads];
        turn(value.x, value.z, make_float2(angles.x, angles.y), 1.0f);
        turn(value.y, value.w, make_float2(angles.z, angles.w), 1.0f);
        mine_[(4 * k + i) * kThreads] = value;
        q[k][i] = pack2(value.x, value.y);
        q[k + 2][i] = pack2(value.z, value.w);
      }
    }
  }

 private:
  float4* mine_;
  const float2* rotary_;
  int place_ = 0;
};

struct Softmax {
  float highest[2] = {-INFINITY, -INFINITY};
  float sum[2] = {0, 0};
  float out[8][4] = {};
};

// Takes 64 more keys in, whose values begin at `values` (row_fragment): scores s become probabilities.
__device__ __forceinline__ void take(float (&s)[8][4], unsigned values, Softmax& state) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float top = state.highest[half];
#pragma unroll
    for (int j = 0; j < 8; ++j) top = fmaxf(top, fmaxf(s[j][2 * half], s[j][2 * half + 1]));
    top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 1));
    top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 2));
    if (__any_sync(0xffffffffu, top != state.highest[half])) {  // else all is shrunk by exactly 1
      const float shrink = exp2_of((state.highest[half] - top) * kScoreScale);
      state.highest[half] = top;
      state.sum[half] *= shrink;
#pragma unroll
      for (int j = 0; j < 8; ++j) {
        state.out[j][2 * half] *= shrink;
        state.out[j][2 * half + 1] *= shrink;
      }
    }
    const float offset = top * kScoreScale;
    float sums[2] = {0, 0};
#pragma unroll
    for (int j = 0; j < 8; ++j) {
#pragma unroll
      for (int e = 2 * half; e < 2 * half + 2; ++e) {
        s[j][e] = exp2_of(fmaf(s[j][e], kScoreScale, -offset));
        sums[e % 2] += s[j][e];
      }
    }
    state.sum[half] += sums[0] + sums[1];
  }
  mix_tile(s, values, state.out);
}

template <int kRows>
__global__ void __launch_bounds__(kRows * 2, kRows == kBlockRows ? 2 : 1) attention_kernel(AttentionArgs args) {
  constexpr int kThreads = kRows * 2;
  wait_for_turn();
  extern __shared__ __align__(128) unsigned char memory[];
  unsigned char* const stages = memory + kThreads * kQueryBytes;
  const int head = blockIdx.x, lane_index = blockIdx.y, part = blockIdx.z;
  const LaneArgs& lane = args.lanes[lane_index];
  const int blocks = args.window_blocks + 1, slot = lane.slot;
  const int valid = min(lane.valid, args.window_blocks);
  const std::size_t stride = 3 * args.heads * kHeadWidth;
  const Half* rows = args.qkv + static_cast<std::size_t>(lane_index) * kBlockRows * stride + head * kHeadWidth;
  Half* const ring = layer_ring(args, lane_index);

  // Tile t: half t % 2 of the block t / 2 steps back. The first two are the open block's and come by another way.
  const int tiles = 2 * (valid + 1);
  const auto load = [&](int t) {
    if (t < tiles) {
      const Half* from = ring + ring_at(block_back(slot, t / 2, blocks), head, args.heads) + t % 2 * kKeys * kHeadWidth;
      const unsigned to = shared_address(stages) + t % kStages * 2 * kTile;
      copy_tile_async<kThreads, kKeys>(to, from, kHeadWidth);
      copy_tile_async<kThreads, kKeys>(to + kTile, from + args.ring_size, kHeadWidth);
    }
    commit_copies();
  };
  load(2);

  unsigned char* const raw_queries = stages + 3 * 2 * kTile;  // until tile 3 comes
  Half* const own_ring = ring + ring_at(slot, head, args.heads);
  const Half* own = rows + args.heads * kHeadWidth;
  RowVectors<kThreads, kRows> query_rows;
  RowVectors<kThreads, kBlockRows, kTile> value_rows;
  TurnedRows<kThreads, kBlockRows, kTile> key_rows;
  query_rows.load(rows + part * kRows * stride, stride);
  key_rows.load(own, stride);
  value_rows.load(own + args.heads * kHeadWidth, stride);
  key_rows.turn_all(args.rotary);
  query_rows.store(raw_queries);
  key_rows.store(stages);
  value_rows.store(stages + kTile);
  key_rows.store_to_ring(own_ring, part * kRows, (part + 1) * kRows);
  value_rows.store_to_ring(own_ring + args.ring_size, part * kRows, (part + 1) * kRows);
  __syncthreads();

  const int thread = threadIdx.x % 32, warp_row = threadIdx.x / 32 * 16;
  const int place0 = part * kRows + warp_row;  // of the warp's first query
  Queries<kThreads> queries(memory, args.rotary);
  queries.load(shared_address(raw_queries), warp_row, place0);
  const unsigned stages_at = shared_address(stages);
  const unsigned keys_at = column_fragment(stages_at), values_at = row_fragment(stages_at + kTile);
  unsigned q[4][4];
  float s[8][4];
  Softmax state;
  for (int t = 0; t < tiles; ++t) {
    const int m = t / 2, key0 = t % 2 * kKeys;
    wait_copies<2>();
    __syncthreads();
    load(t + 3);
    if (t % 2 == 0) queries.next(m, q);
    if (m == 0 && key0 > place0 + 15) continue;  // all of it lies ahead
    const bool last = m == args.window_blocks;
    if (last && key0 + kKeys - 1 <= place0) continue;  // has left the window
    const unsigned stage = t % kStages * 2 * kTile;
    score_tile(q, keys_at + stage, s);
    if ((m == 0 && key0 + kKeys - 1 > place0) || (last && key0 <= place0 + 15)) {
#pragma unroll
      for (int j = 0; j < 8; ++j) {
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const int i = place0 + thread / 4 + e / 2 * 8, key = key0 + 8 * j + thread % 4 * 2 + e % 2;
          if (!sees(i, key, m, args.window_blocks)) s[j][e] = -INFINITY;
        }
      }
    }
    take(s, values_at + stage, state);
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
  wait_for_turn();
  const int head = blockIdx.x, block = blockIdx.y;
  const std::size_t stride = 3 * args.heads * kHeadWidth;
  const Half* rows = args.qkv + static_cast<std::size_t>(block) * kBlockRows * stride + head * kHeadWidth;
  Half* const ring = layer_ring(args, lane_index) + ring_at(block, head, args.heads);
  const Half* keys = rows + args.heads * kHeadWidth;
  RowVectors<256, kBlockRows> value_rows;
  TurnedRows<256, kBlockRows> key_rows;
  key_rows.load(keys, stride);
  value_rows.load(keys + args.heads * kHeadWidth, stride);
  key_rows.turn_all(args.rotary);
  key_rows.store_to_ring(ring, 0, kBlockRows);
  value_rows.store_to_ring(ring + args.ring_size, 0, kBlockRows);
}

template <int kRows>
cudaError_t launch_attention(const AttentionArgs& args, int lanes, cudaStream_t stream) {
  return launch(attention_kernel<kRows>, dim3(args.heads, lanes, kBlockRows / kRows), kRows * 2, shared_bytes<kRows>(),
                stream, args);
}

}  // namespace

// Few lanes leave processors idle: then fewer rows a block. A warp's 16 rows are the same either way.
cudaError_t attention(const AttentionArgs& args, int lanes, cudaStream_t stream) {
  if (lanes <= 2) return launch_attention<32>(args, lanes, stream);
  return lanes <= 8 ? launch_attention<64>(args, lanes, stream) : launch_attention<128>(args, lanes, stream);
}

cudaError_t store_keys(const AttentionArgs& args, int lane, int blocks, cudaStream_t stream) {
  return launch(store_keys_kernel, dim3(args.heads, blocks), 256, 0, stream, args, lane);
}

}  // namespace silt::model::cuda
