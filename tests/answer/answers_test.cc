// Answers to questions over small logs: what is counted, compared and quoted.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "daemon/answer/plan/planner.h"
#include "daemon/answer/query_text.h"
#include "daemon/answer/reply/compose.h"
#include "daemon/tools/lines_store.h"

namespace silt::answer {
namespace {

constexpr std::int64_t kNow = 1'796'000'000'000'000;

struct Answer {
  std::string text;
  std::string plan;
};

Answer ask(const std::string& name, const std::string& log, const std::string& question) {
  LinesStore lines;
  auto profile = std::make_shared<search::Profile>();
  profile->name = name;
  profile->ref = lines.add(name, log, kNow);
  EXPECT_TRUE(search::update_profile(lines, lines, *profile).is_ok());
  plan::PlanContext context;
  context.time.now_us = kNow;
  context.scope = {profile};
  context.scoped = true;
  const auto judged = reply::judge(lines, context.scope, plan::make_plans(question, context), {});
  EXPECT_TRUE(judged.is_ok()) << question;
  return {reply::compose(*judged, 0, 8).text, print_query(judged->candidate.query)};
}

std::string minute(int at) {
  return "2026-08-20T" + std::string(at < 600 ? "0" : "") + std::to_string(at / 60) + ":" + (at % 60 < 10 ? "0" : "") + std::to_string(at % 60) + ":00Z ";
}

TEST(Answers, ACountOfSeveralKindsNamesThem) {
  std::string log;
  for (int i = 0; i < 12; ++i) log += minute(i) + (i % 4 == 0 ? "gate opened by remote\n" : "gate opened for lorry " + std::to_string(i) + "\n");
  for (int i = 12; i < 40; ++i) log += minute(i) + "camera ready\n";
  const Answer answer = ask("gate.log", log, "how often was the gate opened?");
  EXPECT_EQ(answer.text.substr(0, 3), "12 ") << answer.text;
  EXPECT_NE(answer.text.find(": 9 x "), std::string::npos) << answer.text;
  EXPECT_NE(answer.text.find("; 3 x "), std::string::npos) << answer.text;
}

std::size_t times_in(std::string_view text, std::string_view part) {
  std::size_t times = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++times;
  return times;
}

TEST(Answers, EachRecordIsQuotedOnce) {
  std::string log;
  for (int i = 0; i < 20; ++i) log += minute(i) + "camera ready\n";
  log += minute(20) + "gate jammed by a branch\n" + minute(21) + "mirror cracked at dawn\n" + minute(22) + "mirror cracked at noon\n";
  const Answer one = ask("gate.log", log, "list gate jammed");
  EXPECT_EQ(times_in(one.text, "[1]"), 1U) << one.text;
  const Answer two = ask("gate.log", log, "list mirror cracked");
  EXPECT_EQ(times_in(two.text, "[1]"), 1U) << two.text;
  EXPECT_EQ(times_in(two.text, "[2]"), 1U) << two.text;
}

TEST(Answers, ErrorsOfALogOfRepliesAreThoseFrom400On) {
  std::string log;
  for (int i = 0; i < 30; ++i) {
    const std::string status = i % 10 == 3 ? "404" : i % 15 == 5 ? "503" : "200";
    log += "192.0.2." + std::to_string(i % 7) + " - - [20/Aug/2026:09:" + std::to_string(10 + i) + ":00 +0000] \"GET /errors.html HTTP/1.1\" " + status + " 120 \"-\" \"Mozilla/5.0\"\n";
  }
  const Answer answer = ask("access.log", log, "how many errors?");
  EXPECT_EQ(answer.plan, "count if:status>=400 in:access.log");
  EXPECT_EQ(answer.text.substr(0, 2), "5 ");
  EXPECT_EQ(ask("access.log", log, "how many requests failed with 503?").text.substr(0, 2), "2 ");
}

TEST(Answers, ATrendLeavesOutTheHourInWhichTheLogEnds) {
  std::string log;
  for (int at = 9 * 60; at < 12 * 60 + 6; at += 2) log += minute(at) + "heater on\n";
  EXPECT_EQ(ask("heat.log", log, "is the heater on more and more often, per hour?").text.substr(0, 6), "Steady");
}

TEST(Answers, ANumberOfATextComesFromTheSentenceThatSaysWhatIsAsked) {
  const std::string text =
      "# Water pump\n\nThe pump repairs itself. This was seen to take about 10 minutes.\n"
      "The alert of the pump goes off after it was silent for over 15 minutes. Nobody likes it.\n\n## Contacts\n\nSee the board.\n";
  EXPECT_EQ(ask("pump.md", text, "after how many minutes does the alert of the silent pump go off?").text.substr(0, 10), "15 minutes");
}

TEST(Answers, FindWhatADebianHostWrites) {
  std::string auth, dpkg;
  for (int i = 0; i < 12; ++i) {
    auth += minute(i) + "vega sshd[7]: Failed password for root from 203.0.113.9 port 4000 ssh2\n" + minute(i) + "vega CRON[8]: pam_unix(cron:session): session opened for user root(uid=0)\n";
    const std::string package = "lib" + std::string(1, static_cast<char>('a' + i)) + ":amd64 1.0-1";
    for (const std::string& what : std::vector<std::string>{"startup archives unpack", "install " + package, "startup packages configure", "status installed " + package})
      dpkg += "2026-11-" + std::to_string(10 + i) + " 10:00:00 " + what + "\n";
  }
  EXPECT_EQ(ask("auth.log", auth, "how often was a login refused?").text.substr(0, 3), "12 ");
  const Answer last = ask("dpkg.log", dpkg, "which packages were installed most recently?");
  EXPECT_NE(last.text.find("installed libl:amd64"), std::string::npos) << last.text;
}

struct FixedScorer : plan::TopicScorer {
  std::vector<float> near;
  std::vector<float> score(const std::vector<std::string>&, const search::Profile&) override { return near; }
};

struct Manual {
  LinesStore lines;
  plan::PlanContext context;
  FixedScorer scorer;

  explicit Manual(const std::string& text) {
    auto profile = std::make_shared<search::Profile>();
    profile->name = "manual.md";
    profile->ref = lines.add(profile->name, text, kNow);
    EXPECT_TRUE(search::update_profile(lines, lines, *profile).is_ok());
    EXPECT_EQ(profile->layout.kind, search::Layout::Kind::kProse);
    context.time.now_us = kNow;
    context.scope = {profile};
    context.scoped = true;
    context.scorer = &scorer;
  }
  // The passage that comes first.
  store::PatternId first(const std::string& question) {
    const auto plans = plan::make_plans(question, context);
    EXPECT_FALSE(plans.front().query.patterns.empty());
    return plans.front().query.patterns.empty() ? 0 : plans.front().query.patterns.front();
  }
};

TEST(Answers, AmongSourcesMeaningSaysNothingOfATextThatIsPartlyEncoded) {
  Manual manual("# Ovens\n\nClean the tray with warm water.\n\nLet the baker wait outside.\n\nA crust forms when heat is dry.\n\n"
                "Never put paper near flames.\n\nOpen the window in summer.\n\nSweep crumbs off the tray.\n");
  manual.context.scope.push_back(manual.context.scope.front());  // another source
  const auto& patterns = manual.context.scope.front()->patterns;
  const auto water = std::find_if(patterns.begin(), patterns.end(), [](const auto& each) { return each.example.find("water") != std::string::npos; });
  ASSERT_NE(water, patterns.end());
  auto& near = manual.scorer.near;
  near.assign(patterns.size(), std::numeric_limits<float>::quiet_NaN());
  const auto crumbs = patterns.size() - 1;
  near[crumbs] = 1.9F;  // all that is known
  EXPECT_EQ(manual.first("how is the tray cleaned?"), water->id);
  manual.context.scope.pop_back();  // of one text what is known is better than nothing
  EXPECT_EQ(manual.first("how is the tray cleaned?"), patterns[crumbs].id);
  manual.context.scope.push_back(manual.context.scope.front());
  std::fill(near.begin(), near.end(), 0.0F);
  near[crumbs] = 1.9F;
  EXPECT_EQ(manual.first("how is the tray cleaned?"), patterns[crumbs].id);
}

TEST(Answers, TheMeaningOfOneRecordIsNotThatOfAllThatShareNoWord) {
  Manual manual("# Ovens\n\nClean the tray with warm water.\n\nLet the baker wait outside.\n\nA crust forms on the tray.\n");
  auto profile = std::make_shared<search::Profile>(*manual.context.scope.front());
  manual.context.scope.front() = profile;
  auto& patterns = profile->patterns;
  const auto water = std::find_if(patterns.begin(), patterns.end(), [](const auto& each) { return each.example.find("water") != std::string::npos; });
  ASSERT_NE(water, patterns.end());
  manual.scorer.near.assign(patterns.size(), 0.0F);
  manual.scorer.near.back() = 1.9F;
  patterns.back().text = "<*> <num>";
  EXPECT_EQ(manual.first("how is the tray cleaned?"), patterns.back().id);  // one record: it is its own
  patterns.back().count = 40;
  EXPECT_EQ(manual.first("how is the tray cleaned?"), water->id);
}

}  // namespace
}  // namespace silt::answer
