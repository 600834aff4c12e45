#include "model/cpu/rotary.h"

#include <cmath>
#include <cstring>

namespace silt::model::cpu {

Rotary::Rotary(const ModelConfig& config, const Kernels& kernels)
    : kernels_(kernels),
      half_(config.head_width / 2),
      table_(static_cast<std::size_t>(config.window_tokens + config.minibatch_tokens) * config.head_width) {
  for (int position = 0; position < config.window_tokens + config.minibatch_tokens; ++position) {
    float* row = table_.data() + static_cast<long>(position) * 2 * half_;
    for (int i = 0; i < half_; ++i) {
      const double angle = position * std::pow(static_cast<double>(config.rope_theta), -double(i) / half_);
      row[i] = static_cast<float>(std::cos(angle));
      row[half_ + i] = static_cast<float>(std::sin(angle));
    }
  }
}

void Rotary::turn_keys(const CpuKvCache& cache, int head, int block, int oldest, int end, Bf16* rows,
                       long stride) const {
  for (int i = 0; i < kBlock; ++i) {
    const int position = block * kBlock + i;
    if (position >= oldest && position < end) {
      turn(cache.key(head, cache.slot_of(position)), position, rows + i * stride);
    } else {
      std::memset(rows + i * stride, 0, sizeof(Bf16) * 2 * half_);
    }
  }
}

}  // namespace silt::model::cpu
