// Questions over several sources: which one is meant, what is said of it, and what of the others.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "daemon/answer/plan/planner.h"
#include "daemon/answer/plan/signs.h"
#include "daemon/answer/reply/compose.h"
#include "daemon/answer/reply/judge.h"
#include "daemon/tools/lines_store.h"

namespace silt::answer {
namespace {

constexpr std::int64_t kNow = 1'772'400'000'000'000;  // 2026-03-01 21:20 UTC

class Sources : public ::testing::Test {
 protected:
  void SetUp() override {
    add("/var/log/oven.log", "2026-03-01 10:00:00 INFO preheated to 180 degrees\n2026-03-01 10:30:00 ERROR door left open for 40 s\n"
                             "2026-03-01 10:31:00 INFO preheated to 200 degrees\n");
    add("/var/log/nginx/access_log", "2026-03-01 09:00:00 GET /menu 200\n2026-03-01 09:00:05 GET /bread 404\n2026-03-01 09:01:00 GET /menu 200\n");
    add("/var/log/lift.log", "2026-03-01 08:00:00 INFO car 2 moved to floor 7\n2026-03-01 08:01:00 ERROR car 2 stopped between floors\n"
                             "2026-03-01 08:02:00 INFO car 1 moved to floor 3\n");
  }
  void add(const std::string& name, const std::string& text) {
    auto profile = std::make_shared<search::Profile>();
    profile->name = name;
    profile->ref = lines_.add(name, text, kNow);
    EXPECT_TRUE(search::update_profile(lines_, lines_, *profile).is_ok());
    context_.scope.push_back(profile);
    context_.time.now_us = kNow;
  }
  reply::Judged ask(const std::string& question) {
    auto judged = reply::judge(lines_, context_.scope, plan::make_plans(question, context_), {});
    EXPECT_TRUE(judged.is_ok()) << judged.status().to_string();
    return std::move(*judged);
  }

  LinesStore lines_;
  plan::PlanContext context_;
};

TEST_F(Sources, TheOneWithTheRareWordsIsMeant) {
  EXPECT_EQ(ask("how often did the car move to another floor?").scope.front()->name, "/var/log/lift.log");
  EXPECT_EQ(ask("when was it preheated first?").scope.front()->name, "/var/log/oven.log");
}

TEST_F(Sources, AShortNameOrTheKindOfSoftwareSaysWhichIsMeant) {
  add("/var/log/bgl.log", "2026-03-01 08:00:00 ERROR torus receiver failed\n");
  EXPECT_EQ(ask("errors in bgl?").scope.front()->name, "/var/log/bgl.log");
  auto plans = plan::make_plans("what is the longest silence of the web server?", context_);
  EXPECT_EQ(context_.scope[plans.front().sources.front()]->name, "/var/log/nginx/access_log");
  EXPECT_GT(of(plans.front().signs, plan::Sign::kKind), 0);
  for (std::size_t i = 1; i < plans.size(); ++i) EXPECT_EQ(of(plans[i].signs, plan::Sign::kKind), 0);
}

TEST_F(Sources, AnIdentifierInItsNameSaysAsMuchAsOneInItsRecords) {
  add("/srv/node17/server.log", "2026-03-01 08:00:00 ERROR disk is full\n2026-03-01 08:01:00 INFO disk is free\n");
  add("/srv/node18/server.log", "2026-03-01 08:00:00 ERROR connection to node17 lost\n2026-03-01 08:03:00 INFO connection to node17 again\n");
  const auto judged = ask("how many errors on node17?");
  EXPECT_EQ(judged.scope.front()->name, "/srv/node17/server.log");
  for (plan::Candidate& plan : plan::make_plans("how many errors on node17?", context_)) {
    if (context_.scope[plan.sources.front()]->name == "/srv/node17/server.log") EXPECT_GT(of(plan.signs, plan::Sign::kValues), 0);
  }
}

TEST_F(Sources, ATimeThatASourceDoesNotCoverSpeaksAgainstIt) {
  add("/var/log/old.log", "2020-05-04 08:00:00 INFO car 9 moved to floor 1\n");
  for (plan::Candidate& plan : plan::make_plans("how often did the car move on 4 May 2020?", context_)) {
    const bool old = context_.scope[plan.sources.front()]->name == "/var/log/old.log";
    EXPECT_EQ(of(plan.signs, plan::Sign::kOutside), old ? 0 : 1) << context_.scope[plan.sources.front()]->name;
  }
}

TEST_F(Sources, WhatIsFoundChoosesAndTheOthersStandBehindTheAnswer) {
  const auto judged = ask("how many errors?");  // two sources have one each
  EXPECT_EQ(judged.verdict, reply::Verdict::kClosest);
  ASSERT_EQ(judged.rivals.size(), 1u);
  const std::string text = reply::compose(judged, 0, 8).text;
  EXPECT_NE(text.find("/var/log/oven.log: 1 record"), std::string::npos) << text;
  EXPECT_NE(text.find("/var/log/lift.log: 1 record"), std::string::npos) << text;
  auto sure = judged;
  sure.verdict = reply::Verdict::kStated;
  const std::string stated = reply::compose(sure, 0, 8).text;
  EXPECT_NE(stated.find("\nFits less:\n"), std::string::npos) << stated;
  EXPECT_LT(stated.find("1 record"), stated.find("Fits less"));
}

TEST(Signs, TheShareOfTheFirstFallsWithItsRivals) {
  EXPECT_FLOAT_EQ(plan::share_of_first(std::vector<float>{3}), 1);
  EXPECT_FLOAT_EQ(plan::share_of_first(std::vector<float>{3, 3}), 0.5F);
  EXPECT_GT(plan::share_of_first(std::vector<float>{5, 1}), plan::share_of_first(std::vector<float>{5, 4}));
  plan::Signs signs{};
  EXPECT_EQ(plan::odds_before(signs), 0);
  of(signs, plan::Sign::kTogether) = 1;
  EXPECT_GT(plan::odds_after(signs), 0);
  of(signs, plan::Sign::kOutside) = 1;
  EXPECT_LT(plan::odds_after(signs), 0);
}

}  // namespace
}  // namespace silt::answer
