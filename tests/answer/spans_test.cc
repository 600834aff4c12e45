// Time between two kinds of records, and questions that go on from the last one.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "daemon/answer/plan/planner.h"
#include "daemon/answer/query_text.h"
#include "daemon/answer/reply/compose.h"
#include "daemon/answer/search/execute.h"
#include "daemon/tools/lines_store.h"

namespace silt::answer {
namespace {

constexpr std::int64_t kNowUs = 1'796'000'000'000'000;  // November 2026

// Two sessions at once, told apart by their number only; a third never ends.
constexpr std::string_view kSessions =
    "2026-11-20 09:00:00 INFO session 17 opened for user anna from 10.0.0.5\n"
    "2026-11-20 09:00:10 INFO session 18 opened for user ben from 10.0.0.6\n"
    "2026-11-20 09:00:20 WARN disk nearly full\n"
    "2026-11-20 09:01:10 INFO session 18 closed for user ben\n"
    "2026-11-20 09:05:00 INFO session 17 closed for user anna\n"
    "2026-11-20 09:06:00 INFO session 19 opened for user cleo from 10.0.0.7\n"
    "2026-11-20 09:07:00 ERROR backup failed on db1\n"
    "2026-11-20 09:08:00 ERROR backup failed on db2\n"
    "2026-11-21 09:09:00 ERROR backup failed on db2\n";

class Spans : public testing::Test {
 protected:
  Spans() {
    profile_->name = "app.log";
    profile_->ref = lines_.add("app.log", kSessions, kNowUs);
    EXPECT_TRUE(search::update_profile(lines_, lines_, *profile_).is_ok());
  }

  search::Outcome run(std::string_view text) {
    const auto query = parse_query(text);
    EXPECT_TRUE(query.is_ok()) << query.status().to_string();
    auto outcome = search::execute(lines_, {profile_}, *query, {});
    EXPECT_TRUE(outcome.is_ok());
    return std::move(*outcome);
  }

  reply::Judged ask(const std::string& question) {
    plan::PlanContext context;
    context.time.now_us = kNowUs;
    context.scope = {profile_};
    context.scoped = true;
    context.last = last_;
    auto judged = reply::judge(lines_, context.scope, plan::make_plans(question, context), {});
    EXPECT_TRUE(judged.is_ok()) << question;
    last_ = judged->candidate.query;
    return std::move(*judged);
  }
  std::string answer(const std::string& question) { return reply::compose(ask(question), 0, 8).text; }

  LinesStore lines_;
  std::shared_ptr<search::Profile> profile_ = std::make_shared<search::Profile>();
  std::optional<Query> last_;
};

TEST_F(Spans, AreToldApartByTheIdentifierThatBothEndsCarry) {
  const search::Outcome average = run("average from:opened to:closed words:session");
  ASSERT_TRUE(average.value);
  EXPECT_DOUBLE_EQ(*average.value, 180);  // 300 s and 60 s; in order of time it would be 60 s and 290 s
  EXPECT_EQ(average.numbers, 2U);
  EXPECT_EQ(average.open, 1U);
  EXPECT_FALSE(average.paired_by.empty());
  const search::Outcome longest = run("max from:opened to:closed");
  EXPECT_DOUBLE_EQ(longest.value.value_or(0), 300);
  ASSERT_TRUE(longest.from && longest.to);
  EXPECT_EQ(longest.from->seq, 1U);
  EXPECT_EQ(longest.to->seq, 5U);
  EXPECT_FALSE(run("duration from:opened to:exploded").value);
}

TEST_F(Spans, AreAskedForByStateOrByBothEnds) {
  EXPECT_EQ(answer("how long was anna's session open?").substr(0, 5), "300 s");
  EXPECT_EQ(answer("average time a session stays open?").substr(0, 5), "180 s");
  EXPECT_EQ(answer("longest session?").substr(0, 5), "300 s");
  EXPECT_EQ(answer("how long from opened to closed for session 18?").substr(0, 4), "60 s");
}

TEST_F(Spans, FollowUpsKeepWhatTheyDoNotChange) {
  EXPECT_EQ(answer("how many backups failed on 2026-11-20?").substr(0, 2), "2 ");
  EXPECT_EQ(answer("and on 2026-11-21?").substr(0, 2), "1 ");
  EXPECT_EQ(answer("and on the day before?").substr(0, 2), "2 ");
  EXPECT_EQ(answer("and the next day?").substr(0, 2), "1 ");
  const std::string hosts = answer("only on db1?");
  EXPECT_NE(hosts.find("db1"), std::string::npos) << hosts;
  EXPECT_EQ(last_->op, Op::kCount);
  last_.reset();
  answer("errors?");
  EXPECT_EQ(answer("how many of those were on db2?").substr(0, 2), "2 ");
}

}  // namespace
}  // namespace silt::answer
