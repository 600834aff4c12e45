// Row operations: embedding, norms, SwiGLU. All of them are bound by memory.
#include "model/cuda/device_inl.h"

namespace silt::model::cuda {
namespace {

constexpr int kWarps = 8;        // rows that a block takes

__global__ void embed_kernel(const std::int32_t* tokens, const Half* embedding, int rows, int width, float* h) {
  wait_for_turn();
  const int row = blockIdx.x * kWarps + threadIdx.x / 32;
  if (row >= rows) return;
  const auto* from = reinterpret_cast<const unsigned*>(embedding + static_cast<std::size_t>(tokens[row]) * width);
  auto* to = reinterpret_cast<float2*>(h + static_cast<std::size_t>(row) * width);
  for (int i = threadIdx.x % 32; i < width / 2; i += 32) {
    const unsigned two = from[i];
    to[i] = make_float2(low_of(two), high_of(two));
  }
}

__device__ __forceinline__ float inverse_rms(float sum_of_squares, int width, float epsilon) {
  return 1.0f / sqrtf(sum_of_squares / static_cast<float>(width) + epsilon);
}

// kPairs: of a thread; rows have up to 64 kPairs floats.
template <int kPairs>
__global__ void rms_norm_kernel(const float* h, const float* gain, int rows, int width, float epsilon, Half* x,
                                NormRing ring) {
  wait_for_turn();
  const int row = blockIdx.x * kWarps + threadIdx.x / 32;
  if (row >= rows) return;
  const int thread = threadIdx.x % 32, pairs = width / 2;
  const auto* from = reinterpret_cast<const float2*>(h + static_cast<std::size_t>(row) * width);
  float2 values[kPairs], gains[kPairs];
#pragma unroll
  for (int i = 0; i < kPairs; ++i) {
    const int at = thread + 32 * i;
    values[i] = at < pairs ? from[at] : make_float2(0, 0);
    gains[i] = gain != nullptr && at < pairs ? reinterpret_cast<const float2*>(gain)[at] : make_float2(1, 1);
  }
  unsigned* kept = nullptr;
  if (ring.lanes != nullptr) {
    const LaneArgs& lane = ring.lanes[row / kBlockRows];
    const std::size_t at = static_cast<std::size_t>(max(lane.x_slot, 0)) * kBlockRows + row % kBlockRows;
    Half* const x_ring = ring.frozen ? lane.frozen_x : lane.x;
    if (lane.x_slot >= 0) kept = reinterpret_cast<unsigned*>(x_ring + ring.offset + at * width);
  }
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kPairs; ++i) {
    sum = fmaf(values[i].x, values[i].x, sum);
    sum = fmaf(values[i].y, values[i].y, sum);
  }
  const float scale = inverse_rms(warp_sum(sum), width, epsilon);
  auto* to = reinterpret_cast<unsigned*>(x + static_cast<std::size_t>(row) * width);
#pragma unroll
  for (int i = 0; i < kPairs; ++i) {
    const int at = thread + 32 * i;
    if (at >= pairs) continue;
    const unsigned two = pack2(gains[i].x * (values[i].x * scale), gains[i].y * (values[i].y * scale));
    to[at] = two;
    if (kept != nullptr) kept[at] = two;
  }
}

template <int kPairs>
__global__ void rms_norm_backward_kernel(NormGradient g, int rows, int width, float epsilon) {
  wait_for_turn();
  const int row = blockIdx.x * kWarps + threadIdx.x / 32;
  if (row >= rows) return;
  const int thread = threadIdx.x % 32, pairs = width / 2;
  const std::size_t row_at = static_cast<std::size_t>(row) * pairs;
  const std::size_t part = static_cast<std::size_t>(rows) * pairs;
  const auto* h = reinterpret_cast<const float2*>(g.h) + row_at;
  const auto* dx = reinterpret_cast<const float2*>(g.dx) + row_at;
  const auto* before = reinterpret_cast<const float2*>(g.dh_in) + row_at;
  float2 values[kPairs], slopes[kPairs], sums[kPairs];
#pragma unroll
  for (int i = 0; i < kPairs; ++i) {
    const int at = thread + 32 * i;
    values[i] = slopes[i] = sums[i] = make_float2(0, 0);
    if (at >= pairs) continue;
    values[i] = h[at];
    slopes[i] = dx[at];
    if (g.dh_in != nullptr) sums[i] = before[at];
  }
  for (int p = 1; p < g.parts; ++p) {
#pragma unroll
    for (int i = 0; i < kPairs; ++i) {
      const int at = thread + 32 * i;
      if (at >= pairs) continue;
      const float2 more = dx[p * part + at];
      slopes[i].x += more.x;
      slopes[i].y += more.y;
    }
  }
  float squares = 0, dot = 0;
#pragma unroll
  for (int i = 0; i < kPairs; ++i) {
    const int at = thread + 32 * i;
    if (g.gain != nullptr && at < pairs) {
      const float2 gain = reinterpret_cast<const float2*>(g.gain)[at];
      slopes[i].x *= gain.x;
      slopes[i].y *= gain.y;
    }
    squares = fmaf(values[i].x, values[i].x, squares);
    squares = fmaf(values[i].y, values[i].y, squares);
    dot = fmaf(slopes[i].x, values[i].x, dot);
    dot = fmaf(slopes[i].y, values[i].y, dot);
  }
  const float scale = inverse_rms(warp_sum(squares), width, epsilon);
  const float along = warp_sum(dot) * scale * scale / static_cast<float>(width);
  auto* dh = reinterpret_cast<float2*>(g.dh) + row_at;
  auto* rounded = reinterpret_cast<unsigned*>(g.dh_half) + row_at;
#pragma unroll
  for (int i = 0; i < kPairs; ++i) {
    const int at = thread + 32 * i;
    if (at >= pairs) continue;
    sums[i].x += scale * (slopes[i].x - values[i].x * along);
    sums[i].y += scale * (slopes[i].y - values[i].y * along);
    dh[at] = sums[i];
    rounded[at] = pack2(sums[i].x, sums[i].y);
  }
}

__device__ __forceinline__ float sigmoid(float value) { return 1.0f / (1.0f + __expf(-value)); }

// Vector `v` of 8 columns of a row: which half-matrix of pre it belongs to, and where.
struct GluPlace {
  const Half* gate;
  std::size_t up;  // from the gate
  std::size_t pre;
  bool fast;
  int column;
};
__device__ __forceinline__ GluPlace glu_place(const Half* pre, int row, int v, int width, int fast_width) {
  GluPlace place;
  place.fast = v >= width / 8;
  place.column = (place.fast ? v - width / 8 : v) * 8;
  place.up = place.fast ? fast_width : width;
  place.pre = static_cast<std::size_t>(row) * 2 * (width + fast_width) + (place.fast ? 2 * width : 0) + place.column;
  place.gate = pre + place.pre;
  return place;
}

__global__ void swiglu_kernel(const Half* pre, int rows, int width, int fast_width, Half* act, Half* fast_act) {
  wait_for_turn();
  const int vectors = (width + fast_width) / 8;
  const int index = blockIdx.x * blockDim.x + threadIdx.x;
  if (index >= rows * vectors) return;
  const int row = index / vectors;
  const GluPlace at = glu_place(pre, row, index % vectors, width, fast_width);
  const uint4 gate = *reinterpret_cast<const uint4*>(at.gate);
  const uint4 up = *reinterpret_cast<const uint4*>(at.gate + at.up);
  const unsigned gates[4] = {gate.x, gate.y, gate.z, gate.w}, ups[4] = {up.x, up.y, up.z, up.w};
  unsigned out[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const float a = low_of(gates[i]), b = high_of(gates[i]);
    out[i] = pack2(a * sigmoid(a) * low_of(ups[i]), b * sigmoid(b) * high_of(ups[i]));
  }
  Half* to = at.fast ? fast_act + static_cast<std::size_t>(row) * fast_width
                     : act + static_cast<std::size_t>(row) * width;
  *reinterpret_cast<uint4*>(to + at.column) = make_uint4(out[0], out[1], out[2], out[3]);
}

__device__ __forceinline__ void glu_gradient(float gate, float up, float dact, float& dgate, float& dup) {
  const float s = sigmoid(gate);
  dgate = dact * up * s * (1.0f + gate * (1.0f - s));
  dup = dact * gate * s;
}

__global__ void swiglu_backward_kernel(const Half* pre, const Half* dact, const Half* fast_dact, int rows, int width,
                                       int fast_width, Half* dpre) {
  wait_for_turn();
  const int vectors = (width + fast_width) / 8;
  const int index = blockIdx.x * blockDim.x + threadIdx.x;
  if (index >= rows * vectors) return;
  const int row = index / vectors;
  const GluPlace at = glu_place(pre, row, index % vectors, width, fast_width);
  const uint4 gate = *reinterpret_cast<const uint4*>(at.gate);
  const uint4 up = *reinterpret_cast<const uint4*>(at.gate + at.up);
  const Half* from = at.fast ? fast_dact + static_cast<std::size_t>(row) * fast_width
                             : dact + static_cast<std::size_t>(row) * width;
  const uint4 d = *reinterpret_cast<const uint4*>(from + at.column);
  const unsigned gates[4] = {gate.x, gate.y, gate.z, gate.w}, ups[4] = {up.x, up.y, up.z, up.w};
  const unsigned ds[4] = {d.x, d.y, d.z, d.w};
  unsigned dgates[4], dups[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    float gate_low, gate_high, up_low, up_high;
    glu_gradient(low_of(gates[i]), low_of(ups[i]), low_of(ds[i]), gate_low, up_low);
    glu_gradient(high_of(gates[i]), high_of(ups[i]), high_of(ds[i]), gate_high, up_high);
    dgates[i] = pack2(gate_low, gate_high);
    dups[i] = pack2(up_low, up_high);
  }
  *reinterpret_cast<uint4*>(dpre + at.pre) = make_uint4(dgates[0], dgates[1], dgates[2], dgates[3]);
  *reinterpret_cast<uint4*>(dpre + at.pre + at.up) = make_uint4(dups[0], dups[1], dups[2], dups[3]);
}

__global__ void copy_kernel(const uint4* from, uint4* to, std::size_t count) {
  wait_for_turn();
  const std::size_t step = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step)
    to[i] = from[i];
}

unsigned blocks_of(int rows, int a_block) { return static_cast<unsigned>((rows + a_block - 1) / a_block); }

}  // namespace

cudaError_t copy_block(const void* from, void* to, std::size_t bytes, cudaStream_t stream) {
  const std::size_t count = bytes / sizeof(uint4);
  const auto blocks = static_cast<unsigned>(count < 64 * 256 ? (count + 255) / 256 : 64);
  return launch(copy_kernel, blocks, 256, 0, stream, static_cast<const uint4*>(from), static_cast<uint4*>(to), count);
}

cudaError_t embed(const std::int32_t* tokens, const Half* embedding, int rows, int width, float* h,
                  cudaStream_t stream) {
  return launch(embed_kernel, blocks_of(rows, kWarps), 32 * kWarps, 0, stream, tokens, embedding, rows, width, h);
}

cudaError_t rms_norm(const float* h, const float* gain, int rows, int width, float epsilon, Half* x,
                     const NormRing& ring, cudaStream_t stream) {
  const auto kernel = width <= 448 ? rms_norm_kernel<7> : rms_norm_kernel<16>;
  return launch(kernel, blocks_of(rows, kWarps), 32 * kWarps, 0, stream, h, gain, rows, width, epsilon, x, ring);
}

cudaError_t rms_norm_backward(const NormGradient& g, int rows, int width, float epsilon, cudaStream_t stream) {
  const auto kernel = width <= 448 ? rms_norm_backward_kernel<7> : rms_norm_backward_kernel<16>;
  return launch(kernel, blocks_of(rows, kWarps), 32 * kWarps, 0, stream, g, rows, width, epsilon);
}

cudaError_t swiglu(const Half* pre, int rows, int width, int fast_width, Half* act, Half* fast_act,
                   cudaStream_t stream) {
  const int count = rows * ((width + fast_width) / 8);
  return launch(swiglu_kernel, blocks_of(count, 256), 256, 0, stream, pre, rows, width, fast_width, act, fast_act);
}

cudaError_t swiglu_backward(const Half* pre, const Half* dact, const Half* fast_dact, int rows, int width,
                            int fast_width, Half* dpre, cudaStream_t stream) {
  const int count = rows * ((width + fast_width) / 8);
  return launch(swiglu_backward_kernel, blocks_of(count, 256), 256, 0, stream, pre, dact, fast_dact, rows, width,
                fast_width, dpre);
}

}  // namespace silt::model::cuda
