// Rows that outlive sources: what came in of a tenant on a day, and the numbers that were given out.
#include <gtest/gtest.h>

#include <set>

#include "tests/daemon/store_world.h"

namespace silt::store {
namespace {

class OutlivingRowsTest : public ::testing::Test {
 protected:
  void SetUp() override { reopen(); }
  void reopen() { ASSERT_TRUE(world_.reopen().is_ok()); }
  RocksStore& store() { return world_.store(); }

  StoreWorld world_{1};
};

TEST_F(OutlivingRowsTest, BytesOfADayAreCountedOfEachTenantAndOutliveARestart) {
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
  // Of tenants that are gone nothing stays: at once when they are forgotten, else when another day begins.
  append("club", "a", 701 * kDayUs);
  for (const SourceInfo& info : store().sources()) {
    if (info.tenant != "shop") ASSERT_TRUE(store().delete_source(info.ref, RequestResult()).is_ok());
  }
  EXPECT_EQ(bytes("club", 701), 10u) << "its quota goes on";
  EXPECT_EQ(bytes("bank", 700), 10u);
  append("shop", "a", 702 * kDayUs);
  reopen();
  EXPECT_EQ(store().day_uses().size(), 1u);
  ASSERT_TRUE(store().forget_tenant(store().sources()[0].ref.tenant, "shop").is_ok());
  EXPECT_TRUE(store().day_uses().empty());
  reopen();
  EXPECT_TRUE(store().day_uses().empty());
}

// A certificate or an entry of the audit log names a source that is gone; no other one may be taken for it.
TEST_F(OutlivingRowsTest, NumbersOfDeletedSourcesDoNotComeAgain) {
  std::set<std::pair<std::uint32_t, std::uint32_t>> seen;
  for (int round = 0; round < 3; ++round) {
    const SourceInfo info = store().open_source("tenant " + std::to_string(round), "a", "host").value();
    EXPECT_TRUE(seen.insert({static_cast<std::uint32_t>(info.ref.tenant), static_cast<std::uint32_t>(info.ref.source)}).second);
    for (const auto& [tenant, source] : seen) {
      if (tenant == static_cast<std::uint32_t>(info.ref.tenant)) EXPECT_EQ(source, static_cast<std::uint32_t>(info.ref.source));
    }
    ASSERT_TRUE(store().delete_source(info.ref, RequestResult()).is_ok());
    reopen();
  }
  EXPECT_EQ(seen.size(), 3u);
}

}  // namespace
}  // namespace silt::store
