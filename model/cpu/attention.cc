// Window attention, forward.
//
// Work is cut into (query head, 32 rows). A cut sees a range of key positions that depends on its
// place in the mini-batch alone, in whole blocks of 32; scores outside a row's own window become
// exact zeros, and adding zeros changes no sum. Hence a row's bits depend on neither the number of
// rows nor the call that they came in.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "model/cpu/cpu_backend.h"

namespace silt::model::cpu {

const float* CpuBackend::cosine(int position) const {
  return rotary_.data() + static_cast<long>(position) * config_.head_width;
}
const float* CpuBackend::sine(int position) const {
  return cosine(position) + config_.head_width / 2;
}

// Puts `rows` keys and values of one head at first_position and after. Values of later positions in
// the last block become zeros: they meet probabilities that are exactly zero.
void CpuBackend::store_keys_and_values(const Bf16* qkv, long stride, int rows, int first_position,
                                       CpuKvCache& cache, int head) {
  const Bf16* k = qkv + config_.query_width() + head * config_.head_width;
  const Bf16* v = k + config_.kv_width();
  for (int i = 0; i < rows; ++i) {
    std::memcpy(cache.key(head, cache.slot_of(first_position + i)), k + i * stride,
                sizeof(Bf16) * config_.head_width);
  }
  const int end = first_position + rows;
  for (int position = first_position; position < end;) {
    const int block_end = position / kBlock * kBlock + kBlock;
    const int slot = cache.slot_of(position);
    const Bf16* row = v + (position - first_position) * stride;
    if (position % kBlock == 0 && block_end <= end) {
      for (int h = 0; h < cache.head_blocks; ++h) {
        kernels_.pack_block(row + h * kBlock, stride, cache.value_block(head, h, slot / kBlock));
      }
    } else {
      for (int p = position; p < block_end && p < cache.slots; ++p) {
        cache.set_value(head, slot + p - position, p < end ? row + (p - position) * stride : nullptr);
      }
    }
    position = block_end;
  }
}

// Rotates the keys of whole blocks [from, to) to their positions; those that do not exist, before
// `oldest` and from `end` on, become zeros.
void CpuBackend::rotate_keys(CpuKvCache& cache, int head, int from, int to, int oldest, int end,
                             Scratch& scratch) {
  const int half = config_.head_width / 2;
  const long width = cache.head_blocks * kBlock;
  Bf16* rows = scratch.operand.data();
  std::memset(rows, 0, sizeof(Bf16) * kBlock * width);
  for (int block = from / kBlock; block < to / kBlock; ++block) {
    for (int i = 0; i < kBlock; ++i) {
      const int position = block * kBlock + i;
      if (position >= oldest && position < end) {
        kernels_.rotate(cache.key(head, cache.slot_of(position)), cosine(position), sine(position), half,
                        rows + i * width);
      } else {
        std::memset(rows + i * width, 0, sizeof(Bf16) * config_.head_width);
      }
    }
    for (int h = 0; h < cache.head_blocks; ++h) {
      kernels_.pack_block_transposed(rows + h * kBlock, width,
                                     cache.rotated_panel(head, block) + h * kBlockElements);
    }
  }
}

void CpuBackend::attention(const Buffer& qkv, int first_row, KvCache& cache, int cached_valid, Buffer& out,
                           AttentionTape* tape) {
  const CpuBuffer& from = as_cpu(qkv);
  CpuKvCache& kv = static_cast<CpuKvCache&>(cache);
  const int rows = qkv.rows();
  const int k = config_.window_tokens;
  const int end = k + first_row + rows;
  const int oldest = k - cached_valid;
  const int rotate_from = oldest / kBlock * kBlock;
  team_.run([&](int member) {
    const Share share = share_of(config_.kv_heads, member, team_.size());
    for (int head = share.first; head < share.last; ++head) {
      // Positions that do not exist may hold anything, also NaN, which times zero is not zero.
      for (int position = rotate_from; position < oldest; ++position) {
        kv.set_value(head, kv.slot_of(position), nullptr);
      }
      store_keys_and_values(from.operand(), from.stride(), rows, k + first_row, kv, head);
      rotate_keys(kv, head, rotate_from, kv.rotated_from, oldest, end, scratch_[member]);
      rotate_keys(kv, head, (k + first_row) / kBlock * kBlock, round_up(end, kBlock), oldest, end,
                  scratch_[member]);
    }
  });
  kv.rotated_from = std::min(kv.rotated_from, rotate_from);

  CpuAttentionTape* save = static_cast<CpuAttentionTape*>(tape);
  if (save != nullptr) save->cached_valid = cached_valid;
  const int first_block = first_row / kBlock;
  const int row_blocks = (first_row + rows - 1) / kBlock - first_block + 1;
  parallel([&](int member) {
    const Share share = share_of(config_.heads * row_blocks, member, team_.size());
    for (int task = share.first; task < share.last; ++task) {
      attend(from, first_row, kv, cached_valid, as_cpu(out), save, task / row_blocks,
             first_block + task % row_blocks, scratch_[member]);
    }
  });
}

void CpuBackend::attend(const CpuBuffer& qkv, int first_row, const CpuKvCache& cache, int cached_valid,
                        CpuBuffer& out, CpuAttentionTape* tape, int head, int row_block, Scratch& scratch) {
  const int k = config_.window_tokens;
  const int width = cache.head_blocks * kBlock;
  const int begin = std::max(row_block * kBlock, first_row);  // rows of the mini-batch
  const int rows = std::min((row_block + 1) * kBlock, first_row + qkv.rows()) - begin;
  const int kv_head = head / (config_.heads / config_.kv_heads);
  // Key positions of this cut, whole blocks.
  const int low = std::max(row_block * kBlock + 1, k - cached_valid) / kBlock * kBlock;
  const int high = round_up(k + begin + rows, kBlock);
  const int columns = high - low;

  Bf16* q = scratch.operand.data() + kRowPad * score_stride_;
  if (width != config_.head_width) std::memset(q, 0, sizeof(Bf16) * kRowPad * width);
  for (int i = 0; i < rows; ++i) {
    kernels_.rotate(qkv.operand() + (begin - first_row + i) * qkv.stride() + head * config_.head_width,
                    cosine(k + begin + i), sine(k + begin + i), config_.head_width / 2, q + i * width);
  }
  float* scores = scratch.scores.data();
  for (int position = low; position < high; position += kBlock) {
    kernels_.product(q, width, rows, cache.rotated_panel(kv_head, position / kBlock), width,
                     scores + position - low, score_stride_, false);
  }

  const float scale = 1.0F / std::sqrt(static_cast<float>(config_.head_width));
  Bf16* p = tape != nullptr ? tape->row(head, begin) + low : scratch.operand.data();
  const long p_stride = tape != nullptr ? tape->stride : score_stride_;
  float inverse[kBlock];
  for (int i = 0; i < rows; ++i) {
    float* s = scores + i * score_stride_;
    const int row = begin + i;
    std::fill(s, s + std::max(0, std::max(row + 1, k - cached_valid) - low), kMasked);
    std::fill(s + (k + row + 1 - low), s + columns, kMasked);
    const float top = kernels_.max_row(s, columns);
    inverse[i] = 1.0F / kernels_.exp_row(s, columns, top, scale, p + i * p_stride);
    if (tape != nullptr) tape->inverse.data()[head * tape->rows + row] = inverse[i];
  }

  // The positions lie in one or, where the ring wraps, two runs of slots.
  const int slot = cache.slot_of(low);
  const int run = cache.ring ? std::min(columns, cache.slots - slot) : columns;
  for (int h = 0; h < cache.head_blocks; ++h) {
    float* c = scratch.c.data();
    kernels_.product(p, p_stride, rows, cache.value_block(kv_head, h, slot / kBlock), run, c, kBlock, false);
    if (run < columns) {
      kernels_.product(p + run, p_stride, rows, cache.value_block(kv_head, h, 0), columns - run, c, kBlock,
                       true);
    }
    const int valid = std::min(kBlock, config_.head_width - h * kBlock);
    for (int i = 0; i < rows; ++i) {
      kernels_.scale_to_operand(
          c + i * kBlock, valid, inverse[i],
          out.operand() + (begin - first_row + i) * out.stride() + head * config_.head_width + h * kBlock);
    }
  }
}

void CpuBackend::kv_advance(KvCache& cache) {
  static_cast<CpuKvCache&>(cache).advance();
}

void CpuBackend::kv_rebuild(const Buffer& window_x, const Matrix& qkv, KvCache& cache) {
  const CpuBuffer& x = as_cpu(window_x);
  const auto& w = static_cast<const PackedMatrix&>(qkv);
  CpuKvCache& kv = static_cast<CpuKvCache&>(cache);
  kv.start = 0;
  kv.rotated_from = config_.window_tokens;
  const int b = config_.minibatch_tokens;
  CpuBuffer rows(b, w.out, Role::kOperand, config_.width);
  CpuBuffer part(b, config_.width, Role::kOperand, config_.width);
  for (int first = 0; first < config_.window_tokens; first += b) {
    copy_rows(x, first, b, part, 0);
    linear(part, qkv, rows);
    for (int head = 0; head < config_.kv_heads; ++head) {
      store_keys_and_values(rows.operand(), rows.stride(), b, first, kv, head);
    }
  }
}

}  // namespace silt::model::cpu
