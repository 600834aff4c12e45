// The kernels that read nets with TTT layers (model/ops/ttt_mixer.h), in float32 throughout: made to be right, not fast.
//
// Rows of all lanes lie one under the other, `minibatch` each. As in kernels.h, a row's result depends on that row and
// its own lane alone, to the bit.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace silt::model::cuda {

struct TttShape {
  int layers, width, heads, head_width, mlp_width, vocabulary, minibatch;
  int maps;      // linear maps of an inner model: 1 or 2
  int inner[3];  // their widths, from input to output
  float norm_epsilon, inner_step;
  // What follows from these:
  int query_width, projected_width;  // heads * head_width; q, k, v and the logit of each head's step
  std::size_t layer_floats;  // of one layer's inner models: each map's weights [heads, in, out], then its biases [heads, out]
  std::size_t state_floats;  // of all layers
  std::size_t trace_floats;  // inputs and output gradients that an open inner mini-batch leaves at the maps of one head
};

// Frozen tensors of one layer, as the weight file has them.
struct TttTensors {
  const float* mixer_norm;  // [width]
  const float* projection;  // [width, projected_width]
  const float* output;      // [query_width, width]
  const float* mlp_norm;
  const float* gate_up;     // [width, 2 mlp_width]
  const float* down;        // [mlp_width, width]
  const float* step_bias;       // [heads]
  const float* position_scale;  // [16]
  const float* scale;           // of the heads' LN [query_width]
  const float* shift;
  const float* post_scale;  // of the LN over all heads
  const float* post_shift;
};

struct TttLane {
  const float* from;   // state that the mini-batch is read under
  float* next;         // where the step goes; may be `from`; null: nothing is kept
  std::int32_t rows;   // tokens
  std::int32_t learns;
};

struct TttResult {
  double squared_change;
  std::int32_t learned;  // 0: not asked for, or not finite
};

cudaError_t ttt_embed(const std::int32_t* tokens, const float* embedding, int rows, int width, float* h, cudaStream_t stream);
cudaError_t ttt_rms_norm(const float* h, const float* gain, int rows, int width, float epsilon, float* x, cudaStream_t stream);
// c = a b, or c += a b: a [m, k], b [k, n] or, `b_rows`, [n, k]. One order of sums, whatever m.
cudaError_t ttt_product(const float* a, const float* b, bool b_rows, bool adds, int m, int n, int k, float* c, cudaStream_t stream);
// act = silu(gate) up, of [rows, 2 width]
cudaError_t ttt_swiglu(const float* gate_up, int rows, int width, float* act, cudaStream_t stream);

// Copies each lane's state to where mix() works on it: `work` [lanes][state_floats]. `from` overrides the lanes'.
cudaError_t ttt_start(const TttLane* lanes, const float* from, const TttShape& shape, int lane_count, float* work, cudaStream_t stream);
// projected [rows, projected_width] -> out [rows, query_width], after the LN over all heads. `trace`
// [lanes][heads][trace_floats] and `rotary` [16][head_width / 2] of {cosine, sine}. Not `learns`: whatever the lanes say.
struct TttMix {
  const TttLane* lanes;
  const float* projected;
  const float2* rotary;
  float* work;  // of lane 0, at the layer
  float* trace;
  float* out;
  bool learns;
};
cudaError_t ttt_mix(const TttMix& mix, const TttTensors& tensors, const TttShape& shape, int lane_count, cudaStream_t stream);

// From logits [rows, vocabulary] of rows that begin at `first` of the step: nll, and with candidates their surprises and
// that of all other tokens.
struct TttScores {
  const float* logits;
  const std::int32_t* targets;
  const std::int32_t* candidates;  // or null
  int per_row;
  float* nll;
  float* candidate_nats;
  float* rest_nats;
};
cudaError_t ttt_scores(const TttScores& scores, int first, int rows, int vocabulary, cudaStream_t stream);
// next = the worked state, or the one before when a loss or the change is not finite.
cudaError_t ttt_finish(const TttLane* lanes, const TttShape& shape, int lane_count, const float* work, const float* nll,
                       TttResult* results, cudaStream_t stream);

}  // namespace silt::model::cuda
