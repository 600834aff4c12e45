// What came in of a tenant on a day.
#include <gtest/gtest.h>

#include "tests/daemon/store_world.h"

namespace silt::store {
namespace {

class DayUseTest : public ::testing::Test {
 protected:
  void SetUp() override { reopen(); }
  void reopen() { ASSERT_TRUE(world_.reopen().is_ok()); }
  RocksStore& store() { return world_.store(); }

  StoreWorld world_{1};
};

TEST_F(DayUseTest, BytesOfADayAreCountedOfEachTenantAndOutliveARestart) {
  constexpr std::int64_t kDayUs = 86'400'000'000;
  const auto append = [&](const std::string& tenant, const std::string& stream, std::int64_t arrival_us) {
    const SourceInfo info = store().open_source(tenant, stream, "host").value();
    RecordView record;
    record.text = "0123456789";
    record.arrival_us = arrival_us;
    GroupAppend group;
    group.streams.push_back({info.ref, {record}, {}});
    group.streams[0].delta.lines = 1;
    group.streams[0].delta.bytes = record.text.size();
    group.streams[0].delta.last_arrival_us = arrival_us;
    ASSERT_TRUE(store().append(group).is_ok());
  };
  const auto bytes = [&](const std::string& tenant, std::int64_t day) {
    for (const DayUse& use : store().day_uses()) {
      if (use.tenant == tenant && use.day == day) return use.bytes;
    }
    return std::uint64_t{0};
  };
  append("shop", "a", 700 * kDayUs);
  append("shop", "b", 701 * kDayUs - 1);
  append("bank", "a", 700 * kDayUs);
  reopen();
  EXPECT_EQ(bytes("shop", 700), 20u);
  EXPECT_EQ(bytes("bank", 700), 10u);
  append("shop", "a", 700 * kDayUs + 5);
  EXPECT_EQ(bytes("shop", 700), 30u);
  append("shop", "a", 701 * kDayUs);
  reopen();
  EXPECT_EQ(bytes("shop", 700), 0u);
  EXPECT_EQ(bytes("shop", 701), 10u);
}

}  // namespace
}  // namespace silt::store
