// Rotary: turns queries and keys to their positions in the window.
//
// Keys are stored as they came, since positions are relative to the window and shift with every
// mini-batch; they are turned again, block by block, right before use.
#pragma once

#include "model/cpu/kernels.h"
#include "model/cpu/memory.h"

namespace silt::model::cpu {

class Rotary {
 public:
  // The kernels must outlive this object.
  Rotary(const ModelConfig& config, const Kernels& kernels);

  void turn(const Bf16* in, int position, Bf16* out) const {
    kernels_.rotate(in, cosine(position), sine(position), half_, out);
  }
  // Turns a gradient back.
  void turn_back(const float* in, int position, Bf16* out) const {
    kernels_.rotate_back(in, cosine(position), sine(position), half_, out);
  }
  // Keys of the 32 positions of a block in rows[32][stride]; rows of positions that do not exist,
  // before `oldest` and from `end` on, become zeros. Columns behind head_width are left alone.
  void turn_keys(const CpuKvCache& cache, int head, int block, int oldest, int end, Bf16* rows,
                 long stride) const;

 private:
  const float* cosine(int position) const { return table_.data() + static_cast<long>(position) * 2 * half_; }
  const float* sine(int position) const { return cosine(position) + half_; }

  const Kernels& kernels_;
  const int half_;      // head_width / 2
  Array<float> table_;  // [k + b][2][half]: cosines, sines
};

}  // namespace silt::model::cpu
