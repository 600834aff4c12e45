// What the CPU backend stores: buffers, packed matrices, key/value caches, attention tapes.
//
// All of it owns its memory and knows nothing of the backend that made it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "model/cpu/kernels.h"
#include "model/ops/backend.h"

namespace silt::model::cpu {

constexpr int round_up(int n, int unit) {
  return (n + unit - 1) / unit * unit;
}

Bf16 to_bf16(float value);  // to nearest even; a NaN stays a NaN
inline float to_float(Bf16 value) {
  const std::uint32_t bits = static_cast<std::uint32_t>(value) << 16;
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

// Zero-filled memory aligned to cache lines: a piece of its own, or of an arena's chunk, which lives
// as long as any of its pieces.
class Memory {
 public:
  Memory() = default;
  explicit Memory(std::size_t bytes);
  Memory(std::shared_ptr<std::byte> piece) : bytes_(std::move(piece)) {}
  std::byte* data() const { return bytes_.get(); }

 private:
  std::shared_ptr<std::byte> bytes_;
};

// Hands out memory in huge pages, which a step over tens of megabytes of weights needs: with 4 KiB
// pages the products run at half their speed. For what lives as long as a net or a backend; a piece
// that is dropped is not handed out again.
class Arena {
 public:
  Memory allocate(std::size_t bytes);

 private:
  std::shared_ptr<std::byte> chunk_;  // address space; only what is touched becomes memory
  std::size_t size_ = 0;
  std::size_t used_ = 0;
};

template <class T>
class Array {
 public:
  Array() = default;
  explicit Array(std::size_t size) : memory_(size * sizeof(T)), size_(size) {}
  Array(Arena& arena, std::size_t size) : memory_(arena.allocate(size * sizeof(T))), size_(size) {}
  T* data() { return reinterpret_cast<T*>(memory_.data()); }
  const T* data() const { return reinterpret_cast<const T*>(memory_.data()); }
  std::size_t size() const { return size_; }

 private:
  Memory memory_;
  std::size_t size_ = 0;
};

inline std::size_t element_bytes(Role role) {
  return role == Role::kOperand ? sizeof(Bf16) : sizeof(float);
}

// Rows lie `stride` elements apart. kOperand rows are padded to whole blocks, and further when a
// multiple of 2 KiB apart (sixteen such rows would share two sets of a cache); rows as wide as the
// net, of which states are made, are not padded. Behind the last row there is room for the rows
// that product() may touch.
class CpuBuffer final : public Buffer {
 public:
  CpuBuffer(int rows, int cols, Role role, int net_width);

  long stride() const { return stride_; }
  Bf16* operand() { return reinterpret_cast<Bf16*>(memory_.data()); }
  const Bf16* operand() const { return reinterpret_cast<const Bf16*>(memory_.data()); }
  float* values() { return reinterpret_cast<float*>(memory_.data()); }
  const float* values() const { return reinterpret_cast<const float*>(memory_.data()); }
  std::byte* data() const { return memory_.data(); }

 private:
  long stride_;
  Memory memory_;
};

inline CpuBuffer& as_cpu(Buffer& buffer) {
  return static_cast<CpuBuffer&>(buffer);
}
inline const CpuBuffer& as_cpu(const Buffer& buffer) {
  return static_cast<const CpuBuffer&>(buffer);
}

// A packed matrix [in, out]: panels of 32 columns, each of in_blocks blocks (kernels.h). A paired
// matrix holds gate and up: panel p has columns 16p .. 16p+15 of the gate, then those of the up part.
struct PackedMatrix final : Matrix {
  PackedMatrix(Arena& arena, int rows, int columns, bool is_paired);

  const Bf16* panel(int p) const {
    return blocks.data() + static_cast<std::size_t>(p) * in_blocks * kBlockElements;
  }
  const Bf16* block(int p, int in_block) const {
    return panel(p) + static_cast<std::size_t>(in_block) * kBlockElements;
  }
  Bf16* block(int p, int in_block) { return const_cast<Bf16*>(std::as_const(*this).block(p, in_block)); }
  int valid_columns(int p) const { return std::min(kBlock, out - p * kBlock); }
  // Sets element [i, column], `column` in packed order.
  void set(int i, int column, Bf16 value);
  // Row `column` of the transpose (the embedding of a token).
  void read_column(int column, float* values) const;

  int in, out;
  int in_blocks, panels;
  bool paired;
  Array<Bf16> blocks;
};

struct CpuFastPack final : FastPack {
  CpuFastPack(Arena& arena, const ModelConfig& config)
      : gate_up(arena, config.width, config.learns_gate_up() ? 2 * config.fast_width : 0, true),
        down(arena, config.fast_width, config.width, false) {}
  PackedMatrix gate_up;  // without columns where they are frozen
  PackedMatrix down;
};

// Keys and values of positions 0 .. k + b - 1 (window, then mini-batch). When b is a multiple of
// 32, slots form a ring: position p lives in slot (start + p) mod (k + b), and advancing moves only
// `start`. Otherwise start stays 0 and advancing moves the rows.
struct CpuKvCache final : KvCache {
  CpuKvCache(Arena& arena, const ModelConfig& config);

  int slot_of(int position) const { return (start + position) % slots; }
  const Bf16* key(int head, int slot) const {
    return keys.data() + (static_cast<std::size_t>(head) * slots + slot) * head_width;
  }
  Bf16* key(int head, int slot) { return const_cast<Bf16*>(std::as_const(*this).key(head, slot)); }
  // Values [32 slots, 32 of head_width]: blocks of a panel for out = p v.
  const Bf16* value_block(int head, int head_block, int slot_block) const {
    return values.data() +
           ((static_cast<std::size_t>(head) * head_blocks + head_block) * slot_blocks + slot_block) *
               kBlockElements;
  }
  Bf16* value_block(int head, int head_block, int slot_block) {
    return const_cast<Bf16*>(std::as_const(*this).value_block(head, head_block, slot_block));
  }
  void set_value(int head, int slot, const Bf16* row);  // null: zeros
  void advance();

  int window, minibatch, kv_heads, head_width;
  int head_blocks;         // blocks of head_width
  int slots, slot_blocks;  // k + b, and in blocks
  bool ring;
  int start = 0;
  Array<Bf16> keys;    // [kv_heads][slots][head_width], not rotated
  Array<Bf16> values;  // by slot
};

// Unnormalised probabilities of one forward call and what they are divided by.
struct CpuAttentionTape final : AttentionTape {
  CpuAttentionTape(Arena& arena, const ModelConfig& config);

  Bf16* row(int head, int i) { return p.data() + (static_cast<std::size_t>(head) * rows + i) * stride; }
  const Bf16* row(int head, int i) const { return const_cast<CpuAttentionTape*>(this)->row(head, i); }

  int rows;     // b, rounded up to blocks
  long stride;  // k + b, rounded up to blocks, padded
  int cached_valid = 0;
  Array<Bf16> p;         // [heads][rows][stride], by position
  Array<float> inverse;  // [heads][rows]
};

}  // namespace silt::model::cpu
