// EncoderNet: the net of a sentence encoder, run on the mapped weights.
//
// Embedding and position, then blocks of self-attention and MLP (GELU), each with a layer norm behind its
// residual sum; the mean of a text's last rows, at unit length, is its vector. Activations that meet a
// matrix are rounded to 14 bits a number with one step a row, and multiplied exactly; all else is single
// precision in a fixed order. So a text's vector has the same bits on every machine and instruction set, and
// in any company: texts of a pass lie one behind the other, without padding.
//
// Tensors (file of encoder.h; d = width, m = mlp_width, V = vocabulary, P = positions):
//   embedding                         [V, d]  I8, with .scale [V] F32
//   positions                         [P, d]  I8, with .scale [P] F32; what marks a text's segment is in it
//   embedding_norm                    .gain, .bias [d] F32
//   blocks.n.attention.qkv            3 d of d inputs: queries, keys, values, each head after head
//   blocks.n.attention.out            d of d
//   blocks.n.attention_norm           .gain, .bias [d] F32
//   blocks.n.mlp.up, .down            m of d, d of m
//   blocks.n.mlp_norm                 .gain, .bias [d] F32
// A matrix of n outputs of k inputs is stored as panels, [n / 16, k / 2, 16, 2] I8: element (o, i) is number
// (i % 2) of output (o % 16) of pair i / 2 of panel o / 16, times `.scale` [n] F32 of its output; with
// `.bias` [n] F32.
// Immutable after load(); safe for concurrent use, each thread with its own Workspace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/cpu/kernels.h"
#include "model/safetensors.h"

namespace silt::model {

struct EncoderShape {
  int layers = 0, width = 0, heads = 0, mlp_width = 0, vocabulary = 0, positions = 0;
  float norm_epsilon = 0;
};

class EncoderNet {
 public:
  // What a pass needs; grows to the largest pass that it was used for.
  struct Workspace {
    std::vector<float> hidden, projected, mixed, wide, heads, steps;
    std::vector<std::int16_t> words;
    std::vector<std::int32_t> sums;
  };

  // `file` must outlive the result. `isa`: one of cpu::usable_isas().
  static Result<EncoderNet> load(const SafetensorsFile& file, std::string_view isa);

  const EncoderShape& shape() const { return shape_; }

  // The unit vectors of texts of `lengths` tokens, each from 1 to `positions`, one behind the other.
  void run(std::span<const std::int32_t> tokens, std::span<const int> lengths, Workspace& work,
           float* vectors) const;

 private:
  struct Rows {  // int8 rows, each with a scale
    const std::int8_t* data = nullptr;
    const float* scale = nullptr;
  };
  struct Linear {
    const std::int8_t* panels = nullptr;
    const float* scale = nullptr;
    const float* bias = nullptr;
    int in = 0, out = 0;
  };
  struct Norm {
    const float* gain = nullptr;
    const float* bias = nullptr;
  };
  struct Block {
    Linear qkv, out, up, down;
    Norm attention_norm, mlp_norm;
  };
  class Loader;

  void embed(std::span<const std::int32_t> tokens, std::span<const int> lengths, float* hidden) const;
  void multiply(const Linear& linear, const float* x, int rows, Workspace& work, float* y) const;
  void attend(std::span<const int> lengths, const float* qkv, Workspace& work, float* mixed) const;
  void add_and_norm(const float* x, const Norm& norm, int rows, float* hidden) const;

  EncoderShape shape_;
  cpu::Kernels kernels_{};
  Rows embedding_, positions_;
  Norm embedding_norm_;
  std::vector<Block> blocks_;
};

}  // namespace silt::model
