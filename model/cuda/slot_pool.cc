#include "model/cuda/slot_pool.h"

#include <algorithm>
#include <string>
#include <utility>

namespace silt::model::cuda {

SlotPool::SlotPool(std::size_t slot_bytes, std::size_t slots_a_chunk, std::size_t slots_max, MakeChunk make_chunk)
    : slot_bytes_(slot_bytes),
      slots_a_chunk_(slots_a_chunk),
      slots_max_(slots_max),
      make_chunk_(std::move(make_chunk)) {}

Result<std::byte*> SlotPool::take() {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) {
    const std::size_t count = std::min(slots_a_chunk_, slots_max_ - made_);
    if (count == 0) {
      return resource_exhausted("the GPU holds " + std::to_string(slots_max_) +
                                " states, which is all it has room for; lower learn.resident_mb");
    }
    SILT_ASSIGN(std::byte* const chunk, make_chunk_(count * slot_bytes_));
    made_ += count;
    for (std::size_t i = count; i-- > 0;) free_.push_back(chunk + i * slot_bytes_);
  }
  std::byte* const slot = free_.back();
  free_.pop_back();
  return slot;
}

void SlotPool::give_back(std::byte* slot) {
  const std::lock_guard lock(mutex_);
  free_.push_back(slot);
}

std::size_t SlotPool::taken() const {
  const std::lock_guard lock(mutex_);
  return made_ - free_.size();
}

}  // namespace silt::model::cuda
