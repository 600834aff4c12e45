#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

#include "daemon/answer/rule_planner.h"
#include "tests/answer/planned_questions.h"

namespace silt::answer {
namespace {

PlannerContext context() {
  PlannerContext context;
  context.time.now_us = civil_us(2026, 11, 21, 13);
  context.sources = {"host:/var/log/auth.log", "host:/var/log/nginx/access.log"};
  return context;
}

TEST(Planner, MakesTheExpectedPlans) {
  std::set<std::string_view> asked;
  for (const PlannedQuestion& expected : kPlannedQuestions) {
    EXPECT_EQ(format_plan(plan_question(expected.question, context())), expected.plan) << expected.question;
    EXPECT_TRUE(asked.insert(expected.question).second) << "twice: " << expected.question;
  }
  EXPECT_GE(asked.size(), 120u);
}

TEST(Planner, PlansSurviveTheirTextForm) {
  for (const PlannedQuestion& expected : kPlannedQuestions) {
    const QueryPlan plan = plan_question(expected.question, context());
    const auto parsed = parse_plan(format_plan(plan));
    ASSERT_TRUE(parsed.is_ok()) << parsed.status().to_string();
    EXPECT_EQ(*parsed, plan) << expected.question;
  }
}

QueryPlan random_plan(std::mt19937& random) {
  const auto text = [&] {
    std::string out;
    for (std::size_t n = random() % 12; n > 0 || out.empty(); n -= n > 0)
      out += static_cast<char>(random() % 256);
    return out;
  };
  const auto any_term = [&] {
    PlanTerm term{text(), random() % 2 == 0, {}, {}};
    if (random() % 4 == 0) term.alternatives.push_back(text());
    for (std::size_t n = random() % 3; n > 0; --n) term.synonyms.push_back(text());
    return term;
  };
  const auto time = [&] {
    return static_cast<std::int64_t>(random()) * 1000 + static_cast<std::int64_t>(random() % 3);
  };
  QueryPlan plan;
  plan.kind = static_cast<PlanKind>(random() % 9);
  for (std::size_t n = random() % 3; n > 0; --n) plan.required.push_back(any_term());
  for (std::size_t n = random() % 3; n > 0; --n) plan.optional.push_back(any_term());
  for (std::size_t n = random() % 2; n > 0; --n) plan.end_terms.push_back(any_term());
  for (std::size_t n = random() % 2; n > 0; --n) plan.phrases.push_back(text());
  for (std::size_t n = random() % 2; n > 0; --n) plan.sources.push_back(text());
  plan.slot = static_cast<Slot>(random() % 22);
  if (random() % 2) plan.near = text();
  if (random() % 2) plan.pattern = static_cast<PatternId>(random());
  if (random() % 2) plan.seq = random();
  if (random() % 2) plan.time.first_us = time();
  if (random() % 2) plan.time.last_us = time();
  if (random() % 2) plan.baseline = {time(), time()};
  plan.limit = static_cast<std::uint32_t>(random());
  plan.order = static_cast<Order>(random() % 5);
  return plan;
}

TEST(Plan, RandomPlansSurviveTheirTextForm) {
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    const QueryPlan plan = random_plan(random);
    const auto parsed = parse_plan(format_plan(plan));
    ASSERT_TRUE(parsed.is_ok()) << format_plan(plan);
    ASSERT_EQ(*parsed, plan) << format_plan(plan);
  }
}

TEST(Plan, DamagedTextIsRefused) {
  for (const char* text :
       {"", "fly", "find must", "find must:", "find  must:a", "find must:\"a", "find must:\"\\x4\"",
        "find limit:x", "find since:yesterday", "find since:2026-02-30T00:00:00Z", "find field:colour",
        "find order:up", "find must:a~", "find unknown:1", "find must:a$"}) {
    const auto parsed = parse_plan(text);
    ASSERT_FALSE(parsed.is_ok()) << text;
    EXPECT_EQ(parsed.status().code(), Code::kInvalidArgument) << text;
  }
}

TEST(Planner, AnyBytesMakeSomePlan) {
  std::mt19937 random(11);
  for (int i = 0; i < 3000; ++i) {
    std::string question;
    for (std::size_t n = random() % 80; n > 0; --n) {
      question += random() % 4 ? "how many last since between \"'[*]:0-9. and of"[random() % 44]
                               : static_cast<char>(random() % 256);
    }
    const QueryPlan plan = plan_question(question, context());
    EXPECT_TRUE(parse_plan(format_plan(plan)).is_ok()) << question;
  }
}

TEST(TimeWords, CountFromTheGivenNowAndZone) {
  PlannerContext berlin = context();
  berlin.time.zone_s = 3600;
  EXPECT_EQ(plan_question("errors since 09:00", berlin).time.first_us, civil_us(2026, 11, 21, 8));
  EXPECT_EQ(plan_question("errors yesterday", berlin).time.first_us, civil_us(2026, 11, 19, 23));
  // 13:30 has not come yet: it is yesterday's.
  EXPECT_EQ(plan_question("errors since 13:30", context()).time.first_us, civil_us(2026, 11, 20, 13, 30));
  const TimeRange day = plan_question("errors on 2026-02-28", context()).time;
  EXPECT_EQ(day.last_us - day.first_us, 86'400'000'000 - 1);
  EXPECT_FALSE(plan_question("last error from the second disk", context()).time.bounded());
}

}  // namespace
}  // namespace silt::answer
