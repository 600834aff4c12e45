// The head's loss: one pass over a row of logits, which stay in registers; the gradient goes back in place.
#include <cmath>

#include "model/cuda/device_inl.h"

namespace silt::model::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarpCount = kThreads / 32;
constexpr int kVectorsMax = 16;  // of 8 logits a thread

// The same value in all threads; `scratch` has kWarpCount places. Ends with a barrier.
template <class Combine>
__device__ float over_block(float value, float* scratch, Combine combine) {
  if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = value;
  __syncthreads();
  float all = scratch[0];
#pragma unroll
  for (int warp = 1; warp < kWarpCount; ++warp) all = combine(all, scratch[warp]);
  __syncthreads();
  return all;
}

__device__ __forceinline__ void unpack(const uint4& vector, float (&values)[8]) {
  const unsigned words[4] = {vector.x, vector.y, vector.z, vector.w};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    values[2 * i] = low_of(words[i]);
    values[2 * i + 1] = high_of(words[i]);
  }
}

template <int kVectors>
__global__ void __launch_bounds__(kThreads) cross_entropy_kernel(CrossEntropy args, int vocabulary) {
  __shared__ float scratch[kWarpCount];
  __shared__ float chosen[kCandidatesMax + 1];  // logits of the candidates, then of the target
  __shared__ unsigned is_candidate[kThreads * kVectors * 8 / 32];
  wait_for_turn();
  const int row = blockIdx.x;
  const int places = args.candidates == nullptr ? 0 : args.per_row;
  auto* logits = reinterpret_cast<uint4*>(args.logits + static_cast<std::size_t>(row) * vocabulary);
  const Half* values = reinterpret_cast<const Half*>(logits);
  const int vectors = vocabulary / 8;
  for (int i = threadIdx.x; i < kThreads * kVectors * 8 / 32; i += kThreads) is_candidate[i] = 0;
  uint4 mine[kVectors];
  float highest = -INFINITY;
#pragma unroll
  for (int i = 0; i < kVectors; ++i) {
    const int at = threadIdx.x + kThreads * i;
    if (at < vectors) mine[i] = logits[at];
  }
  const int target = args.targets[row];
  if (threadIdx.x == 0) chosen[kCandidatesMax] = to_float(values[target]);
  __syncthreads();
  if (static_cast<int>(threadIdx.x) < places) {
    const int token = args.candidates[row * args.per_row + threadIdx.x];
    if (token >= 0) {
      chosen[threadIdx.x] = to_float(values[token]);
      atomicOr(&is_candidate[token / 32], 1u << (token % 32));
    }
  }
#pragma unroll
  for (int i = 0; i < kVectors; ++i) {
    if (threadIdx.x + kThreads * i >= vectors) continue;
    float eight[8];
    unpack(mine[i], eight);
#pragma unroll
    for (int j = 0; j < 8; ++j) highest = fmaxf(highest, eight[j]);
  }
  highest = over_block(warp_max(highest), scratch, [](float a, float b) { return fmaxf(a, b); });
  float total = 0, rest = 0;
#pragma unroll
  for (int i = 0; i < kVectors; ++i) {
    const int at = threadIdx.x + kThreads * i;
    if (at >= vectors) continue;
    float eight[8];
    unpack(mine[i], eight);
    const unsigned marks = is_candidate[at / 4] >> (8 * (at % 4)) & 0xff;
    float sum = 0;
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      eight[j] = __expf(eight[j] - highest);
      sum += eight[j];
    }
    total += sum;
    if (marks != 0) {
      sum = 0;
#pragma unroll
      for (int j = 0; j < 8; ++j) sum += (marks >> j & 1) != 0 ? 0.0f : eight[j];
    }
    rest += sum;
  }
  const auto add = [](float a, float b) { return a + b; };
  total = over_block(warp_sum(total), scratch, add);
  rest = over_block(warp_sum(rest), scratch, add);
  const float log_total = logf(total);
  if (threadIdx.x == 0) {
    args.nll[row] = log_total + highest - chosen[kCandidatesMax];
    if (places > 0) args.rest_nats[row] = log_total - logf(rest);
  }
  if (static_cast<int>(threadIdx.x) < places) {
    args.candidate_nats[row * args.per_row + threadIdx.x] = log_total + highest - chosen[threadIdx.x];
  }
  if (!args.gradient) return;
  const float scale = 1.0f / (total * kBlockRows);
#pragma unroll
  for (int i = 0; i < kVectors; ++i) {
    const int at = threadIdx.x + kThreads * i;
    if (at >= vectors) continue;
    float eight[8];
    unpack(mine[i], eight);
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      eight[j] = __expf(eight[j] - highest) * scale;
      if (at * 8 + j == target) eight[j] -= 1.0f / kBlockRows;
    }
    logits[at] = make_uint4(pack2(eight[0], eight[1]), pack2(eight[2], eight[3]), pack2(eight[4], eight[5]),
                            pack2(eight[6], eight[7]));
  }
}

}  // namespace

bool cross_entropy_takes(int vocabulary) {
  return vocabulary % 64 == 0 && vocabulary <= kThreads * kVectorsMax * 8;
}

cudaError_t cross_entropy(const CrossEntropy& args, int rows, int vocabulary, cudaStream_t stream) {
  const int vectors = (vocabulary / 8 + kThreads - 1) / kThreads;
  const auto kernel = vectors <= 1   ? cross_entropy_kernel<1>
                      : vectors <= 4 ? cross_entropy_kernel<4>
                      : vectors <= 8 ? cross_entropy_kernel<8>
                                     : cross_entropy_kernel<kVectorsMax>;
  return launch(kernel, static_cast<unsigned>(rows), kThreads, 0, stream, args, vocabulary);
}

}  // namespace silt::model::cuda
