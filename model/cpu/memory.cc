#include "model/cpu/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "base/check.h"

namespace silt::model::cpu {
namespace {

constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kSlack = 128;  // block loads may reach this far past the last element

long row_stride(int cols, Role role, int net_width) {
  if (role != Role::kOperand || cols == net_width) return cols;
  const long stride = round_up(cols, kBlock);
  return stride * 2 % 2048 == 0 ? stride + kBlock : stride;
}

}  // namespace

Bf16 to_bf16(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (value != value) return 0x7fc0;
  return static_cast<Bf16>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

Memory::Memory(std::size_t bytes) {
  const std::size_t alignment = bytes >= kHugePage ? kHugePage : kCacheLine;
  void* raw = nullptr;
  if (posix_memalign(&raw, alignment, bytes + kSlack) != 0) throw std::bad_alloc();
  if (alignment == kHugePage) madvise(raw, bytes, MADV_HUGEPAGE);  // advice: failure changes nothing
  std::memset(raw, 0, bytes + kSlack);
  bytes_.reset(static_cast<std::byte*>(raw));
}

void Memory::Free::operator()(std::byte* bytes) const {
  std::free(bytes);
}

CpuBuffer::CpuBuffer(int rows, int cols, Role role, int net_width)
    : Buffer(rows, cols, role),
      stride_(row_stride(cols, role, net_width)),
      memory_(static_cast<std::size_t>(role == Role::kMaster ? rows : round_up(rows, kRowPad)) *
              static_cast<std::size_t>(stride_) * (role == Role::kOperand ? sizeof(Bf16) : sizeof(float))) {}

PackedMatrix::PackedMatrix(int rows, int columns, bool is_paired)
    : in(rows),
      out(columns),
      in_blocks(round_up(rows, kBlock) / kBlock),
      panels(round_up(columns, kBlock) / kBlock),
      paired(is_paired),
      blocks(static_cast<std::size_t>(in_blocks) * static_cast<std::size_t>(panels) * kBlockElements) {}

void PackedMatrix::set(int i, int column, Bf16 value) {
  block(column / kBlock, i / kBlock)[i % kBlock / 2 * 64 + column % kBlock * 2 + i % 2] = value;
}

void PackedMatrix::read_column(int column, float* values) const {
  const Bf16* at = panel(column / kBlock) + column % kBlock * 2;
  for (int i = 0; i < in; i += 2, at += 2 * kBlock) {
    values[i] = to_float(at[0]);
    values[i + 1] = to_float(at[1]);
  }
}

CpuKvCache::CpuKvCache(const ModelConfig& config)
    : window(config.window_tokens),
      minibatch(config.minibatch_tokens),
      kv_heads(config.kv_heads),
      head_width(config.head_width),
      head_blocks(round_up(head_width, kBlock) / kBlock),
      slots(window + minibatch),
      slot_blocks(round_up(slots, kBlock) / kBlock),
      ring(minibatch % kBlock == 0),
      rotated_from(window),
      keys(static_cast<std::size_t>(kv_heads) * slots * head_width),
      rotated(static_cast<std::size_t>(kv_heads) * slot_blocks * head_blocks * kBlockElements),
      values(static_cast<std::size_t>(kv_heads) * slot_blocks * head_blocks * kBlockElements) {}

void CpuKvCache::set_value(int head, int slot, const Bf16* row) {
  const int pair = slot % kBlock / 2 * 64 + slot % 2;
  for (int n = 0; n < head_width; ++n) {
    value_block(head, n / kBlock, slot / kBlock)[pair + n % kBlock * 2] = row == nullptr ? Bf16{0} : row[n];
  }
}

void CpuKvCache::advance() {
  rotated_from = window;
  if (ring) {
    start = (start + minibatch) % slots;
    return;
  }
  for (int head = 0; head < kv_heads; ++head) {
    std::memmove(key(head, 0), key(head, minibatch), sizeof(Bf16) * window * head_width);
    for (int h = 0; h < head_blocks; ++h) {  // the pair rows of a panel are contiguous, b is even
      Bf16* panel = value_block(head, h, 0);
      std::memmove(panel, panel + minibatch * kBlock, sizeof(Bf16) * window * kBlock);
    }
  }
}

CpuAttentionTape::CpuAttentionTape(const ModelConfig& config)
    : rows(round_up(config.minibatch_tokens, kBlock)),
      stride(round_up(config.window_tokens + config.minibatch_tokens, kBlock) + kBlock),
      p(static_cast<std::size_t>(config.heads) * rows * stride),
      inverse(static_cast<std::size_t>(config.heads) * rows) {}

}  // namespace silt::model::cpu
