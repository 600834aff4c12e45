// Gradients of the fast weights, their update and their packing.
#include <algorithm>
#include <cstring>

#include "model/cpu/cpu_backend.h"

namespace silt::model::cpu {
namespace {

// A 32 x 32 block at [row, column] of a buffer; behind the last row, zeros from `padded`.
const Bf16* whole_block(const CpuBuffer& from, int row, int column, long& stride, Bf16* padded) {
  stride = from.stride();
  const Bf16* at = from.operand() + row * stride + column;
  if (from.rows() - row >= kBlock) return at;
  std::memset(padded, 0, sizeof(Bf16) * kBlockElements);
  for (int i = 0; i < from.rows() - row; ++i) {
    std::memcpy(padded + i * kBlock, at + i * stride, sizeof(Bf16) * kBlock);
  }
  stride = kBlock;
  return padded;
}

}  // namespace

// g = a^T b. The reduction runs over the mini-batch, so a^T is made first ([width][M], plain rows)
// and b is packed ([M, columns]).
void CpuBackend::fast_gradient(const Buffer& x, const Buffer& act, const Buffer& dpre, const Buffer& dh,
                               const FastTensors& g) {
  const int rows = x.rows();
  const int row_blocks = round_up(rows, kBlock) / kBlock;
  const long depth = static_cast<long>(row_blocks) * kBlock;
  const int d = config_.width;
  const int f = config_.fast_width;
  if (x_flipped_.size() == 0) {
    const std::size_t most = round_up(config_.minibatch_tokens, kBlock);
    x_flipped_ = Array<Bf16>(arena_, most * d);
    act_flipped_ = Array<Bf16>(arena_, most * f);
    dpre_packed_ = Array<Bf16>(arena_, most * 2 * f);
    dh_packed_ = Array<Bf16>(arena_, most * d);
    dh_rounded_ = std::make_unique<CpuBuffer>(config_.minibatch_tokens, d, Role::kOperand, d);
  }
  dh_rounded_->set_rows(rows);
  for_rows(rows, [&](int i) {
    kernels_.narrow(as_cpu(dh).values() + static_cast<long>(i) * as_cpu(dh).stride(), d,
                    dh_rounded_->operand() + static_cast<long>(i) * d);
  });

  // Column blocks of the four operands, numbered one after the other.
  const int x_blocks = d / kBlock;
  const int f_blocks = f / kBlock;
  team_.run([&](int member) {
    alignas(64) Bf16 padded[kBlockElements];
    const Share share = share_of(2 * x_blocks + 3 * f_blocks, member, team_.size());
    for (int task = share.first; task < share.last; ++task) {
      for (int r = 0; r < row_blocks; ++r) {
        long stride = 0;
        int column = task;
        const auto block_of = [&](const Buffer& from) {
          return whole_block(as_cpu(from), r * kBlock, column * kBlock, stride, padded);
        };
        if (column < x_blocks) {
          const Bf16* block = block_of(x);
          kernels_.transpose(block, stride, x_flipped_.data() + column * kBlock * depth + r * kBlock, depth);
        } else if ((column -= x_blocks) < f_blocks) {
          const Bf16* block = block_of(act);
          kernels_.transpose(block, stride, act_flipped_.data() + column * kBlock * depth + r * kBlock,
                             depth);
        } else if ((column -= f_blocks) < 2 * f_blocks) {
          const Bf16* block = block_of(dpre);
          kernels_.pack_block(block, stride, dpre_packed_.data() + (column * depth + r * kBlock) * kBlock);
        } else {
          column -= 2 * f_blocks;
          const Bf16* block = block_of(*dh_rounded_);
          kernels_.pack_block(block, stride, dh_packed_.data() + (column * depth + r * kBlock) * kBlock);
        }
      }
    }
  });
  parallel([&](int member) {
    const Share gate_up = share_of(2 * f_blocks, member, team_.size());
    for (int p = gate_up.first; p < gate_up.last; ++p) {
      float* to = p < f_blocks ? as_cpu(*g.gate).values() + p * kBlock
                               : as_cpu(*g.up).values() + (p - f_blocks) * kBlock;
      kernels_.product(x_flipped_.data(), depth, d, dpre_packed_.data() + p * depth * kBlock, depth, to, f,
                       false);
    }
    const Share down = share_of(x_blocks, member, team_.size());
    for (int p = down.first; p < down.last; ++p) {
      kernels_.product(act_flipped_.data(), depth, f, dh_packed_.data() + p * depth * kBlock, depth,
                       as_cpu(*g.down).values() + p * kBlock, d, false);
    }
  });
}

double CpuBackend::sum_of_squares(const Buffer& values) {
  const CpuBuffer& v = as_cpu(values);
  row_sums_.resize(v.rows());
  for_rows(v.rows(),
           [&](int i) { row_sums_[i] = kernels_.sum_of_squares(v.values() + i * v.stride(), v.cols()); });
  double total = 0;
  for (const double row : row_sums_) total += row;
  return total;
}

void CpuBackend::fast_update(const FastTensors& from, const FastTensors& initial, const FastTensors& g,
                             const FastStep& step, float scale, const FastTensors& to) {
  struct Tensor {
    Buffer *from, *initial, *g, *to;
    float decay, step;
  };
  const Tensor tensors[] = {
      {from.gate, initial.gate, g.gate, to.gate, step.decay_gate, step.step_gate * scale},
      {from.up, initial.up, g.up, to.up, step.decay_up, step.step_up * scale},
      {from.down, initial.down, g.down, to.down, step.decay_down, step.step_down * scale},
  };
  team_.run([&](int member) {
    for (const Tensor& t : tensors) {
      const int cols = t.to->cols();
      const Share share = share_of(t.to->rows(), member, team_.size());
      const long at = static_cast<long>(share.first) * cols;
      kernels_.update(as_cpu(*t.from).values() + at, as_cpu(*t.initial).values() + at,
                      as_cpu(*t.g).values() + at, static_cast<long>(share.last - share.first) * cols, t.decay,
                      t.step, as_cpu(*t.to).values() + at);
    }
  });
}

void CpuBackend::pack_fast(const FastTensors& weights, FastPack& pack) {
  auto& packed = static_cast<CpuFastPack&>(pack);
  const long d = config_.width;
  const long f = config_.fast_width;
  const float* gate = as_cpu(*weights.gate).values();
  const float* up = as_cpu(*weights.up).values();
  const float* down = as_cpu(*weights.down).values();
  team_.run([&](int member) {
    const Share rows = share_of(packed.gate_up.in_blocks, member, team_.size());
    for (int block = rows.first; block < rows.last; ++block) {
      for (int p = 0; p < packed.gate_up.panels; ++p) {
        const long at = block * kBlock * f + p * 16;
        kernels_.pack_block_f32(gate + at, up + at, f, packed.gate_up.block(p, block));
      }
    }
    const Share hidden = share_of(packed.down.in_blocks, member, team_.size());
    for (int block = hidden.first; block < hidden.last; ++block) {
      for (int p = 0; p < packed.down.panels; ++p) {
        const float* at = down + block * kBlock * d + p * kBlock;
        kernels_.pack_block_f32(at, at + 16, d, packed.down.block(p, block));
      }
    }
  });
}

}  // namespace silt::model::cpu
