// WeightsFile: a whole model in one safetensors file (safetensors.h), mapped read-only.
//
// `__metadata__` (strings): format "silt-1"; the shape and the rule under the field names of
// ModelConfig (mixer "ttt-e2e", rule "clipped-sgd", layers, fast_layers, width, heads, kv_heads,
// head_width, mlp_width, fast_width, vocabulary, minibatch_tokens, window_tokens, rope_theta,
// norm_epsilon, clip_norm; may be left out: recall_slots_log2, fast_learns "gate up down" or "down");
// tokenizer "byte-bpe", pretokenizer (pretokenizer.h), start_token. Everything else (architecture,
// training_*, data, licence, provenance) is for people. With mixer "ttt_linear" or "ttt_mlp" the rule is
// "minibatch-gd", and fast_layers, kv_heads, fast_width, fast_learns, window_tokens and clip_norm are not
// read.
//
// Tensors, for block n in [0, layers), d = width, f = fast_width, V = vocabulary:
//   embedding                          [V, d]         tied: input rows, output columns
//   final_norm                         [d]      F32
//   blocks.n.attention_norm            [d]      F32
//   blocks.n.attention.q               [d, heads * head_width]
//   blocks.n.attention.k, .v           [d, kv_heads * head_width]
//   blocks.n.attention.o               [heads * head_width, d]
//   blocks.n.mlp_norm                  [d]      F32
//   blocks.n.mlp.gate, .up             [d, mlp_width]
//   blocks.n.mlp.down                  [mlp_width, d]
// and for the last fast_layers blocks, W_0 of the fast SwiGLU and its learned rule:
//   blocks.n.fast_norm                 [d]      F32
//   blocks.n.fast.gate, .up            [d, f]
//   blocks.n.fast.down                 [f, d]
//   blocks.n.fast.step, .decay         [3]      F32   for gate, up, down; final values, not logits;
//                                      [f]            with fast_learns "down": for the rows of down
// with recall_slots_log2, perhaps what each source's gate begins with (recall_gate.h, RecallGate::values()):
//   recall.gate                        [RecallGate::kSize]  F32
// With TTT layers, of width f per head and w = heads * f (ttt_mixer.h; per head = head after head),
// every block has instead of attention_norm, attention and fast:
//   blocks.n.ttt_norm                  [d]      F32
//   blocks.n.ttt.q, .k, .v             [d, w]
//   blocks.n.ttt.o                     [w, d]
//   blocks.n.ttt.lr_weight, .lr_bias   [d, heads], [heads] F32   the logit of a token's step
//   blocks.n.ttt.position_scale        [16]     F32   added to 1 / t
//   blocks.n.ttt.ln_scale, .ln_shift   [w]      F32   of the inner models' LN
//   blocks.n.ttt.post_norm_scale, .post_norm_shift [w] F32   of the LN over all heads
//   blocks.n.ttt.w1, .c1               [heads * f, f], [heads * f] F32   the initial inner models
// or with ttt_mlp, of hidden width 4 f:
//   blocks.n.ttt.w1, .c1               [heads * f, 4 f], [heads * 4 f] F32
//   blocks.n.ttt.w2, .c2               [heads * 4 f, f], [heads * f] F32
// and the tokenizer (tokenizer.h), whose special tokens have empty pieces:
//   tokenizer.bytes                    [bytes]  U8    all pieces, joined
//   tokenizer.offsets                  [V + 1]  I32   piece t is bytes [offsets[t], offsets[t + 1])
//   tokenizer.merges                   [m, 3]   I32   left, right, result; row = rank
// Matrices are stored for y = x W, that is [in, out], in F32, BF16 or I8. An I8 matrix `name` comes
// with `name.scale` [in] F32: element = int8 * scale[row].
// Tensors that are missing, unknown or of another shape make the file invalid.
//
// Immutable after open(); safe for concurrent use. safetensors.h says how the file may be replaced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/status.h"
#include "model/ops/config.h"
#include "model/safetensors.h"
#include "model/ops/tensor_source.h"

namespace silt::model {

class WeightsFile final : public TensorSource {
 public:
  // Maps and checks the whole header. A failure's message names the file, the place and the remedy.
  static Result<std::unique_ptr<WeightsFile>> open(const std::string& path);

  const std::string& path() const { return file_->path(); }
  const ModelConfig& config() const { return config_; }
  const std::map<std::string, std::string, std::less<>>& metadata() const { return file_->metadata(); }

  Result<std::unique_ptr<MatrixSource>> matrix(std::string_view name) const override;
  Result<std::vector<float>> vector(std::string_view name) const override { return file_->floats(name); }
  // A tensor's stored bytes, valid as long as this object.
  Result<std::span<const std::byte>> raw(std::string_view name) const;
  Result<std::vector<std::int32_t>> integers(std::string_view name) const { return file_->integers(name); }

  // Of every byte of the file: equal fingerprints mean the same model. Reads the whole file.
  Digest fingerprint() const { return file_->fingerprint(); }
  // Gives the mapped pages back to the kernel, for when everything was packed. Later reads work and
  // bring pages in again.
  void release() const { file_->release(); }

 private:
  WeightsFile() = default;
  Status read_config();
  Status read_fast_learns();
  Status check_tensors() const;

  std::unique_ptr<SafetensorsFile> file_;
  ModelConfig config_;
};

}  // namespace silt::model
