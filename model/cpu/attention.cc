// Window attention, forward.
//
// Work is cut into key/value heads and, if there are too few of them for the team, runs of 32-row
// blocks. A head's keys are turned into scratch memory that stays in the cache while all its rows
// use them. A block of rows sees a range of key positions that depends on its place in the
// mini-batch alone, in whole blocks of 32; scores outside a row's own window become exact zeros, and
// adding zeros changes no sum. Hence a row's bits depend on neither the number of rows, nor the call
// that they came in, nor the cut.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "model/cpu/cpu_backend.h"

namespace silt::model::cpu {

// One call of attention(), as its tasks see it.
struct CpuBackend::AttentionCall {
  const CpuBuffer& qkv;
  const CpuKvCache& cache;
  CpuBuffer& out;
  CpuAttentionTape* tape;
  int first_row, rows;  // of the mini-batch
  int oldest, end;      // positions that exist

  // Key positions that the rows of a block see, from a whole block on.
  int low(int row_block) const { return std::max(row_block * kBlock + 1, oldest) / kBlock * kBlock; }
};

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

void CpuBackend::attention(const Buffer& qkv, int first_row, KvCache& cache, int cached_valid, Buffer& out,
                           AttentionTape* tape) {
  CpuKvCache& kv = static_cast<CpuKvCache&>(cache);
  const int k = config_.window_tokens;
  const AttentionCall call{as_cpu(qkv), kv,         as_cpu(out),      static_cast<CpuAttentionTape*>(tape),
                           first_row,   qkv.rows(), k - cached_valid, k + first_row + qkv.rows()};
  if (tape != nullptr) call.tape->cached_valid = cached_valid;
  team_.run([&](int member) {
    const Share share = share_of(config_.kv_heads, member, team_.size());
    for (int head = share.first; head < share.last; ++head) {
      // Positions that do not exist may hold anything, also NaN, which times zero is not zero.
      for (int position = call.oldest / kBlock * kBlock; position < call.oldest; ++position) {
        kv.set_value(head, kv.slot_of(position), nullptr);
      }
      store_keys_and_values(call.qkv.operand(), call.qkv.stride(), call.rows, k + first_row, kv, head);
    }
  });

  const int first_block = first_row / kBlock;
  const int row_blocks = (first_row + call.rows - 1) / kBlock - first_block + 1;
  // Runs of row blocks: one a head, or enough to occupy the team evenly.
  const int runs = config_.kv_heads % team_.size() == 0 ? 1 : std::min(row_blocks, team_.size());
  parallel([&](int member) {
    const Share share = share_of(config_.kv_heads * runs, member, team_.size());
    for (int task = share.first; task < share.last; ++task) {
      const Share blocks = share_of(row_blocks, task % runs, runs);
      attend_head(call, task / runs, first_block + blocks.first, first_block + blocks.last, scratch_[member]);
    }
  });
}

void CpuBackend::attend_head(const AttentionCall& call, int kv_head, int first_block, int last_block,
                             Scratch& scratch) {
  const CpuKvCache& cache = call.cache;
  const long width = cache.head_blocks * kBlock;
  Bf16* rows = scratch.rows.data();  // its columns behind head_width are never written: zeros
  const int end = std::min(call.end, config_.window_tokens + last_block * kBlock);
  for (int block = call.low(first_block) / kBlock; block < round_up(end, kBlock) / kBlock; ++block) {
    rotary_.turn_keys(cache, kv_head, block, call.oldest, end, rows, width);
    for (int h = 0; h < cache.head_blocks; ++h) {
      kernels_.pack_block_transposed(rows + h * kBlock, width,
                                     scratch.keys.data() + (block * cache.head_blocks + h) * kBlockElements);
    }
  }
  const int group = config_.heads / config_.kv_heads;
  for (int head = kv_head * group; head < (kv_head + 1) * group; ++head) {
    for (int block = first_block; block < last_block; ++block) attend(call, head, block, scratch);
  }
}

void CpuBackend::attend(const AttentionCall& call, int head, int row_block, Scratch& scratch) {
  const CpuKvCache& cache = call.cache;
  const int k = config_.window_tokens;
  const int width = cache.head_blocks * kBlock;
  const int begin = std::max(row_block * kBlock, call.first_row);
  const int rows = std::min((row_block + 1) * kBlock, call.first_row + call.rows) - begin;
  const int kv_head = head / (config_.heads / config_.kv_heads);
  const int low = call.low(row_block);
  const int high = round_up(k + begin + rows, kBlock);
  const int columns = high - low;

  Bf16* q = scratch.rows.data();
  for (int i = 0; i < rows; ++i) {
    rotary_.turn(
        call.qkv.operand() + (begin - call.first_row + i) * call.qkv.stride() + head * config_.head_width,
        k + begin + i, q + i * width);
  }
  float* scores = scratch.scores.data();
  for (int position = low; position < high; position += kBlock) {
    kernels_.product(q, width, rows, scratch.keys.data() + static_cast<long>(position) * width, width,
                     scores + position - low, score_stride_, false);
  }

  const float scale = 1.0F / std::sqrt(static_cast<float>(config_.head_width));
  CpuAttentionTape* tape = call.tape;
  Bf16* p = tape != nullptr ? tape->row(head, begin) + low : scratch.operand.data();
  const long p_stride = tape != nullptr ? tape->stride : score_stride_;
  float inverse[kBlock];
  for (int i = 0; i < rows; ++i) {
    float* s = scores + i * score_stride_;
    const int row = begin + i;
    std::fill(s, s + std::max(0, std::max(row + 1, call.oldest) - low), kMasked);
    std::fill(s + (k + row + 1 - low), s + columns, kMasked);
    const float top = kernels_.max_row(s, columns);
    inverse[i] = 1.0F / kernels_.exp_row(s, columns, top, scale, p + i * p_stride);
    if (tape != nullptr) tape->inverse.data()[head * tape->rows + row] = inverse[i];
  }

  // The positions lie in one or, where the ring wraps, two runs of slots.
  const int slot = cache.slot_of(low);
  const int run = cache.ring ? std::min(columns, cache.slots - slot) : columns;
  float* c = scratch.c.data();
  for (int h = 0; h < cache.head_blocks; ++h) {
    kernels_.product(p, p_stride, rows, cache.value_block(kv_head, h, slot / kBlock), run, c, kBlock, false);
    if (run < columns) {
      kernels_.product(p + run, p_stride, rows, cache.value_block(kv_head, h, 0), columns - run, c, kBlock,
                       true);
    }
    const int valid = std::min(kBlock, config_.head_width - h * kBlock);
    for (int i = 0; i < rows; ++i) {
      kernels_.scale_to_operand(c + i * kBlock, valid, inverse[i],
                                call.out.operand() + (begin - call.first_row + i) * call.out.stride() +
                                    head * config_.head_width + h * kBlock);
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
  const int b = config_.minibatch_tokens;
  CpuBuffer rows(b, w.out, Role::kOperand, config_.width);
  CpuBuffer part(b, config_.width, Role::kOperand, config_.width);
  const int missing = config_.window_tokens - x.rows();  // of the oldest
  for (int first = 0; first < x.rows(); first += b) {
    copy_rows(x, first, b, part, 0);
    linear(part, qkv, rows);
    for (int head = 0; head < config_.kv_heads; ++head) {
      store_keys_and_values(rows.operand(), rows.stride(), b, missing + first, kv, head);
    }
  }
}

}  // namespace silt::model::cpu
