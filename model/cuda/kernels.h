// The kernels of the CUDA engine, as the host launches them.
//
// Rows of all lanes lie one under the other: lane s has rows [s * kBlockRows, (s + 1) * kBlockRows) of every
// activation. A row's result is a function of that row and of its own lane alone, reduced in an order that
// depends on neither the number of lanes nor the lane's place: that is what makes a lane's bits its own.
// bfloat16 travels as its bits (Half). Launches return the runtime's error; nothing here waits.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace silt::model::cuda {

using Half = std::uint16_t;  // bfloat16 bits

constexpr int kBlockRows = 128;  // mini-batch of the nets that this engine runs
constexpr int kHeadWidth = 64;
constexpr int kHeadParts = 4;    // the vocabulary is summed over in so many fixed parts
constexpr int kGramTiles = 2;    // parts of |g|^2 of a layer
constexpr int kCandidatesMax = 8;

// What the kernels must know of one lane. Lives in device memory for the time of a step.
struct LaneArgs {
  const float* weights;  // masters of all fast layers, [fast_layers][fast_width][width]
  const Half* pack;      // the same, rounded
  float* next_weights;   // where the step goes; may be `weights`; null: nothing is learned
  Half* next_pack;
  Half* kv;         // [layers][2][window_blocks + 1][heads][128][64]: keys turned by their place, values
  Half* frozen_kv;  // the same of adapted layers after the first, under W_0; null without frozen scores
  Half* x;          // [layers][window_blocks][128][width]: normed inputs of attention
  Half* frozen_x;
  std::int32_t slot;    // block of the rings that this mini-batch's keys and values go to
  std::int32_t valid;   // blocks before it that exist
  std::int32_t x_slot;  // block of x that its inputs go to; -1: they are not kept
  std::int32_t rows;    // of the mini-batch that are tokens
};

// What a step tells of one lane.
struct LaneResult {
  float squared_gradient;  // |g|^2
  std::int32_t learned;    // 0: not asked for, or not finite
};

struct Shape {
  int width, heads, mlp_width, fast_width, vocabulary, layers, fast_layers, window_blocks;
  float norm_epsilon, clip_norm;
  bool frozen;
  int attention_width() const { return heads * kHeadWidth; }
  int qkv_width() const { return 3 * attention_width(); }
  int prefix_layers() const { return layers - fast_layers; }
  std::size_t fast_size() const { return static_cast<std::size_t>(fast_width) * width; }  // of one layer
  std::size_t ring_size() const {  // keys, or values, of one layer
    return static_cast<std::size_t>(window_blocks + 1) * heads * kBlockRows * kHeadWidth;
  }
  std::size_t x_size() const { return static_cast<std::size_t>(window_blocks) * kBlockRows * width; }
};

// --- rows.cu ------------------------------------------------------------------------------------------

// Between device memory and pinned memory of the host, either way: as a kernel it takes its turn among the others
// without the delay of a copy engine. `bytes`: a multiple of 16.
cudaError_t copy_block(const void* from, void* to, std::size_t bytes, cudaStream_t stream);

cudaError_t embed(const std::int32_t* tokens, const Half* embedding, int rows, int width, float* h,
                  cudaStream_t stream);

// x = gain * h / rms(h); no gain: it is folded into the weights behind it. With `lanes`, also to their rings
// of inputs, at `ring_offset` elements from lane.x (or lane.frozen_x).
struct NormRing {
  const LaneArgs* lanes = nullptr;
  bool frozen = false;
  std::size_t offset = 0;
};
cudaError_t rms_norm(const float* h, const float* gain, int rows, int width, float epsilon, Half* x,
                     const NormRing& ring, cudaStream_t stream);

// dh = dh_in + d(rms_norm)/dh applied to the sum of `parts` matrices dx; rounded to dh_half too. dh_in may be
// null (zero) or dh.
struct NormGradient {
  const float* dx;
  int parts;  // `rows * width` elements apart
  const float* h;
  const float* gain;  // or null
  const float* dh_in;
  float* dh;
  Half* dh_half;
};
cudaError_t rms_norm_backward(const NormGradient& g, int rows, int width, float epsilon, cudaStream_t stream);

// pre is [rows, 2 width + 2 fast_width]: gate | up | fast gate | fast up; fast_width may be 0.
cudaError_t swiglu(const Half* pre, int rows, int width, int fast_width, Half* act, Half* fast_act,
                   cudaStream_t stream);
cudaError_t swiglu_backward(const Half* pre, const Half* dact, const Half* fast_dact, int rows, int width,
                            int fast_width, Half* dpre, cudaStream_t stream);

// --- cross_entropy.cu -----------------------------------------------------------------------------------

// From logits [rows, vocabulary]: nll of the targets; the surprises of `candidates` [rows, per_row] (-1 ends a
// row) and of all other tokens together; and, where `gradient`, in place of the logits, the gradient of the
// lane's mean nll.
struct CrossEntropy {
  Half* logits;
  const std::int32_t* targets;
  const std::int32_t* candidates;  // or null
  int per_row;
  bool gradient;
  float* nll;
  float* candidate_nats;
  float* rest_nats;
};
bool cross_entropy_takes(int vocabulary);
cudaError_t cross_entropy(const CrossEntropy& args, int rows, int vocabulary, cudaStream_t stream);

// --- attention.cu ---------------------------------------------------------------------------------------

// Rotary table [(window_blocks + 1) * 128][32] of {cosine, sine}.
struct AttentionArgs {
  const LaneArgs* lanes;
  const float2* rotary;
  const Half* qkv;  // [rows, 3 heads * 64]
  Half* out;        // [rows, heads * 64]
  float* lse;       // [rows, heads] for the backward pass, or null
  int heads, window_blocks;
  bool frozen;              // which of the lane's rings,
  std::size_t ring_offset;  // and where in it the layer's keys are; values follow ring_size elements later
  std::size_t ring_size;
};
cudaError_t attention(const AttentionArgs& args, int lanes, cudaStream_t stream);
// Turned keys, and values, of `blocks` blocks of rows of lane `lane` into its ring from block 0 on.
cudaError_t store_keys(const AttentionArgs& args, int lane, int blocks, cudaStream_t stream);

struct AttentionGradient {
  AttentionArgs forward;  // with out and lse as the forward pass left them
  const Half* dout;
  Half* dqkv;
};
cudaError_t attention_backward(const AttentionGradient& args, int lanes, cudaStream_t stream);

// --- products.cu ----------------------------------------------------------------------------------------

// h[lane] += act[lane] W[lane], for the down matrix of fast layer `layer`. (float32 sums, in order of the
// hidden units.)
cudaError_t fast_down(const LaneArgs* lanes, const Half* act, float* h, int layer, const Shape& shape,
                      int lane_count, cudaStream_t stream);
// dact[lane] = dh[lane] W[lane]^T
cudaError_t fast_down_backward(const LaneArgs* lanes, const Half* dh, Half* dact, int layer, const Shape& shape,
                               int lane_count, cudaStream_t stream);

// act and dh of every fast layer; g = act^T dh.
constexpr int kFastLayersMax = 8;
struct FastGradients {
  const Half* act[kFastLayersMax];
  const Half* dh[kFastLayersMax];
  const float* initial;          // W_0, like LaneArgs::weights
  const float* steps;            // [fast_layers][fast_width]
  const float* decays;           // likewise
  const float* nll;              // [rows]
  float* parts;                  // [lanes][fast_layers][kGramTiles], written by gradient_norms()
  LaneResult* results;           // written by fast_update()
};
// |g|^2 as the sum of (act act^T) o (dh dh^T): g itself is never stored.
cudaError_t gradient_norms(const FastGradients& g, const Shape& shape, int lane_count, cudaStream_t stream);
// next = W_0 + decay (W - W_0) - step min(1, clip / |g|) g, rounded to next_pack; next = W when a loss or the
// norm is not finite.
cudaError_t fast_update(const LaneArgs* lanes, const FastGradients& g, const Shape& shape, int lane_count,
                        cudaStream_t stream);
cudaError_t round_weights(const float* weights, std::size_t count, Half* pack, cudaStream_t stream);

// c = a b, or c = c_in + a b, of row-major matrices: a [m, k], b [k, n] or, `b_rows`, [n, k]. The engine's own
// product: one order of sums whatever m. m a multiple of 128, n and k of 64. c is Half or float.
struct Product {
  const Half* a;
  const Half* b;
  const float* c_in;  // null: none. Only of float products
  void* c;
  bool b_rows, half_out;
  int m, n, k, lda, ldb;
  int parts;                                 // k is summed in so many parts, each to a matrix of its own,
  std::size_t a_part, b_part, c_part;        // which lie so many elements apart
};
cudaError_t product(const Product& p, cudaStream_t stream);

}  // namespace silt::model::cuda
