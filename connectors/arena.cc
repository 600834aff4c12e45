#include "connectors/arena.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace silt::connectors {

char* Arena::reserve(std::size_t size) {
  if (blocks_.empty() || blocks_.back().size - used_ < size) {
    const std::size_t next = blocks_.empty() ? kFirstBlockBytes : 2 * blocks_.back().size;
    const std::size_t block = std::max(size, std::min(next, kBlockBytes));
    blocks_.push_back({std::make_unique_for_overwrite<char[]>(block), block});
    used_ = 0;
  }
  return blocks_.back().bytes.get() + used_;
}

std::string_view Arena::copy(std::string_view bytes) {
  if (bytes.empty()) return {};
  char* const to = reserve(bytes.size());
  std::memcpy(to, bytes.data(), bytes.size());
  commit(bytes.size());
  return {to, bytes.size()};
}

void Arena::clear() {
  used_ = 0;
  if (blocks_.size() > 1) blocks_.erase(blocks_.begin(), blocks_.end() - 1);
  if (!blocks_.empty() && blocks_.back().size > kBlockBytes) blocks_.clear();
}

std::size_t Arena::allocated_bytes() const {
  std::size_t bytes = 0;
  for (const Block& block : blocks_) bytes += block.size;
  return bytes;
}

}  // namespace silt::connectors
