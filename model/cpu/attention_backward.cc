#include "model/cpu/attention_backward.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "model/cpu/cpu_backend.h"

namespace silt::model::cpu {

AttentionBackward::AttentionBackward(const ModelConfig& config, const Kernels& kernels, const Inputs& inputs,
                                     Scratch& scratch)
    : config_(config),
      kernels_(kernels),
      in_(inputs),
      s_(scratch),
      rows_(inputs.qkv.rows()),
      own_(round_up(rows_, kBlock)),
      width_(inputs.cache.head_blocks * kBlock),
      head_blocks_(inputs.cache.head_blocks),
      stride_(inputs.tape.stride) {
  if (s_.keys.size() == 0) allocate();
}

void AttentionBackward::allocate() {
  const std::size_t rows = in_.tape.rows;
  const std::size_t positions = static_cast<std::size_t>(in_.cache.slot_blocks) * kBlock;
  s_.keys = Array<Bf16>(positions * width_);
  s_.values = Array<Bf16>(positions * width_);
  s_.probabilities = Array<Bf16>(rows * stride_);
  s_.dscores = Array<Bf16>(rows * stride_);
  s_.flipped = Array<Bf16>(rows * rows);
  s_.dout_rows = Array<Bf16>(static_cast<std::size_t>(kBlock) * width_);
  s_.query_rows = Array<Bf16>(static_cast<std::size_t>(kBlock) * width_);
  s_.douts = Array<Bf16>(rows * width_);
  s_.queries = Array<Bf16>(rows * width_);
  s_.dp = Array<float>(kBlock * stride_);
  s_.dq = Array<float>(static_cast<std::size_t>(kBlock) * width_);
  s_.dk = Array<float>(rows * width_);
  s_.dv = Array<float>(rows * width_);
}

void AttentionBackward::run(int kv_head) {
  const int k = config_.window_tokens;
  const int hd = config_.head_width;
  const int group = config_.heads / config_.kv_heads;
  unpack_window(kv_head);
  for (int g = 0; g < group; ++g) {
    for (int i = 0; i < own_; ++i) {  // later keys and missing rows count as zero
      std::memset(s_.probabilities.data() + i * stride_ + k, 0, sizeof(Bf16) * own_);
      std::memset(s_.dscores.data() + i * stride_ + k, 0, sizeof(Bf16) * own_);
    }
    for (int begin = 0; begin < rows_; begin += kBlock) rows_backward(kv_head * group + g, begin);
    own_gradient(s_.dscores.data() + k, s_.queries.data(), g > 0, s_.dk.data());
    own_gradient(s_.probabilities.data() + k, s_.douts.data(), g > 0, s_.dv.data());
  }
  for (int i = 0; i < rows_; ++i) {
    Bf16* row = in_.dqkv.operand() + i * in_.dqkv.stride() + config_.query_width() + kv_head * hd;
    in_.rotary.turn_back(s_.dk.data() + i * width_, k + i, row);
    kernels_.narrow(s_.dv.data() + i * width_, hd, row + config_.kv_width());
  }
}

// K as panels [positions, 32 of width] and V^T as panels [width, 32 positions], oldest seen first.
void AttentionBackward::unpack_window(int kv_head) {
  const CpuKvCache& cache = in_.cache;
  const int oldest = config_.window_tokens - in_.tape.cached_valid;
  const int end = config_.window_tokens + rows_;
  for (int block = std::max(1, oldest) / kBlock; block < round_up(end, kBlock) / kBlock; ++block) {
    const int slot_block = cache.slot_of(block * kBlock) / kBlock;
    Bf16* rows = s_.query_rows.data();
    in_.rotary.turn_keys(cache, kv_head, block, oldest, end, rows, width_);
    for (int h = 0; h < head_blocks_; ++h) {
      kernels_.pack_block(
          rows + h * kBlock, width_,
          s_.keys.data() + (static_cast<long>(h) * cache.slot_blocks + block) * kBlockElements);
      Bf16* value = s_.values.data() + (static_cast<long>(block) * head_blocks_ + h) * kBlockElements;
      kernels_.transpose_packed(cache.value_block(kv_head, h, slot_block), value, value + kBlockElements / 2);
    }
  }
}

// Gradients of the scores and queries of rows [begin, begin + 32).
void AttentionBackward::rows_backward(int head, int begin) {
  const int k = config_.window_tokens;
  const int hd = config_.head_width;
  const int count = std::min(kBlock, rows_ - begin);
  const int low = std::max(begin + 1, k - in_.tape.cached_valid) / kBlock * kBlock;  // as in attend()
  const int high = round_up(k + begin + count, kBlock);
  load_rows(head, begin, count);

  float* dp = s_.dp.data();
  for (int position = low; position < high; position += kBlock) {
    kernels_.product(s_.dout_rows.data(), width_, count,
                     s_.values.data() + static_cast<long>(position) * width_, width_, dp + position - low,
                     stride_, false);
  }
  const float scale = 1.0F / std::sqrt(static_cast<float>(hd));
  for (int i = 0; i < count; ++i) {
    const int row = begin + i;
    kernels_.softmax_backward(in_.tape.row(head, row) + low,
                              in_.tape.inverse.data()[head * in_.tape.rows + row], dp + i * stride_,
                              high - low, scale, s_.probabilities.data() + row * stride_ + low,
                              s_.dscores.data() + row * stride_ + low);
  }
  for (int h = 0; h < head_blocks_; ++h) {
    const long key = (static_cast<long>(h) * in_.cache.slot_blocks + low / kBlock) * kBlockElements;
    kernels_.product(s_.dscores.data() + begin * stride_ + low, stride_, count, s_.keys.data() + key,
                     high - low, s_.dq.data() + h * kBlock, width_, false);
  }
  for (int i = 0; i < count; ++i) {
    in_.rotary.turn_back(s_.dq.data() + i * width_, k + begin + i,
                         in_.dqkv.operand() + (begin + i) * in_.dqkv.stride() + head * hd);
  }
}

// Rows of dO and of the rotated Q, as they are and packed; columns behind head_width stay zero.
void AttentionBackward::load_rows(int head, int begin, int count) {
  const int hd = config_.head_width;
  for (int i = 0; i < kBlock; ++i) {
    Bf16* dout = s_.dout_rows.data() + i * width_;
    Bf16* query = s_.query_rows.data() + i * width_;
    const int row = begin + i;
    if (i < count) {
      std::memcpy(dout, in_.dout.operand() + row * in_.dout.stride() + head * hd, sizeof(Bf16) * hd);
      in_.rotary.turn(in_.qkv.operand() + row * in_.qkv.stride() + head * hd, config_.window_tokens + row,
                      query);
    } else {
      std::memset(dout, 0, sizeof(Bf16) * hd);
      std::memset(query, 0, sizeof(Bf16) * hd);
    }
  }
  for (int h = 0; h < head_blocks_; ++h) {
    const long at = (static_cast<long>(h) * own_ + begin) * kBlock;
    kernels_.pack_block(s_.dout_rows.data() + h * kBlock, width_, s_.douts.data() + at);
    kernels_.pack_block(s_.query_rows.data() + h * kBlock, width_, s_.queries.data() + at);
  }
}

void AttentionBackward::own_gradient(const Bf16* columns, const Bf16* packed, bool accumulate, float* d) {
  for (int row = 0; row < own_; row += kBlock) {
    for (int key = 0; key < own_; key += kBlock) {
      kernels_.transpose(columns + row * stride_ + key, stride_, s_.flipped.data() + key * own_ + row, own_);
    }
  }
  for (int h = 0; h < head_blocks_; ++h) {
    kernels_.product(s_.flipped.data(), own_, own_, packed + static_cast<long>(h) * own_ * kBlock, own_,
                     d + h * kBlock, width_, accumulate);
  }
}

void CpuBackend::attention_backward(const Buffer& dout, const Buffer& qkv, const KvCache& cache,
                                    const AttentionTape& tape, Buffer& dqkv) {
  const AttentionBackward::Inputs inputs{as_cpu(dout),
                                         as_cpu(qkv),
                                         static_cast<const CpuKvCache&>(cache),
                                         static_cast<const CpuAttentionTape&>(tape),
                                         rotary_,
                                         as_cpu(dqkv)};
  parallel([&](int member) {
    AttentionBackward work(config_, kernels_, inputs, backward_scratch_[member]);
    const Share share = share_of(config_.kv_heads, member, team_.size());
    for (int head = share.first; head < share.last; ++head) work.run(head);
  });
}

}  // namespace silt::model::cpu
