// Arena: bytes that many views point into, freed all at once.
//
// Views stay valid until clear() or the end of the arena; moving the arena keeps them. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace silt::connectors {

class Arena {
 public:
  // Room for `size` bytes, not initialised. The next reserve() or copy() may hand out the same bytes,
  // unless commit() says how many of them are in use.
  char* reserve(std::size_t size);
  void commit(std::size_t size) { used_ += size; }

  std::string_view copy(std::string_view bytes);
  // The same for an array of views or numbers.
  template <class T>
  std::span<const T> copy(std::span<const T> items) {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= alignof(std::max_align_t));
    if (items.empty()) return {};
    char* const room = reserve(items.size_bytes() + alignof(T));
    const std::size_t padding = -reinterpret_cast<std::uintptr_t>(room) % alignof(T);
    T* const to = new (room + padding) T[items.size()];
    std::copy(items.begin(), items.end(), to);
    commit(padding + items.size_bytes());
    return {to, items.size()};
  }

  // Ends all views. Keeps one block, so that an arena that is filled over and over costs no allocation.
  void clear();

  std::size_t allocated_bytes() const;

 private:
  // Blocks double in size from the first one to the largest, unless more is asked for at once.
  static constexpr std::size_t kFirstBlockBytes = 512;
  static constexpr std::size_t kBlockBytes = 384 * 1024;
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
  };
  std::vector<Block> blocks_;  // the last one is being filled
  std::size_t used_ = 0;       // of the last block
};

}  // namespace silt::connectors
