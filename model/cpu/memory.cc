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
constexpr std::size_t kChunk = std::size_t{32} << 20;  // of address space
constexpr std::size_t kSlack = 128;                    // block loads may reach this far past the last element

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
  void* raw = nullptr;
  if (posix_memalign(&raw, kCacheLine, bytes + kSlack) != 0) throw std::bad_alloc();
  std::memset(raw, 0, bytes + kSlack);
  bytes_ = std::shared_ptr<std::byte>(static_cast<std::byte*>(raw), std::free);
}

Memory Arena::allocate(std::size_t bytes) {
  const std::size_t wanted = (bytes + kSlack + kCacheLine - 1) / kCacheLine * kCacheLine;
  if (size_ - used_ < wanted) {
    const std::size_t size = (std::max(wanted, kChunk) + kHugePage - 1) / kHugePage * kHugePage;
    const std::size_t reserved = size + kHugePage;  // to find a huge page's boundary in
    void* raw =
        mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED) throw std::bad_alloc();
    const std::shared_ptr<void> whole(raw, [reserved](void* start) { munmap(start, reserved); });
    void* aligned = raw;
    std::size_t space = reserved;
    std::align(kHugePage, size, aligned, space);
    madvise(aligned, size, MADV_HUGEPAGE);  // advice: refusal only costs speed
    chunk_ = std::shared_ptr<std::byte>(whole, static_cast<std::byte*>(aligned));
    size_ = size;
    used_ = 0;
  }
  std::byte* piece = chunk_.get() + used_;
  used_ += wanted;
  return Memory(std::shared_ptr<std::byte>(chunk_, piece));
}

CpuBuffer::CpuBuffer(int rows, int cols, Role role, int net_width)
    : Buffer(rows, cols, role, cpu::element_bytes(role)),
      stride_(row_stride(cols, role, net_width)),
      memory_(static_cast<std::size_t>(role == Role::kMaster ? rows : round_up(rows, kRowPad)) *
              static_cast<std::size_t>(stride_) * cpu::element_bytes(role)) {}

PackedMatrix::PackedMatrix(Arena& arena, int rows, int columns, bool is_paired)
    : in(rows),
      out(columns),
      in_blocks(round_up(rows, kBlock) / kBlock),
      panels(round_up(columns, kBlock) / kBlock),
      paired(is_paired),
      blocks(arena, static_cast<std::size_t>(in_blocks) * static_cast<std::size_t>(panels) * kBlockElements) {
}

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

CpuKvCache::CpuKvCache(Arena& arena, const ModelConfig& config)
    : window(config.window_tokens),
      minibatch(config.minibatch_tokens),
      kv_heads(config.kv_heads),
      head_width(config.head_width),
      head_blocks(round_up(head_width, kBlock) / kBlock),
      slots(window + minibatch),
      slot_blocks(round_up(slots, kBlock) / kBlock),
      ring(minibatch % kBlock == 0),
      keys(arena, static_cast<std::size_t>(kv_heads) * slots * head_width),
      values(arena, static_cast<std::size_t>(kv_heads) * slot_blocks * head_blocks * kBlockElements) {}

void CpuKvCache::set_value(int head, int slot, const Bf16* row) {
  const int pair = slot % kBlock / 2 * 64 + slot % 2;
  for (int n = 0; n < head_width; ++n) {
    value_block(head, n / kBlock, slot / kBlock)[pair + n % kBlock * 2] = row == nullptr ? Bf16{0} : row[n];
  }
}

void CpuKvCache::advance() {
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

CpuAttentionTape::CpuAttentionTape(Arena& arena, const ModelConfig& config)
    : rows(round_up(config.minibatch_tokens, kBlock)),
      stride(round_up(config.window_tokens + config.minibatch_tokens, kBlock) + kBlock),
      p(arena, static_cast<std::size_t>(config.heads) * rows * stride),
      inverse(arena, static_cast<std::size_t>(config.heads) * rows) {}

}  // namespace silt::model::cpu
