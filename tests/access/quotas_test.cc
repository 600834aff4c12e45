// How much a tenant may have, and what becomes of what is more.
#include "daemon/access/quotas.h"

#include <gtest/gtest.h>

#include <atomic>

#include "base/log.h"

namespace silt::access {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kDayUs = 86'400 * kSecondUs;

class QuotasTest : public ::testing::Test {
 protected:
  QuotasTest() {
    log::set_sink([this](log::Level, std::string_view line) { logged_.append(line).append("\n"); });
  }
  ~QuotasTest() override {
    log::set_sink([](log::Level, std::string_view) {});
  }
  Status ask(const Caller& caller, const std::string& tenant) {
    return quotas_.take_question({caller, never_}, tenant);
  }
  int asked(const Caller& caller, const std::string& tenant, int times) {
    int granted = 0;
    for (int i = 0; i < times; ++i) granted += ask(caller, tenant).is_ok() ? 1 : 0;
    return granted;
  }
  QuotaUse use_of(const std::string& tenant) const {
    for (QuotaUse& use : quotas_.use()) {
      if (use.tenant == tenant) return use;
    }
    return {};
  }

  const std::atomic<bool> never_{false};
  ManualClock clock_{20'000 * kDayUs};
  Quotas quotas_{clock_};
  std::string logged_;
  const Caller shop_{"uid:1", Tenants({"shop"}), {Right::kAsk, Right::kChange}};
  const Caller both_{"uid:2", Tenants({"shop", "bank"}), {Right::kAsk}};
  const Caller root_{"uid:0", Tenants::all(), Rights::all()};
};

TEST_F(QuotasTest, QuestionsOfAMinuteAreOfTheTenantWhoeverAsks) {
  quotas_.configure({{"shop", {.questions_per_minute = 6}}});
  EXPECT_EQ(asked(shop_, "shop", 4), 4);
  EXPECT_EQ(asked(both_, "shop", 10), 2);
  EXPECT_EQ(asked(both_, "bank", 100), 100);
  EXPECT_EQ(asked(root_, "shop", 100), 100);
  const Status refused = ask(shop_, "shop");
  EXPECT_EQ(refused.code(), Code::kResourceExhausted);
  EXPECT_EQ(refused.message(), "tenant 'shop' has asked its 6 questions a minute; try again in 10 s");
  EXPECT_EQ(retry_after_ms(refused), 10'000);
  clock_.advance_us(10 * kSecondUs);
  EXPECT_EQ(asked(shop_, "shop", 5), 1);
  clock_.advance_us(3600 * kSecondUs);
  EXPECT_EQ(asked(shop_, "shop", 100), 6);  // nothing is saved up
  EXPECT_EQ(use_of("shop").questions, 13u);
  EXPECT_EQ(use_of("shop").questions_refused, 8u + 1 + 4 + 94);
}

TEST_F(QuotasTest, AStarAsksEachTenantThatItSees) {
  quotas_.configure({{"shop", {.questions_per_minute = 3}}, {"bank", {.questions_per_minute = 5}}});
  EXPECT_EQ(asked(both_, "*", 10), 3);
  EXPECT_EQ(asked(shop_, "*", 1), 0);
  EXPECT_EQ(asked(shop_, "bank", 100), 100);  // it does not see that one: the method will say so
  EXPECT_GE(asked(both_, "bank", 10), 1);
}

TEST_F(QuotasTest, TenantsWithoutAQuotaOfTheirOwnHaveTheStars) {
  quotas_.configure({{"*", {.questions_per_minute = 2}}, {"bank", {}}});
  EXPECT_EQ(asked(both_, "shop", 10), 2);
  EXPECT_EQ(asked(both_, "bank", 10), 10);
  EXPECT_EQ(quotas_.use().size(), 1u);
  quotas_.configure({});
  EXPECT_EQ(asked(both_, "shop", 10), 10);
}

TEST_F(QuotasTest, ChangesOfACallerAreBounded) {
  int made = 0;
  for (int i = 0; i < 1000; ++i) made += quotas_.take_change(shop_).is_ok() ? 1 : 0;
  EXPECT_EQ(made, static_cast<int>(Quotas::kChangesPerMinute));
  EXPECT_EQ(retry_after_ms(quotas_.take_change(shop_)), 1000);
  EXPECT_TRUE(quotas_.take_change({"uid:3", Tenants({"shop"}), {Right::kChange}}).is_ok());
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(quotas_.take_change(root_).is_ok());
}

TEST_F(QuotasTest, ADaysBytesPauseUntilMidnightAndSaySoOnce) {
  quotas_.configure({{"shop", {.bytes_per_day = 1000}}});
  EXPECT_TRUE(quotas_.may_read("shop"));
  quotas_.have_read("shop", 999);
  EXPECT_TRUE(quotas_.may_read("shop"));
  quotas_.have_read("shop", 500);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(quotas_.may_read("shop"));
  EXPECT_TRUE(quotas_.may_read("bank"));
  EXPECT_EQ(logged_.find("quota_used"), logged_.rfind("quota_used"));
  EXPECT_NE(logged_.find("quota_used tenant=shop"), std::string::npos) << logged_;
  EXPECT_EQ(use_of("shop").bytes_today, 1499u);
  EXPECT_EQ(use_of("shop").pauses, 1u);
  clock_.advance_us(kDayUs - 1);
  EXPECT_FALSE(quotas_.may_read("shop"));
  clock_.advance_us(1);
  EXPECT_TRUE(quotas_.may_read("shop"));
  EXPECT_NE(logged_.find("quota_has_room"), std::string::npos);
  EXPECT_EQ(use_of("shop").bytes_today, 0u);
}

TEST_F(QuotasTest, BytesOfTheDayFromBeforeARestartCount) {
  quotas_.configure({{"*", {.bytes_per_day = 1000}}});
  quotas_.had_read("shop", 20'000, 990);
  quotas_.had_read("bank", 19'999, 5000);
  EXPECT_TRUE(quotas_.may_read("bank")) << "that was yesterday";
  EXPECT_TRUE(quotas_.may_read("shop"));
  quotas_.have_read("shop", 10);
  EXPECT_FALSE(quotas_.may_read("shop"));
}

TEST_F(QuotasTest, SourcesBeyondTheirNumberAreRefusedAndCounted) {
  quotas_.configure({{"shop", {.sources_max = 2}}});
  const auto have = [](std::uint64_t count) { return [count] { return count; }; };
  EXPECT_TRUE(quotas_.may_open("shop", have(1)));
  EXPECT_FALSE(quotas_.may_open("shop", have(2)));
  EXPECT_FALSE(quotas_.may_open("shop", have(3)));
  EXPECT_TRUE(quotas_.may_open("bank", [] { return ADD_FAILURE() << "counted for nothing", std::uint64_t{9}; }));
  EXPECT_EQ(use_of("shop").sources_refused, 2u);
  EXPECT_EQ(logged_.find("quota_used"), logged_.rfind("quota_used"));
}

TEST(RetryAfter, IsReadFromWhatWasWritten) {
  EXPECT_EQ(retry_after_ms(try_again_in("x", 1)), 1000);
  EXPECT_EQ(retry_after_ms(try_again_in("x", 61'000'001)), 62'000);
  EXPECT_EQ(retry_after_ms(resource_exhausted("a question about; try again in 5 s and more")), std::nullopt);
  EXPECT_EQ(retry_after_ms(resource_exhausted("; try again in  s")), std::nullopt);
  EXPECT_EQ(retry_after_ms(unavailable("x; try again in 5 s")), std::nullopt);
}

}  // namespace
}  // namespace silt::access
