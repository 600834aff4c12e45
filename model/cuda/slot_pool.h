// SlotPool: pieces of one size, cut from chunks that grow with demand up to a limit. Knows nothing of CUDA.
//
// Chunks are kept until the pool ends: a device's memory is fetched seldom and never in the middle of a step's
// rhythm. Safe from any thread.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

#include "base/status.h"

namespace silt::model::cuda {

class SlotPool {
 public:
  // Returns a chunk of so many bytes, which must live as long as the pool; or why there is none.
  using MakeChunk = std::function<Result<std::byte*>(std::size_t bytes)>;

  SlotPool(std::size_t slot_bytes, std::size_t slots_a_chunk, std::size_t slots_max, MakeChunk make_chunk);

  // kResourceExhausted beyond the limit, or the reason why a chunk could not be had.
  Result<std::byte*> take();
  void give_back(std::byte* slot);

  std::size_t slot_bytes() const { return slot_bytes_; }
  std::size_t slots_max() const { return slots_max_; }
  std::size_t taken() const;

 private:
  const std::size_t slot_bytes_, slots_a_chunk_, slots_max_;
  const MakeChunk make_chunk_;
  mutable std::mutex mutex_;
  std::vector<std::byte*> free_;
  std::size_t made_ = 0;
};

}  // namespace silt::model::cuda
