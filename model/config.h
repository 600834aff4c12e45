// ModelConfig: the shape and the learning rule of a net, as its weight file's header states them.
//
// Nothing of the shape is a constant in C++. Values are checked once, when a weight file is opened;
// everything behind it may rely on validate() having passed.
#pragma once

#include <string>

#include "base/status.h"

namespace silt::model {

enum class MixerKind { kTttE2e };      // later: kTttLinear, kTttMlp
enum class InnerRule { kClippedSgd };  // g <- g * min(1, clip/|g|);  W <- W0 + decay (W - W0) - step g

struct ModelConfig {
  MixerKind mixer = MixerKind::kTttE2e;
  InnerRule rule = InnerRule::kClippedSgd;
  int layers = 0;       // all blocks
  int fast_layers = 0;  // the last of them, which carry fast weights
  int width = 0;        // d, the residual stream
  int heads = 0;
  int kv_heads = 0;
  int head_width = 0;
  int mlp_width = 0;         // static SwiGLU hidden width
  int fast_width = 0;        // fast SwiGLU hidden width
  int vocabulary = 0;        // rows of the (tied) embedding
  int minibatch_tokens = 0;  // b: one learning step
  int window_tokens = 0;     // k: attention window, a multiple of b
  float rope_theta = 0;
  float norm_epsilon = 0;
  float clip_norm = 0;  // one global norm over all fast gradients

  int prefix_layers() const { return layers - fast_layers; }
  int query_width() const { return heads * head_width; }
  int kv_width() const { return kv_heads * head_width; }

  // Every limit the engine relies on; the message names the field and the allowed range.
  Status validate() const;
};

}  // namespace silt::model
