// The thread team: everybody runs every call once, and what one call wrote the next one sees.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "model/cpu/thread_team.h"

namespace silt::model::cpu {
namespace {

TEST(ThreadTeam, CallsFollowEachOther) {
  constexpr int kItems = 61;
  for (const int size : {1, 2, 3, 4}) {
    ThreadTeam team(size);
    std::vector<long> items(kItems);
    std::vector<long> sums(static_cast<std::size_t>(size));
    for (int round = 1; round <= 300; ++round) {
      team.run([&](int member) {
        const Share share = share_of(kItems, member, size);
        for (int i = share.first; i < share.last; ++i) ++items[static_cast<std::size_t>(i)];
      });
      team.run([&](int member) {
        long sum = 0;
        for (const long item : items) sum += item;
        sums[static_cast<std::size_t>(member)] = sum;
      });
      for (const long sum : sums) ASSERT_EQ(sum, static_cast<long>(kItems) * round) << size << " members";
    }
  }
}

TEST(ThreadTeam, OfOneRunsOnTheCaller) {
  ThreadTeam team(1);
  std::thread::id seen;
  team.run([&](int) { seen = std::this_thread::get_id(); });
  EXPECT_EQ(seen, std::this_thread::get_id());
}

TEST(ThreadTeam, SharesCoverEverythingOnce) {
  for (const int size : {1, 2, 3, 5, 8}) {
    int next = 0;
    for (int member = 0; member < size; ++member) {
      const Share share = share_of(13, member, size);
      EXPECT_EQ(share.first, next);
      next = share.last;
    }
    EXPECT_EQ(next, 13);
  }
}

}  // namespace
}  // namespace silt::model::cpu
