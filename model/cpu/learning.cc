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
  const int rows = dh.rows();
  const int row_blocks = round_up(rows, kBlock) / kBlock;
  const long depth = static_cast<long>(row_blocks) * kBlock;
  const int d = config_.width;
  const int f = config_.fast_width;
  if (act_flipped_.size() == 0) allocate_gradient_operands();
  dh_rounded_->set_rows(rows);
  for_rows(rows, [&](int i) {
    kernels_.narrow(as_cpu(dh).values() + static_cast<long>(i) * as_cpu(dh).stride(), d,
                    dh_rounded_->operand() + static_cast<long>(i) * d);
  });

  struct Operand {
    const Buffer& from;
    bool flipped;  // a, else b
    Bf16* to;
  };
  const Operand operands[] = {{act, true, act_flipped_.data()},
                              {*dh_rounded_, false, dh_packed_.data()},
                              {x, true, x_flipped_.data()},  // the rest is for gate and up
                              {dpre, false, dpre_packed_.data()}};
  const int x_blocks = d / kBlock;
  const int f_blocks = f / kBlock;
  team_.run([&](int member) {
    alignas(64) Bf16 padded[kBlockElements];
    for (const Operand& operand : std::span(operands).first(g.gate == nullptr ? 2 : 4)) {
      const Share columns = share_of(operand.from.cols() / kBlock, member, team_.size());
      for (int column = columns.first; column < columns.last; ++column) {
        Bf16* to = operand.to + column * kBlock * depth;
        for (int r = 0; r < row_blocks; ++r) {
          long stride = 0;
          const Bf16* block = whole_block(as_cpu(operand.from), r * kBlock, column * kBlock, stride, padded);
          if (operand.flipped) {
            kernels_.transpose(block, stride, to + r * kBlock, depth);
          } else {
            kernels_.pack_block(block, stride, to + r * kBlockElements);
          }
        }
      }
    }
  });
  parallel([&](int member) {
    const Share gate_up = share_of(g.gate == nullptr ? 0 : 2 * f_blocks, member, team_.size());
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

void CpuBackend::allocate_gradient_operands() {
  const std::size_t most = round_up(config_.minibatch_tokens, kBlock);
  act_flipped_ = Array<Bf16>(arena_, most * config_.fast_width);
  dh_packed_ = Array<Bf16>(arena_, most * config_.width);
  dh_rounded_ =
      std::make_unique<CpuBuffer>(config_.minibatch_tokens, config_.width, Role::kOperand, config_.width);
  if (!config_.learns_gate_up()) return;
  x_flipped_ = Array<Bf16>(arena_, most * config_.width);
  dpre_packed_ = Array<Bf16>(arena_, most * 2 * config_.fast_width);
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
  team_.run([&](int member) {
    const auto update = [&](Buffer* FastTensors::*tensor, auto rate_of) {
      if (to.*tensor == nullptr) return;  // frozen
      const int cols = (to.*tensor)->cols();
      const Share rows = share_of((to.*tensor)->rows(), member, team_.size());
      for (int row = rows.first; row < rows.last; ++row) {
        const auto values = [&](const FastTensors& of) {
          return as_cpu(*(of.*tensor)).values() + static_cast<long>(row) * cols;
        };
        const FastStep::Rate rate = rate_of(row);
        kernels_.update(values(from), values(initial), values(g), cols, rate.decay, rate.step * scale,
                        values(to));
      }
    };
    update(&FastTensors::gate, [&](int) { return step.gate; });
    update(&FastTensors::up, [&](int) { return step.up; });
    update(&FastTensors::down, [&](int row) { return step.down[row]; });
  });
}

void CpuBackend::pack_fast(const FastTensors& weights, FastPack& pack) {
  auto& packed = static_cast<CpuFastPack&>(pack);
  const long d = config_.width;
  const long f = config_.fast_width;
  team_.run([&](int member) {
    if (weights.gate != nullptr) {
      const float* gate = as_cpu(*weights.gate).values();
      const float* up = as_cpu(*weights.up).values();
      const Share rows = share_of(packed.gate_up.in_blocks, member, team_.size());
      for (int block = rows.first; block < rows.last; ++block) {
        for (int p = 0; p < packed.gate_up.panels; ++p) {
          const long at = block * kBlock * f + p * 16;
          kernels_.pack_block_f32(gate + at, up + at, f, packed.gate_up.block(p, block));
        }
      }
    }
    const float* down = as_cpu(*weights.down).values();
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
