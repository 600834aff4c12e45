// TttMixer: what TTT layers need of a backend (ttt-spec 3; model/training/mixers.py is the definition).
//
// One head of width f has an inner model u of one linear map (kTttLinear) or two with tanh-gelu
// between them (kTttMlp). For token t of an inner mini-batch of kTttTokens, counted from 0:
//   q_t, k_t turned by the rotary angle of t;  target_t = v_t - k_t
//   eta[t, s] = inner_step * sigmoid(logit_s + step_bias) * max(0, 1 / (t + 1) + position_scale[t])
//   g_s = gradient of 1/2 |LN(u(k_s)) - target_s|^2, taken at the state where the mini-batch began
//   out_t = q_t + LN(u_t(q_t)),  u_t: the state less the sum over s <= t of eta[t, s] g_s
// and after the last token the state becomes u_15. So learning is part of the forward pass. The sums
// over s are kept in their dual form: with X and G the inputs and output gradients of a linear map,
//   y W_t + c_t = y W + c - sum over s <= t of eta[t, s] (y . X_s + 1) G_s.
// Without learning every eta is 0.
#pragma once

#include <memory>
#include <vector>

#include "model/ops/backend.h"

namespace silt::model {

// One linear map of the inner models of all heads, in kMaster buffers.
struct InnerLinear {
  Buffer* weight = nullptr;  // [heads * in, out]
  Buffer* bias = nullptr;    // [heads, out]
};
// Those of one layer, from input to output: 1 or 2.
using InnerModel = std::vector<InnerLinear>;

// What is frozen of one layer, its projections aside.
struct TttLayer {
  std::vector<float> step_bias;               // [heads]
  std::vector<float> position_scale;          // [kTttTokens], its difference from 1 / (t + 1)
  std::vector<float> scale, shift;            // of the heads' LN [heads * f]
  std::vector<float> post_scale, post_shift;  // of the LN over all heads that ends the layer [heads * f]
};

// A layer on its way through a stream: its state at the start of the open inner mini-batch, and what
// later tokens of that mini-batch need of its earlier ones.
class TttCache {
 public:
  virtual ~TttCache() = default;
};
using TttCachePtr = std::unique_ptr<TttCache>;

class TttMixer {
 public:
  virtual ~TttMixer() = default;

  virtual TttCachePtr allocate_cache() = 0;
  // The stream starts here, with this state.
  virtual void start(const InnerModel& state, TttCache& cache) = 0;
  // The next rows of the stream: projected [M, projected_width] kOperand -> out [M, heads * f]
  // kOperand, after the LN over all heads. Row by row the same bits, however the rows are cut.
  virtual void mix(const Buffer& projected, const TttLayer& layer, bool learns, TttCache& cache,
                   Buffer& out) = 0;
  // Sum of squares of (cached state - `since`), reduced in a fixed order; not finite if the state is not.
  virtual double squared_change(const TttCache& cache, const InnerModel& since) = 0;
  // to = the state at the start of the open inner mini-batch.
  virtual void store(const TttCache& cache, const InnerModel& to) = 0;
};

}  // namespace silt::model
