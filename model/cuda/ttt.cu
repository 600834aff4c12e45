#include <cuda_runtime.h>

#include "model/cuda/ttt_kernels.h"

namespace silt::model::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kTokens = 16;  // of an inner mini-batch

__global__ void embed_kernel(const std::int32_t* tokens, const float* embedding, int width, float* h) {
  const std::size_t row = blockIdx.x;
  const float* const from = embedding + static_cast<std::size_t>(tokens[row]) * width;
  for (int i = threadIdx.x; i < width; i += blockDim.x) h[row * width + i] = from[i];
}

// The sum over a block, in every thread: of each thread's own, then by halves. `parts` has a place for every thread.
template <class T>
__device__ T block_sum(T mine, T* parts) {
  parts[threadIdx.x] = mine;
  __syncthreads();
  for (int step = kThreads / 2; step > 0; step /= 2) {
    if (static_cast<int>(threadIdx.x) < step) parts[threadIdx.x] += parts[threadIdx.x + step];
    __syncthreads();
  }
  const T sum = parts[0];
  __syncthreads();
  return sum;
}

__global__ void rms_norm_kernel(const float* h, const float* gain, int width, float epsilon, float* x) {
  __shared__ float parts[kThreads];
  const float* const from = h + static_cast<std::size_t>(blockIdx.x) * width;
  float squares = 0;
  for (int i = threadIdx.x; i < width; i += kThreads) squares = fmaf(from[i], from[i], squares);
  const float inverse = 1.0f / sqrtf(block_sum(squares, parts) / static_cast<float>(width) + epsilon);
  float* const to = x + static_cast<std::size_t>(blockIdx.x) * width;
  for (int i = threadIdx.x; i < width; i += kThreads) to[i] = gain[i] * (from[i] * inverse);
}

// Tiles of 64 x 64, four by four of a thread.
constexpr int kTile = 64, kDepth = 16;
__global__ void product_kernel(const float* a, const float* b, bool b_rows, bool adds, int m, int n, int k, float* c) {
  __shared__ float as[kDepth][kTile + 1], bs[kDepth][kTile + 1];
  const int row0 = blockIdx.y * kTile, col0 = blockIdx.x * kTile;
  const int ty = threadIdx.x / 16, tx = threadIdx.x % 16;
  float sums[4][4] = {};
  for (int at = 0; at < k; at += kDepth) {
    for (int i = threadIdx.x; i < kTile * kDepth; i += kThreads) {
      const int row = row0 + i / kDepth, inner = at + i % kDepth;
      as[i % kDepth][i / kDepth] = row < m && inner < k ? a[static_cast<std::size_t>(row) * k + inner] : 0;
    }
    for (int i = threadIdx.x; i < kTile * kDepth; i += kThreads) {
      const int col = b_rows ? i / kDepth : i % kTile, depth = b_rows ? i % kDepth : i / kTile;
      const int inner = at + depth;
      const bool inside = col0 + col < n && inner < k;
      const std::size_t place = b_rows ? static_cast<std::size_t>(col0 + col) * k + inner : static_cast<std::size_t>(inner) * n + col0 + col;
      bs[depth][col] = inside ? b[place] : 0;
    }
    __syncthreads();
    for (int depth = 0; depth < kDepth; ++depth) {
      for (int i = 0; i < 4; ++i) {
        for (int j = 0; j < 4; ++j) sums[i][j] = fmaf(as[depth][ty + 16 * i], bs[depth][tx + 16 * j], sums[i][j]);
      }
    }
    __syncthreads();
  }
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) {
      const int row = row0 + ty + 16 * i, col = col0 + tx + 16 * j;
      if (row >= m || col >= n) continue;
      float& to = c[static_cast<std::size_t>(row) * n + col];
      to = adds ? to + sums[i][j] : sums[i][j];
    }
  }
}

__device__ float sigmoid(float value) { return 1.0f / (1.0f + expf(-value)); }

__global__ void swiglu_kernel(const float* gate_up, std::size_t count, int width, float* act) {
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= count) return;
  const float* const row = gate_up + i / width * 2 * width;
  const float gate = row[i % width];
  act[i] = gate * sigmoid(gate) * row[width + i % width];
}

__global__ void start_kernel(const TttLane* lanes, const float* from, std::size_t floats, float* work) {
  const float* const source = from != nullptr ? from : lanes[blockIdx.y].from;
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < floats) work[blockIdx.y * floats + i] = source[i];
}

// The tanh form of gelu and its slope.
__device__ float gelu(float z, float* slope) {
  const float a = 2 * 0.7978845608028654f, b = 0.044715f;
  const float s = sigmoid(a * (z + b * z * z * z));
  if (slope != nullptr) *slope = s + z * s * (1 - s) * a * (1 + 3 * b * z * z);
  return z * s;
}

// One head of one lane: its inner model, and what the block's threads share. Every method is called by all threads, and
// what it writes may be read after it.
struct Head {
  const TttShape& s;
  float *weight[2], *bias[2];     // in `work`
  float *input[2], *gradient[2];  // of the open tokens, in `trace`
  float *x, *y, *slope, *dots;    // shared: the widest of the maps each, and kTokens

  // y = x W + c
  __device__ void apply(int map) const {
    const int in = s.inner[map], out = s.inner[map + 1];
    for (int j = threadIdx.x; j < out; j += kThreads) {
      float sum = 0;
      for (int i = 0; i < in; ++i) sum = fmaf(x[i], weight[map][static_cast<std::size_t>(i) * out + j], sum);
      y[j] = sum + bias[map][j];
    }
    __syncthreads();
  }
  // x = y, through gelu before the last map is done.
  __device__ void take(int map, bool slopes) const {
    for (int j = threadIdx.x; j < s.inner[map + 1]; j += kThreads)
      x[j] = map + 1 == s.maps ? y[j] : gelu(y[j], slopes ? &slope[j] : nullptr);
    __syncthreads();
  }
  // x = (x - mean) / deviation; every thread sums for itself, which is the same everywhere.
  __device__ float normalise() const {
    const int f = s.head_width;
    float sum = 0, squares = 0;
    for (int i = 0; i < f; ++i) sum += x[i];
    const float mean = sum / static_cast<float>(f);
    for (int i = 0; i < f; ++i) squares = fmaf(x[i] - mean, x[i] - mean, squares);
    const float deviation = sqrtf(squares / static_cast<float>(f) + s.norm_epsilon);
    __syncthreads();
    for (int i = threadIdx.x; i < f; i += kThreads) x[i] = (x[i] - mean) / deviation;
    __syncthreads();
    return deviation;
  }
  // The token's input and gradient at every map; x comes in as its turned key. `target` is shared, too.
  __device__ void learn(int token, const float* target, const float* scale, const float* shift) const {
    for (int map = 0; map < s.maps; ++map) {
      for (int i = threadIdx.x; i < s.inner[map]; i += kThreads) input[map][static_cast<std::size_t>(token) * s.inner[map] + i] = x[i];
      apply(map);
      take(map, true);
    }
    const int f = s.head_width, last = s.maps - 1;
    const float deviation = normalise();
    float* const g = gradient[last] + static_cast<std::size_t>(token) * f;
    for (int i = threadIdx.x; i < f; i += kThreads) y[i] = (x[i] * scale[i] + shift[i] - target[i]) * scale[i];
    __syncthreads();
    float sum = 0, along = 0;
    for (int i = 0; i < f; ++i) {
      sum += y[i];
      along = fmaf(y[i], x[i], along);
    }
    const float mean = sum / static_cast<float>(f), pull = along / static_cast<float>(f);
    for (int i = threadIdx.x; i < f; i += kThreads) g[i] = (y[i] - mean - x[i] * pull) / deviation;
    __syncthreads();
    for (int map = last; map-- > 0;) {
      const int in = s.inner[map + 1], out = s.inner[map + 2];
      const float* const above = gradient[map + 1] + static_cast<std::size_t>(token) * out;
      for (int j = threadIdx.x; j < in; j += kThreads) {
        float back = 0;
        for (int o = 0; o < out; ++o) back = fmaf(above[o], weight[map + 1][static_cast<std::size_t>(j) * out + o], back);
        gradient[map][static_cast<std::size_t>(token) * in + j] = back * slope[j];
      }
      __syncthreads();
    }
  }
  // x = u_t(x), where `ramp` is of token t; `steps` of the tokens up to it.
  __device__ void answer(int token, float ramp, bool learns, const float* steps) const {
    for (int map = 0; map < s.maps; ++map) {
      const int in = s.inner[map], out = s.inner[map + 1];
      apply(map);
      if (learns) {
        if (static_cast<int>(threadIdx.x) <= token) {
          float dot = 1;
          for (int i = 0; i < in; ++i) dot = fmaf(x[i], input[map][static_cast<std::size_t>(threadIdx.x) * in + i], dot);
          dots[threadIdx.x] = ramp * steps[threadIdx.x] * dot;
        }
        __syncthreads();
        for (int j = threadIdx.x; j < out; j += kThreads) {
          for (int t = 0; t <= token; ++t) y[j] = fmaf(-dots[t], gradient[map][static_cast<std::size_t>(t) * out + j], y[j]);
        }
        __syncthreads();
      }
      take(map, false);
    }
  }
  // The state becomes that of the last token.
  __device__ void commit(float ramp, const float* steps) const {
    for (int map = 0; map < s.maps; ++map) {
      const int in = s.inner[map], out = s.inner[map + 1];
      for (int i = threadIdx.x; i < (in + 1) * out; i += kThreads) {
        const int row = i / out, col = i % out;
        float* const to = row < in ? &weight[map][i] : &bias[map][col];
        float value = *to;
        for (int t = 0; t < kTokens; ++t) {
          const float x_t = row < in ? input[map][static_cast<std::size_t>(t) * in + row] : 1.0f;
          value -= ramp * steps[t] * x_t * gradient[map][static_cast<std::size_t>(t) * out + col];
        }
        *to = value;
      }
    }
    __syncthreads();
  }
};

__device__ float ramp_of(const float* position_scale, int token) {
  const float value = 1.0f / static_cast<float>(token + 1) + position_scale[token];
  return value > 0 ? value : 0;
}

__device__ void turn(const float* from, const float2* rotary, int token, int width, float* to) {
  const int half = width / 2;
  for (int c = threadIdx.x; c < half; c += kThreads) {
    const float2 angle = rotary[token * half + c];
    to[c] = from[c] * angle.x - from[half + c] * angle.y;
    to[half + c] = from[half + c] * angle.x + from[c] * angle.y;
  }
}

// A block a (head, lane): token by token, the next inner mini-batch under the state that this one leaves.
__global__ void mix_kernel(TttMix mix, TttTensors tensors, TttShape s) {
  extern __shared__ float shared[];
  const int head = blockIdx.x, lane = blockIdx.y, f = s.head_width;
  const int widest = max(s.inner[0], s.inner[s.maps - 1 > 0 ? 1 : 0]);
  float* const target = shared + 3 * widest;
  float* const turned = target + f;
  float* const steps = turned + f;
  Head h = {.s = s, .weight = {}, .bias = {}, .input = {}, .gradient = {}, .x = shared, .y = shared + widest,
            .slope = shared + 2 * widest, .dots = steps + kTokens};
  float* state = mix.work + lane * s.state_floats;
  float* trace = mix.trace + (static_cast<std::size_t>(lane) * s.heads + head) * s.trace_floats;
  for (int map = 0; map < s.maps; ++map) {
    const std::size_t in = s.inner[map], out = s.inner[map + 1];
    h.weight[map] = state + head * in * out;
    h.bias[map] = state + s.heads * in * out + head * out;
    state += s.heads * (in + 1) * out;
    h.input[map] = trace;
    h.gradient[map] = trace + kTokens * in;
    trace += kTokens * (in + out);
  }
  const bool learns = mix.learns && mix.lanes[lane].learns != 0;
  const float* const scale = tensors.scale + head * f;
  const float* const shift = tensors.shift + head * f;
  for (int token = 0; token < mix.lanes[lane].rows; ++token) {
    const int open = token % kTokens;
    const std::size_t row = static_cast<std::size_t>(lane) * s.minibatch + token;
    const float* const q = mix.projected + row * s.projected_width + head * f;
    const float* const k = q + s.query_width;
    const float* const v = k + s.query_width;
    if (learns) {
      turn(k, mix.rotary, open, f, h.x);
      if (threadIdx.x == 0) {
        const float logit = mix.projected[row * s.projected_width + 3 * s.query_width + head];
        steps[open] = s.inner_step * sigmoid(logit + tensors.step_bias[head]);
      }
      __syncthreads();
      for (int i = threadIdx.x; i < f; i += kThreads) target[i] = v[i] - h.x[i];
      __syncthreads();
      h.learn(open, target, scale, shift);
    }
    turn(q, mix.rotary, open, f, turned);
    __syncthreads();
    for (int i = threadIdx.x; i < f; i += kThreads) h.x[i] = turned[i];
    __syncthreads();
    h.answer(open, ramp_of(tensors.position_scale, open), learns, steps);
    h.normalise();
    for (int i = threadIdx.x; i < f; i += kThreads) mix.out[row * s.query_width + head * f + i] = turned[i] + (h.x[i] * scale[i] + shift[i]);
    __syncthreads();
    if (learns && open + 1 == kTokens) h.commit(ramp_of(tensors.position_scale, open), steps);
  }
}

// The LN over all heads, in place.
__global__ void layer_norm_kernel(float* rows, int width, float epsilon, const float* scale, const float* shift) {
  __shared__ float parts[kThreads];
  float* const row = rows + static_cast<std::size_t>(blockIdx.x) * width;
  float sum = 0, squares = 0;
  for (int i = threadIdx.x; i < width; i += kThreads) sum += row[i];
  const float mean = block_sum(sum, parts) / static_cast<float>(width);
  for (int i = threadIdx.x; i < width; i += kThreads) squares = fmaf(row[i] - mean, row[i] - mean, squares);
  const float deviation = sqrtf(block_sum(squares, parts) / static_cast<float>(width) + epsilon);
  for (int i = threadIdx.x; i < width; i += kThreads) row[i] = (row[i] - mean) / deviation * scale[i] + shift[i];
}

__global__ void scores_kernel(TttScores scores, int first, int vocabulary) {
  __shared__ float parts[kThreads];
  const std::size_t row = static_cast<std::size_t>(first) + blockIdx.x;
  const float* const logits = scores.logits + static_cast<std::size_t>(blockIdx.x) * vocabulary;
  const std::int32_t* const candidates = scores.candidates == nullptr ? nullptr : scores.candidates + row * scores.per_row;
  int count = 0;
  while (candidates != nullptr && count < scores.per_row && candidates[count] >= 0) ++count;
  float most = logits[0];
  for (int v = threadIdx.x; v < vocabulary; v += kThreads) most = fmaxf(most, logits[v]);
  parts[threadIdx.x] = most;
  __syncthreads();
  for (int i = 0; i < kThreads; ++i) most = fmaxf(most, parts[i]);
  __syncthreads();
  float sum = 0, rest = 0;
  for (int v = threadIdx.x; v < vocabulary; v += kThreads) {
    const float value = expf(logits[v] - most);
    sum += value;
    bool is_candidate = false;
    for (int i = 0; i < count; ++i) is_candidate |= candidates[i] == v;
    if (!is_candidate) rest += value;
  }
  sum = block_sum(sum, parts);
  rest = block_sum(rest, parts);
  if (threadIdx.x > 0) return;
  const float all = most + logf(sum);
  scores.nll[row] = all - logits[scores.targets[row]];
  if (candidates == nullptr) return;
  for (int i = 0; i < count; ++i) scores.candidate_nats[row * scores.per_row + i] = all - logits[candidates[i]];
  scores.rest_nats[row] = logf(sum) - logf(rest);
}

__global__ void finish_kernel(const TttLane* lanes, TttShape s, const float* work, const float* nll, TttResult* results) {
  __shared__ double parts[kThreads];
  const TttLane lane = lanes[blockIdx.x];
  const std::size_t floats = s.state_floats;
  const float* const worked = work + blockIdx.x * floats;
  if (lane.next == nullptr) {
    if (threadIdx.x == 0) results[blockIdx.x] = {0, 0};
    return;
  }
  double squares = 0, unfit = 0;
  for (std::size_t i = threadIdx.x; i < floats; i += kThreads) {
    const double change = static_cast<double>(worked[i]) - static_cast<double>(lane.from[i]);
    squares += change * change;
  }
  for (int i = threadIdx.x; i < lane.rows; i += kThreads) unfit += isfinite(nll[blockIdx.x * s.minibatch + i]) ? 0 : 1;
  squares = block_sum(squares, parts);
  unfit = block_sum(unfit, parts);
  const bool learned = unfit == 0 && isfinite(squares);
  if (threadIdx.x == 0) results[blockIdx.x] = {squares, learned ? 1 : 0};
  for (std::size_t i = threadIdx.x; i < floats; i += kThreads) lane.next[i] = learned ? worked[i] : lane.from[i];
}

unsigned blocks_for(std::size_t count) { return static_cast<unsigned>((count + kThreads - 1) / kThreads); }

}  // namespace

cudaError_t ttt_embed(const std::int32_t* tokens, const float* embedding, int rows, int width, float* h, cudaStream_t stream) {
  embed_kernel<<<rows, kThreads, 0, stream>>>(tokens, embedding, width, h);
  return cudaGetLastError();
}

cudaError_t ttt_rms_norm(const float* h, const float* gain, int rows, int width, float epsilon, float* x, cudaStream_t stream) {
  rms_norm_kernel<<<rows, kThreads, 0, stream>>>(h, gain, width, epsilon, x);
  return cudaGetLastError();
}

cudaError_t ttt_product(const float* a, const float* b, bool b_rows, bool adds, int m, int n, int k, float* c, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>((n + kTile - 1) / kTile), static_cast<unsigned>((m + kTile - 1) / kTile));
  product_kernel<<<grid, kThreads, 0, stream>>>(a, b, b_rows, adds, m, n, k, c);
  return cudaGetLastError();
}

cudaError_t ttt_swiglu(const float* gate_up, int rows, int width, float* act, cudaStream_t stream) {
  const std::size_t count = static_cast<std::size_t>(rows) * width;
  swiglu_kernel<<<blocks_for(count), kThreads, 0, stream>>>(gate_up, count, width, act);
  return cudaGetLastError();
}

cudaError_t ttt_start(const TttLane* lanes, const float* from, const TttShape& shape, int lane_count, float* work, cudaStream_t stream) {
  const dim3 grid(blocks_for(shape.state_floats), static_cast<unsigned>(lane_count));
  start_kernel<<<grid, kThreads, 0, stream>>>(lanes, from, shape.state_floats, work);
  return cudaGetLastError();
}

cudaError_t ttt_mix(const TttMix& mix, const TttTensors& tensors, const TttShape& shape, int lane_count, cudaStream_t stream) {
  const int widest = shape.maps > 1 ? shape.inner[1] : shape.inner[0];
  const std::size_t bytes = (3 * static_cast<std::size_t>(widest) + 2 * shape.head_width + 2 * kTokens) * sizeof(float);
  mix_kernel<<<dim3(static_cast<unsigned>(shape.heads), static_cast<unsigned>(lane_count)), kThreads, bytes, stream>>>(mix, tensors, shape);
  layer_norm_kernel<<<lane_count * shape.minibatch, kThreads, 0, stream>>>(mix.out, shape.query_width, shape.norm_epsilon,
                                                                           tensors.post_scale, tensors.post_shift);
  return cudaGetLastError();
}

cudaError_t ttt_scores(const TttScores& scores, int first, int rows, int vocabulary, cudaStream_t stream) {
  scores_kernel<<<rows, kThreads, 0, stream>>>(scores, first, vocabulary);
  return cudaGetLastError();
}

cudaError_t ttt_finish(const TttLane* lanes, const TttShape& shape, int lane_count, const float* work, const float* nll,
                       TttResult* results, cudaStream_t stream) {
  finish_kernel<<<lane_count, kThreads, 0, stream>>>(lanes, shape, work, nll, results);
  return cudaGetLastError();
}

}  // namespace silt::model::cuda
