// The memory plan of the GPU engine, without a GPU.
#include "model/cuda/slot_pool.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <vector>

namespace silt::model::cuda {
namespace {

TEST(SlotPool, GrowsByChunksUpToItsLimit) {
  std::vector<std::unique_ptr<std::byte[]>> chunks;
  SlotPool pool(64, 4, 10, [&](std::size_t bytes) -> Result<std::byte*> {
    chunks.push_back(std::make_unique<std::byte[]>(bytes));
    return chunks.back().get();
  });
  EXPECT_TRUE(chunks.empty());
  std::set<std::byte*> slots;
  for (int i = 0; i < 10; ++i) {
    const auto slot = pool.take();
    ASSERT_TRUE(slot.is_ok());
    for (const std::byte* other : slots) EXPECT_GE(std::abs(*slot - other), 64);
    slots.insert(*slot);
    EXPECT_EQ(chunks.size(), static_cast<std::size_t>(i / 4 + 1));
  }
  EXPECT_EQ(pool.take().status().code(), Code::kResourceExhausted);
  EXPECT_EQ(pool.taken(), 10u);
  pool.give_back(*slots.begin());
  EXPECT_EQ(*pool.take(), *slots.begin());  // nothing more was fetched
  EXPECT_EQ(chunks.size(), 3u);
}

TEST(SlotPool, SaysWhyAChunkCouldNotBeHad) {
  bool room = false;
  std::byte memory[64];
  SlotPool pool(64, 1, 10, [&](std::size_t) -> Result<std::byte*> {
    if (!room) return unavailable("no device");
    return memory;
  });
  EXPECT_EQ(pool.take().status().code(), Code::kUnavailable);
  room = true;
  EXPECT_TRUE(pool.take().is_ok());
  EXPECT_EQ(pool.taken(), 1u);
}

}  // namespace
}  // namespace silt::model::cuda
