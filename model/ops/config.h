// ModelConfig: the shape and the learning rule of a net, as its weight file's header states them.
//
// Nothing of the shape is a constant in C++. Values are checked once, when a weight file is opened;
// everything behind it may rely on validate() having passed.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace silt::model {

// What carries the past. kTttE2e: window attention in all blocks, and fast SwiGLUs in the last that
// learn from the loss. kTttLinear, kTttMlp: TTT layers in all blocks (ttt_mixer.h), which learn while
// they compute; such a net has no window and no fast SwiGLU.
enum class MixerKind { kTttE2e, kTttLinear, kTttMlp };
enum class InnerRule {
  kClippedSgd,   // of kTttE2e: g <- g * min(1, clip/|g|);  W <- W0 + decay (W - W0) - step g
  kMinibatchGd,  // of TTT layers: gradient descent on each kTttTokens tokens
};

// Which matrices of a fast SwiGLU learn. kGateUpDown: all three, each with one step and one decay. kDown:
// down alone, each hidden unit (a row of down) with a step and a decay of its own, so that a state is a
// bank of memories of many time scales; gate and up are frozen like all other weights.
enum class FastLearns { kGateUpDown, kDown };

constexpr int kTttTokens = 16;  // inner mini-batch of a TTT layer

// Of nets with recall (model/recall_memory.h).
constexpr int kRecallSlotsLog2Min = 4;
constexpr int kRecallSlotsLog2Max = 24;
constexpr int kRecallVocabularyMax = 65535;

struct ModelConfig {
  MixerKind mixer = MixerKind::kTttE2e;
  InnerRule rule = InnerRule::kClippedSgd;
  FastLearns fast_learns = FastLearns::kGateUpDown;  // with TTT layers not used
  int layers = 0;                                    // all blocks
  int fast_layers = 0;  // the last of them, which carry fast weights; with TTT layers all
  int width = 0;        // d, the residual stream
  int heads = 0;
  int kv_heads = 0;
  int head_width = 0;
  int mlp_width = 0;         // static SwiGLU hidden width
  int fast_width = 0;        // fast SwiGLU hidden width; with TTT layers 0
  int vocabulary = 0;        // rows of the (tied) embedding
  int minibatch_tokens = 0;  // b: read at a time, one learning step; with TTT layers a multiple of theirs
  int window_tokens = 0;     // k: attention window, a multiple of b; with TTT layers 0
  float rope_theta = 0;
  float norm_epsilon = 0;
  float clip_norm = 0;        // one global norm over all fast gradients; with TTT layers not used
  int recall_slots_log2 = 0;  // size of each source's RecallMemory; 0: none

  int prefix_layers() const { return layers - fast_layers; }
  int query_width() const { return heads * head_width; }
  int kv_width() const { return kv_heads * head_width; }
  bool has_ttt_layers() const { return mixer != MixerKind::kTttE2e; }
  bool learns_gate_up() const { return fast_learns == FastLearns::kGateUpDown; }
  // Steps of a fast layer, and as many decays: of gate, up and down, or of each hidden unit.
  int fast_rates() const { return learns_gate_up() ? 3 : fast_width; }
  // Columns of the joined projection of a block's normed input: q, k, v, and before a TTT layer the
  // logit of each head's step.
  int projected_width() const { return query_width() + 2 * kv_width() + (has_ttt_layers() ? heads : 0); }
  // Windows of normed inputs that a state holds: of all blocks, and for frozen scores again of those
  // adapted blocks whose input depends on fast weights.
  int windows() const { return has_ttt_layers() ? 0 : layers; }
  int frozen_windows() const { return has_ttt_layers() ? 0 : fast_layers - 1; }
  // Widths of one head's inner model, from its input to its output, and its base step.
  std::vector<int> inner_widths() const;
  double inner_step() const;

  // Sets the fields that follow from `mixer` and `heads` for a net with TTT layers.
  void complete_ttt();

  // Every limit the engine relies on; the message names the field and the allowed range.
  Status validate() const;

 private:
  Status validate_e2e() const;
  Status validate_ttt() const;
};

}  // namespace silt::model
