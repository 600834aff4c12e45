// What the two attention kernels share: tiles of a head's rows, rotary turns, masks. For .cu files only.
//
// The window is never shifted. A block's keys are stored turned by their place in their own block (0 to 127), so
// a query i of the open block meets the block m steps back turned by i + 128 m: distances, which are all that
// counts, come out right, and old blocks never change.
#pragma once

#include "model/cuda/device_inl.h"

namespace silt::model::cuda {

constexpr int kHalfHead = kHeadWidth / 2;
constexpr int kHeadChunks = kHeadWidth / 8;
constexpr float kLog2e = 1.4426950408889634f;
constexpr float kScoreScale = 0.125f * kLog2e;  // 1 / sqrt(64), and base 2 for exp2

// The same roundings wherever it is inlined.
__device__ __forceinline__ void turn(float& low, float& high, float2 angle, float direction) {
  const float sine = angle.y * direction;
  const float a = __fmaf_rn(-high, sine, __fmul_rn(low, angle.x));
  const float b = __fmaf_rn(low, sine, __fmul_rn(high, angle.x));
  low = a;
  high = b;
}

__device__ __forceinline__ float exp2_of(float value) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(value));
  return result;
}

// Where the keys of ring block `block` and head `head` begin in a layer's ring; rows of 64.
__device__ __forceinline__ std::size_t ring_at(int block, int head, int heads) {
  return (static_cast<std::size_t>(block) * heads + head) * kBlockRows * kHeadWidth;
}
__device__ __forceinline__ Half* layer_ring(const AttentionArgs& args, int lane) {
  const LaneArgs& l = args.lanes[lane];
  return (args.frozen ? l.frozen_kv : l.kv) + args.ring_offset;
}
// The block m steps before `slot`.
__device__ __forceinline__ int block_back(int slot, int m, int blocks) {
  return slot >= m ? slot - m : slot - m + blocks;
}

// Where a row of 64 channels lies in shared memory: rows from 64 on may be a gap further.
template <int kGap>
__device__ __forceinline__ uint4* tile_chunk(unsigned char* tile, int row, int chunk) {
  return reinterpret_cast<uint4*>(tile + tile_address<kHeadChunks>(0, row, chunk) + row / 64 * kGap);
}

// Rows of 64 channels on their way from device memory to a tile in shared memory, and to a ring: by threads, all asked
// for before the first is put down, for the compiler cannot know that they do not overlap.
template <int kThreads, int kRows, int kGap = 0>
class RowVectors {
 public:
  __device__ __forceinline__ void load(const Half* rows, std::size_t stride) {
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
      values_[i] = *reinterpret_cast<const uint4*>(rows + row_of(i) * stride + chunk() * 8);
    }
  }
  __device__ __forceinline__ void store(unsigned char* tile) const {
#pragma unroll
    for (int i = 0; i < kItems; ++i) *tile_chunk<kGap>(tile, row_of(i), chunk()) = values_[i];
  }
  // Rows from `from` on, below `to`.
  __device__ __forceinline__ void store_to_ring(Half* ring, int from, int to) const {
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
      const int row = row_of(i);
      if (row >= from && row < to) *reinterpret_cast<uint4*>(ring + row * kHeadWidth + chunk() * 8) = values_[i];
    }
  }

 private:
  static constexpr int kItems = kRows * kHeadChunks / kThreads;
  static __device__ __forceinline__ int row_of(int i) { return (threadIdx.x + i * kThreads) / kHeadChunks; }
  static __device__ __forceinline__ int chunk() { return threadIdx.x % kHeadChunks; }
  uint4 values_[kItems];
};

// The same for rows that are turned by their places.
template <int kThreads, int kRows, int kGap = 0>
class TurnedRows {
 public:
  __device__ __forceinline__ void load(const Half* rows, std::size_t stride) {
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
      const Half* from = rows + row_of(i) * stride + chunk() * 8;
      low_[i] = *reinterpret_cast<const uint4*>(from);
      high_[i] = *reinterpret_cast<const uint4*>(from + kHalfHead);
    }
  }
  __device__ __forceinline__ void turn_all(const float2* rotary) {
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
      const auto* angles = reinterpret_cast<const float4*>(rotary + row_of(i) * kHalfHead + chunk() * 8);
      turn_two(low_[i].x, high_[i].x, angles[0]);
      turn_two(low_[i].y, high_[i].y, angles[1]);
      turn_two(low_[i].z, high_[i].z, angles[2]);
      turn_two(low_[i].w, high_[i].w, angles[3]);
    }
  }
  __device__ __forceinline__ void store(unsigned char* tile) const {
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
      *tile_chunk<kGap>(tile, row_of(i), chunk()) = low_[i];
      *tile_chunk<kGap>(tile, row_of(i), chunk() + 4) = high_[i];
    }
  }
  __device__ __forceinline__ void store_to_ring(Half* ring, int from, int to) const {
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
      const int row = row_of(i);
      if (row < from || row >= to) continue;
      Half* const at = ring + row * kHeadWidth + chunk() * 8;
      *reinterpret_cast<uint4*>(at) = low_[i];
      *reinterpret_cast<uint4*>(at + kHalfHead) = high_[i];
    }
  }

 private:
  static constexpr int kItems = kRows * 4 / kThreads;  // of 8 channels below 32, and their partners
  static __device__ __forceinline__ int row_of(int i) { return (threadIdx.x + i * kThreads) / 4; }
  static __device__ __forceinline__ int chunk() { return threadIdx.x % 4; }
  static __device__ __forceinline__ void turn_two(unsigned& low, unsigned& high, float4 angles) {
    float a0 = low_of(low), a1 = high_of(low), b0 = low_of(high), b1 = high_of(high);
    turn(a0, b0, make_float2(angles.x, angles.y), 1.0f);
    turn(a1, b1, make_float2(angles.z, angles.w), 1.0f);
    low = pack2(a0, a1);
    high = pack2(b0, b1);
  }
  uint4 low_[kItems], high_[kItems];
};

// The query fragments of 16 rows from row `row0` of a tile of raw queries, turned by their place in the open block
// plus `shift`.
__device__ __forceinline__ void turned_queries(unsigned tile, int row0, int place0, int shift, const float2* rotary,
                                               unsigned (&q)[4][4]) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    load_fragments(q[k], tile_address<kHeadChunks>(tile, row0 + lane % 16, 2 * k + lane / 16));
  }
#pragma unroll
  for (int k = 0; k < 2; ++k) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int place = place0 + lane / 4 + i % 2 * 8 + shift;
      const int channel = 16 * k + i / 2 * 8 + lane % 4 * 2;
      const float4 angles = *reinterpret_cast<const float4*>(rotary + place * kHalfHead + channel);
      float a0 = low_of(q[k][i]), a1 = high_of(q[k][i]), b0 = low_of(q[k + 2][i]), b1 = high_of(q[k + 2][i]);
      turn(a0, b0, make_float2(angles.x, angles.y), 1.0f);
      turn(a1, b1, make_float2(angles.z, angles.w), 1.0f);
      q[k][i] = pack2(a0, a1);
      q[k + 2][i] = pack2(b0, b1);
    }
  }
}

// Where a thread's part of the first fragment lies in a tile whose rows are the second operand's columns (keys of
// scores), and where in one whose rows are its rows (values, and keys of the queries' gradient).
__device__ __forceinline__ unsigned column_fragment(unsigned tile) {
  const int lane = threadIdx.x % 32;
  return tile_address<kHeadChunks>(tile, lane % 8 + lane / 16 * 8, lane / 8 % 2);
}
__device__ __forceinline__ unsigned row_fragment(unsigned tile) {
  const int lane = threadIdx.x % 32;
  return tile_address<kHeadChunks>(tile, lane % 16, lane / 16);
}
constexpr int kSixteenRows = 16 * kHeadWidth * 2;  // bytes

// Scores of 16 queries with 64 keys, the first of which are at `keys` (column_fragment).
__device__ __forceinline__ void score_tile(const unsigned (&q)[4][4], unsigned keys, float (&s)[8][4]) {
#pragma unroll
  for (int j = 0; j < 8; ++j) {
#pragma unroll
    for (int e = 0; e < 4; ++e) s[j][e] = 0;
  }
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    const unsigned at = chunks_on(keys, 2 * k);
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      unsigned b[4];
      load_fragments(b, at + j * kSixteenRows);
      multiply_add(s[2 * j], q[k], b[0], b[1]);
      multiply_add(s[2 * j + 1], q[k], b[2], b[3]);
    }
  }
}

// sums [16, 64 channels] += a [16, 64] rows, for the 64 rows whose first are at `rows` (row_fragment).
__device__ __forceinline__ void mix_tile(const float (&a)[8][4], unsigned rows, float (&sums)[8][4]) {
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    const unsigned p[4] = {pack2(a[2 * k][0], a[2 * k][1]), pack2(a[2 * k][2], a[2 * k][3]),
                           pack2(a[2 * k + 1][0], a[2 * k + 1][1]), pack2(a[2 * k + 1][2], a[2 * k + 1][3])};
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      unsigned b[4];
      load_fragments_turned(b, chunks_on(rows, 2 * j) + k * kSixteenRows);
      multiply_add(sums[2 * j], p, b[0], b[1]);
      multiply_add(sums[2 * j + 1], p, b[2], b[3]);
    }
  }
}

// Whether query place i of the open block sees key place j of the block m steps back.
__device__ __forceinline__ bool sees(int i, int j, int m, int window_blocks) {
  if (m == 0) return j <= i;
  return m < window_blocks || j > i;
}

}  // namespace silt::model::cuda
