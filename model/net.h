// Net: the frozen weights, packed by a backend. Immutable; shared by every learner and reader of a
// process that use the same backend path.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/digest.h"
#include "base/status.h"
#include "model/adapted_state.h"
#include "model/ops/backend.h"
#include "model/ops/config.h"
#include "model/ops/tensor_source.h"

namespace silt::model {

struct Block {
  std::vector<float> mixer_norm;  // of attention or the TTT layer: gains [d]
  std::vector<float> mlp_norm;
  MatrixPtr qkv;      // [d, projected_width]
  MatrixPtr output;   // [heads * head_width, d]
  MatrixPtr gate_up;  // [d, 2 mlp_width]
  MatrixPtr down;     // [mlp_width, d]
};

struct FastBlock {
  std::vector<float> norm;   // gain of the fast SwiGLU's own norm [d]
  FastStep step;             // the learned rule
  MatrixPtr gate_up;         // [d, 2 fast_width] where they are frozen; null where they learn
  FastPackPtr initial_pack;  // W_0, ready for forward passes
};

struct Net {
  ModelConfig config;
  Digest fingerprint;     // of the weight file; states name it
  Token start_token = 0;  // input of the first token of a stream
  MatrixPtr embedding;
  std::vector<float> final_norm;
  std::vector<Block> blocks;                   // all layers
  std::vector<FastBlock> fast;                 // of the last fast_layers blocks,
  std::vector<TttLayer> ttt;                   // or of all blocks
  std::shared_ptr<const FastWeights> initial;  // W_0
  std::vector<float> recall_gate;              // RecallGate::values(); empty without recall
  std::vector<std::uint8_t> token_marks;       // [vocabulary] TokenMarks, for recall

  // Reads and packs all tensors. Fails when one is missing or its shape disagrees with `config`,
  // which must have passed validate().
  static Result<std::shared_ptr<Net>> create(const TensorSource& source, const ModelConfig& config,
                                             Backend& backend);
};

// Buffers for one version of the fast weights, zero-filled.
std::unique_ptr<FastWeights> allocate_fast_weights(const ModelConfig& config, Backend& backend);
// Both of one configuration.
void copy_fast_weights(const FastWeights& from, const FastWeights& to, Backend& backend);

}  // namespace silt::model
