// Window attention, backward: gradients of the open block's queries, keys and values. Cached keys are constants, so
// only the open block has any for keys and values. No atomics.
//
// One block a (lane, head); or where there are few, three that share the work and give the same bits: two for half of
// the queries each, one for keys and values.
#include "model/cuda/attention_inl.h"

namespace silt::model::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kRowsTile = kBlockRows * kHeadWidth * 2;       // 128 x 64
constexpr int kSquareTile = kBlockRows * kBlockRows * 2;     // 128 x 128
constexpr int kChunks = kBlockRows / 8;
constexpr int kSharedBytes = 7 * kRowsTile + 2 * kSquareTile;

struct Tiles {
  unsigned char* queries;  // raw
  unsigned char* turned;   // queries turned by their place
  unsigned char* douts;
  unsigned char* keys;    // of the block at hand
  unsigned char* values;
  unsigned char* probabilities;  // of the open block [query][key]
  unsigned char* slopes;         // of its scores
};

// a [128 keys] = columns^T rows: columns [query][key] of a square tile, rows [query][channel]. For 16 keys from key0.
__device__ __forceinline__ void own_gradient(unsigned columns, unsigned rows, int key0, float (&sums)[8][4]) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int j = 0; j < 8; ++j) {
#pragma unroll
    for (int e = 0; e < 4; ++e) sums[j][e] = 0;
  }
  const unsigned a_at = tile_address<kChunks>(columns, lane % 8 + lane / 16 * 8, key0 / 8 + lane / 8 % 2);
  const unsigned b_at = row_fragment(rows);
#pragma unroll
  for (int k = 0; k < kBlockRows / 16; ++k) {
    unsigned a[4];
    load_fragments_turned(a, a_at + k * 16 * kBlockRows * 2);
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      unsigned b[4];
      load_fragments_turned(b, chunks_on(b_at, 2 * j) + k * kSixteenRows);
      multiply_add(sums[2 * j], a, b[0], b[1]);
      multiply_add(sums[2 * j + 1], a, b[2], b[3]);
    }
  }
}

// Turns 16 rows of sums, whose first row has place0 + lane / 4, by `direction` times their place (or all by `place`).
__device__ __forceinline__ void turn_sums(float (&sums)[8][4], const float2* rotary, int place0, bool by_place,
                                          float direction) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int j = 0; j < 4; ++j) {
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      const int place = by_place ? place0 + lane / 4 + e / 2 * 8 : place0;
      const float2 angle = rotary[place * kHalfHead + 8 * j + lane % 4 * 2 + e % 2];
      turn(sums[j][e], sums[j + 4][e], angle, direction);
    }
  }
}

__device__ __forceinline__ void store_sums(const float (&sums)[8][4], Half* to, std::size_t stride, int row0) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    auto* row = reinterpret_cast<unsigned*>(to + (row0 + lane / 4 + 8 * half) * stride);
#pragma unroll
    for (int j = 0; j < 8; ++j) row[4 * j + lane % 4] = pack2(sums[j][2 * half], sums[j][2 * half + 1]);
  }
}

struct RowSums {
  float lse[2];
  float dot[2];  // of out and dout
};

// The step through 64 keys of one block: scores again, their slopes, and what they add to the queries' gradient. For
// the open block (m = 0) probabilities and slopes are left in the square tiles.
__device__ __forceinline__ void take(const unsigned (&q)[4][4], const unsigned (&d)[4][4], const Tiles& t, int key0,
                                     int m, int place0, int window_blocks, const RowSums& rows, float (&dq)[8][4]) {
  const int lane = threadIdx.x % 32;
  float s[8][4], dp[8][4];
  const unsigned first = static_cast<unsigned>(key0) * kHeadWidth * 2;
  score_tile(q, column_fragment(shared_address(t.keys) + first), s);
  score_tile(d, column_fragment(shared_address(t.values) + first), dp);
#pragma unroll
  for (int j = 0; j < 8; ++j) {
    const int key = key0 + 8 * j + lane % 4 * 2;
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      const int half = e / 2, i = place0 + lane / 4 + 8 * half;
      const bool seen = sees(i, key + e % 2, m, window_blocks);
      s[j][e] = seen ? exp2_of(s[j][e] * kScoreScale - rows.lse[half]) : 0.0f;
      dp[j][e] = s[j][e] * (dp[j][e] - rows.dot[half]) * 0.125f;
    }
    if (m != 0) continue;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const unsigned at = tile_address<kChunks>(0, place0 + lane / 4 + 8 * half, key0 / 8 + j) + lane % 4 * 4;
      *reinterpret_cast<unsigned*>(t.probabilities + at) = pack2(s[j][2 * half], s[j][2 * half + 1]);
      *reinterpret_cast<unsigned*>(t.slopes + at) = pack2(dp[j][2 * half], dp[j][2 * half + 1]);
    }
  }
  mix_tile(dp, row_fragment(shared_address(t.keys) + first), dq);
}

// lse and the product of out and dout, of the two rows of this thread.
__device__ __forceinline__ RowSums row_sums(const AttentionGradient& args, std::size_t row0, int head) {
  const AttentionArgs& forward = args.forward;
  const int lane = threadIdx.x % 32;
  RowSums sums;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const std::size_t row = (row0 + lane / 4 + 8 * half) * forward.heads + head;
    const auto* out = reinterpret_cast<const unsigned*>(forward.out + row * kHeadWidth);
    const auto* dout = reinterpret_cast<const unsigned*>(args.dout + row * kHeadWidth);
    float dot = 0;
    for (int i = lane % 4; i < kHeadWidth / 2; i += 4) {
      dot = fmaf(low_of(out[i]), low_of(dout[i]), dot);
      dot = fmaf(high_of(out[i]), high_of(dout[i]), dot);
    }
    dot += __shfl_xor_sync(0xffffffffu, dot, 1);
    dot += __shfl_xor_sync(0xffffffffu, dot, 2);
    sums.dot[half] = dot;
    sums.lse[half] = forward.lse[row];
  }
  return sums;
}

constexpr int kOwnPart = 2;  // of the parts, the one for keys and values

template <bool kShared>
__global__ void __launch_bounds__(kThreads, 1) attention_backward_kernel(AttentionGradient args) {
  wait_for_turn();
  const int part = blockIdx.z;
  extern __shared__ __align__(128) unsigned char memory[];
  unsigned char* const blocks_memory = memory + 3 * kRowsTile;  // keys and values, twice
  Tiles t = {memory,
             memory + kRowsTile,
             memory + 2 * kRowsTile,
             nullptr,
             nullptr,
             memory + 7 * kRowsTile,
             memory + 7 * kRowsTile + kSquareTile};
  const AttentionArgs& forward = args.forward;
  const int head = blockIdx.x, lane_index = blockIdx.y;
  const LaneArgs& lane = forward.lanes[lane_index];
  const int blocks = forward.window_blocks + 1, slot = lane.slot;
  const int valid = min(lane.valid, forward.window_blocks);
  const int width = forward.heads * kHeadWidth;
  const std::size_t row0 = static_cast<std::size_t>(lane_index) * kBlockRows, stride = 3 * width;
  const Half* rows = forward.qkv + row0 * stride + head * kHeadWidth;
  const Half* ring = layer_ring(forward, lane_index);
  const auto load = [&](int m) {
    if (m >= 0) {
      const Half* from = ring + ring_at(block_back(slot, m, blocks), head, forward.heads);
      const unsigned to = shared_address(blocks_memory) + m % 2 * 2 * kRowsTile;
      copy_tile_async<kThreads, kBlockRows>(to, from, kHeadWidth);
      copy_tile_async<kThreads, kBlockRows>(to + kRowsTile, from + forward.ring_size, kHeadWidth);
    }
    commit_copies();
  };
  const bool for_queries = !kShared || part != kOwnPart, for_own = !kShared || part == kOwnPart;
  const int first = for_queries ? valid : 0;
  load(first);
  RowVectors<kThreads, kBlockRows> query_rows, dout_rows;
  TurnedRows<kThreads, kBlockRows> turned_rows;
  query_rows.load(rows, stride);
  turned_rows.load(rows, stride);
  dout_rows.load(args.dout + row0 * width + head * kHeadWidth, width);
  turned_rows.turn_all(forward.rotary);
  query_rows.store(t.queries);
  turned_rows.store(t.turned);
  dout_rows.store(t.douts);
  const int warp_row = threadIdx.x / 32 * 16, thread = threadIdx.x % 32;
  const bool works = for_own || warp_row / (kBlockRows / 2) == part;
  const RowSums sums = row_sums(args, row0 + warp_row, head);
  __syncthreads();
  unsigned q[4][4], d[4][4];
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    load_fragments(d[k],
                   tile_address<kHeadChunks>(shared_address(t.douts), warp_row + thread % 16, 2 * k + thread / 16));
  }
  float dq[8][4] = {};
  for (int m = first; m >= 0; --m) {
    load(m - 1);
    t.keys = blocks_memory + m % 2 * 2 * kRowsTile;
    t.values = t.keys + kRowsTile;
    wait_copies<1>();
    __syncthreads();
    if (works) turned_queries(shared_address(t.queries), warp_row, warp_row, kBlockRows * m, forward.rotary, q);
    for (int key0 = 0; works && key0 < kBlockRows; key0 += 64) {
      if (m > 0 && m == forward.window_blocks && key0 + 63 <= warp_row) continue;  // has left the window
      take(q, d, t, key0, m, warp_row, forward.window_blocks, sums, dq);
    }
    if (m > 0) turn_sums(dq, forward.rotary, kBlockRows, /*by_place=*/false, -1.0f);  // to the frame of the next block
    __syncthreads();
  }
  wait_copies<0>();
  Half* const to = args.dqkv + row0 * stride + head * kHeadWidth;
  if (for_queries && works) {
    turn_sums(dq, forward.rotary, warp_row, /*by_place=*/true, -1.0f);
    store_sums(dq, to, stride, warp_row);
  }
  if (!for_own) return;
  own_gradient(shared_address(t.slopes), shared_address(t.turned), warp_row, dq);
  turn_sums(dq, forward.rotary, warp_row, /*by_place=*/true, -1.0f);
  store_sums(dq, to + width, stride, warp_row);
  own_gradient(shared_address(t.probabilities), shared_address(t.douts), warp_row, dq);
  store_sums(dq, to + 2 * width, stride, warp_row);
}

}  // namespace

cudaError_t attention_backward(const AttentionGradient& args, int lanes, cudaStream_t stream) {
  const bool shared = lanes <= 4;
  const dim3 grid(args.forward.heads, lanes, shared ? 3 : 1);
  const auto kernel = shared ? attention_backward_kernel<true> : attention_backward_kernel<false>;
  return launch(kernel, grid, kThreads, kSharedBytes, stream, args);
}

}  // namespace silt::model::cuda
