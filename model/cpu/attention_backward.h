// Window attention, backward: gradients of the mini-batch's own queries, keys and values.
//
// With P the probabilities, S the scores and dO the gradient of the output:
//   dP = dO V^T,  dS = P (dP - rowsum(P dP)) / sqrt(head_width),
//   dQ = dS K,  dK = dS^T Q,  dV = P^T dO,
// where dK and dV are wanted for the mini-batch's own positions only, and queries and keys are the
// rotated ones; their gradients are rotated back.
#pragma once

#include "model/cpu/memory.h"
#include "model/cpu/rotary.h"

namespace silt::model::cpu {

// One call's work on one key/value head at a time. A head belongs to one thread, which sums the
// gradients of its query heads in order.
class AttentionBackward {
 public:
  // Working memory of one thread, kept between calls; allocated by the first.
  struct Scratch {
    Array<Bf16> keys, values;            // K and V^T of all positions, packed
    Array<Bf16> probabilities, dscores;  // [b][stride]
    Array<Bf16> flipped;                 // transposed own columns of one of these
    Array<Bf16> dout_rows, query_rows;   // [32][width]
    Array<Bf16> douts, queries;          // the same of all rows, packed
    Array<float> dp, dq, dk, dv;
  };
  struct Inputs {
    const CpuBuffer& dout;
    const CpuBuffer& qkv;
    const CpuKvCache& cache;
    const CpuAttentionTape& tape;
    const Rotary& rotary;
    CpuBuffer& dqkv;
  };

  AttentionBackward(const ModelConfig& config, const Kernels& kernels, const Inputs& inputs,
                    Scratch& scratch);

  void run(int kv_head);

 private:
  void allocate();
  void unpack_window(int kv_head);
  void rows_backward(int head, int begin);
  void load_rows(int head, int begin, int count);
  // d[own][width] (+)= columns^T packed, over the mini-batch's rows.
  void own_gradient(const Bf16* columns, const Bf16* packed, bool accumulate, float* d);

  const ModelConfig& config_;
  const Kernels& kernels_;
  const Inputs in_;
  Scratch& s_;
  const int rows_;   // M
  const int own_;    // M in whole blocks
  const int width_;  // head_width in whole blocks
  const int head_blocks_;
  const long stride_;  // of a row of scores
};

}  // namespace silt::model::cpu
