// Surface plans: what they resolve to, and the grammar that a writer of them is held to.
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "daemon/answer/prompt.h"
#include "daemon/answer/surface_grammar.h"
#include "daemon/answer/surface_plan.h"
#include "daemon/answer/surface_time.h"

namespace silt::answer {
namespace {

PlannerContext context() {
  PlannerContext context;
  context.time.now_us = civil_us(2026, 11, 21, 13);
  context.sources = {"host:/var/log/auth.log", "b c.log"};
  return context;
}

// The two columns of a list that the training code tests as well.
std::vector<std::pair<std::string, std::string>> rows(const std::string& name) {
  std::ifstream file(std::string(SILT_SOURCE_DIR) + "/tests/training/" + name);
  std::vector<std::pair<std::string, std::string>> out;
  for (std::string line; std::getline(file, line);) {
    const std::size_t tab = line.find('\t');
    if (!line.starts_with("#") && tab != line.npos)
      out.emplace_back(line.substr(0, tab), line.substr(tab + 1));
  }
  return out;
}

bool accepts(const SurfaceGrammar& grammar, std::string_view plan) {
  SurfaceGrammar::State state;
  return grammar.step(state, plan) && grammar.step(state, '\n');
}

TEST(SurfacePlan, ResolvesAsTheTrainingCodeDoes) {
  const auto examples = rows("surface_plans.tsv");
  ASSERT_GT(examples.size(), 25u);
  for (const auto& [surface, plan] : examples) {
    const auto resolved = resolve_surface_plan(surface, context());
    ASSERT_TRUE(resolved.is_ok()) << surface << ": " << resolved.status().to_string();
    EXPECT_EQ(format_plan(*resolved), plan) << surface;
  }
}

TEST(SurfaceGrammar, CanDoWithoutTimes) {
  using Times = SurfaceGrammar::Times;
  const std::string question = "errors since 10:15 until 11:00 today";
  for (const char* plan : {"count word:errors since:10:15", "count word:errors since:10:15 until:11:00", "digest in:today",
                           "count word:errors since:-1h", "compare word:errors in:today base:yesterday"}) {
    EXPECT_TRUE(accepts(SurfaceGrammar(question, {}), plan)) << plan;
    EXPECT_FALSE(accepts(SurfaceGrammar(question, {}, Times::kNone), plan)) << plan;
  }
  EXPECT_TRUE(accepts(SurfaceGrammar(question, {}, Times::kNone), "count word:errors limit:3"));
}

TEST(SurfacePlan, DamagedTextIsRefused) {
  for (const char* text : {"",
                           "seek",
                           "find ",
                           "find  id:a",
                           "find id:",
                           "find wish:a",
                           "find word:a id:b",
                           "find field:ip field:ip",
                           "find field:colour",
                           "find field:none",
                           "find since:soon",
                           "find since:25:00",
                           "find in:0-1",
                           "find source:missing.log",
                           "find id:\"a",
                           "find id:a|b",
                           "count limit:x",
                           "count limit:1234",
                           "find seq:-1",
                           "find in:2026-02-30",
                           "find pattern:9999999999",
                           "find order:relevance",
                           "find id:a\n"}) {
    EXPECT_FALSE(resolve_surface_plan(text, context()).is_ok()) << text;
  }
}

TEST(SurfaceTime, CountsInTheAskersZone) {
  EXPECT_EQ(read_point("09:00", {civil_us(2026, 11, 21, 13), 3600})->begin_us, civil_us(2026, 11, 21, 8));
  EXPECT_EQ(read_point("yesterday", {civil_us(2026, 11, 21, 13), 3600})->begin_us,
            civil_us(2026, 11, 19, 23));
  EXPECT_EQ(read_point("mon", {civil_us(2026, 11, 21, 13), -7200})->begin_us, civil_us(2026, 11, 16, 2));
}

TEST(SurfaceTime, PrefixesOfPointsAreKnown) {
  for (const std::string_view point : {"2026-11-20T09:05:59", "11-20", "yesterdayT23:59", "tueT00:00", "-90m",
                                       "-9999w", "now", "afternoon", "12:30:01"}) {
    for (std::size_t size = 0; size < point.size(); ++size)
      EXPECT_NE(match_point(point.substr(0, size)), PointMatch::kNone) << point.substr(0, size);
    EXPECT_EQ(match_point(point), PointMatch::kWhole) << point;
  }
  for (const std::string_view wrong :
       {"24:00", "12:60", "13-01", "00-10", "11-32", "1969-01-01", "-0h", "-5", "-5x", "nowT09:00", "todayT",
        "todayT9:00", "morningT09:00", "09", "x"}) {
    EXPECT_NE(match_point(wrong), PointMatch::kWhole) << wrong;
  }
}

TEST(SurfaceGrammar, AcceptsThePlansThatTheReaderIsTaught) {
  const auto taught = rows("asked_plans.tsv");
  ASSERT_GT(taught.size(), 200u);
  const std::vector<std::string> sources = {"shewes.out", "mukequait.log", "THI-tickets.csv"};
  for (const auto& [question, plan] : taught) {
    const SurfaceGrammar grammar(one_line(question), sources);
    EXPECT_TRUE(accepts(grammar, plan)) << question << "\n" << plan;
    SurfaceGrammar::State state;
    EXPECT_FALSE(grammar.step(state, plan) && grammar.step(state, "\n\n")) << plan;
    EXPECT_TRUE(resolve_surface_plan(plan, {context().time, sources}).is_ok()) << plan;
  }
}

TEST(SurfaceGrammar, CopiesAreWholeWordsOfTheQuestion) {
  const std::string question = "¿Qué hizo job-17 in auth.log, record 42 of \"disk full now\" since Füße?";
  const SurfaceGrammar grammar(question, context().sources);
  for (const char* plan :
       {"find id:job-17", "find id:17", "find word:Qué", "find word:Füße", "find phrase:\"disk full\"",
        "find seq:42 source:auth.log", "find word:hizo|job", "find id:auth.log since:-2h limit:12"}) {
    EXPECT_TRUE(accepts(grammar, plan)) << plan;
  }
  for (const char* plan : {"find id:job-1",
                           "find id:ob-17",
                           "find word:Hizo",
                           "find word:Fü",
                           "find word:error",
                           "find phrase:\"disk\"",
                           "find phrase:\"full disk\"",
                           "find seq:4",
                           "find seq:43",
                           "find seq:17x",
                           "find source:job-17",
                           "find source:auth",
                           "find word:hizo id:job-17",
                           "find field:ip field:ip",
                           "find limit:0",
                           "find limit:1000",
                           "find in:24:00",
                           "find id:",
                           "find  id:job-17",
                           "find id:job-17 ",
                           "find near:a|b",
                           "seek",
                           "find order:relevance",
                           "find id:\"job-17"}) {
    EXPECT_FALSE(accepts(grammar, plan)) << plan;
  }
}

TEST(SurfaceGrammar, DoesNotBeginWhatItCouldNotEnd) {
  const SurfaceGrammar grammar("how are you", {});
  for (const char* text : {"find source:", "find seq:", "find pattern:"}) {
    SurfaceGrammar::State state;
    EXPECT_FALSE(grammar.step(state, text)) << text;
  }
  SurfaceGrammar::State state;
  EXPECT_FALSE(SurfaceGrammar("", {}).step(state, "find id:"));
  SurfaceGrammar::State other;
  EXPECT_FALSE(SurfaceGrammar("one", {}).step(other, "find id:\"o"));
}

std::string random_question(std::mt19937& random) {
  static constexpr std::string_view kPieces[] = {
      "error ", "\"", "blk_-42 ", "|", "auth.log ", "b c.log", " 09:00 ", "\xc2\xbf", "f\xc3\xbc\xc3\x9f ",
      "\xff",   "12", "x",        " ", "?",         "a.b/c ",  ":"};
  std::string out;
  for (std::size_t n = random() % 9; n > 0; --n) out += kPieces[random() % std::size(kPieces)];
  return one_line(out);
}

TEST(SurfaceGrammar, EveryWalkComesToAnEndThatParses) {
  std::mt19937 random(5);
  std::size_t resolved = 0;
  for (int walk = 0; walk < 3000; ++walk) {
    const std::string question = random_question(random);
    const SurfaceGrammar grammar(question, context().sources);
    SurfaceGrammar::State state;
    std::string text;
    while (state.at != SurfaceGrammar::State::At::kDone) {
      std::string allowed;
      for (int byte = 0; byte < 256; ++byte) {
        SurfaceGrammar::State next = state;
        if (grammar.step(next, static_cast<char>(byte))) allowed += static_cast<char>(byte);
      }
      ASSERT_FALSE(allowed.empty()) << "stuck behind '" << text << "' of '" << question << "'";
      char byte = allowed[random() % allowed.size()];
      if (text.size() > 200 && allowed.find('\n') != allowed.npos) byte = '\n';
      ASSERT_TRUE(grammar.step(state, byte));
      text += byte;
      ASSERT_LT(text.size(), 1000u);
    }
    text.pop_back();
    const auto plan = resolve_surface_plan(text, context());
    resolved += plan.is_ok();
    // Only the calendar may still say no.
    const bool date =
        text.find("29") != text.npos || text.find("-30") != text.npos || text.find("-31") != text.npos;
    EXPECT_TRUE(plan.is_ok() || date) << text << ": " << plan.status().to_string();
    EXPECT_TRUE(!plan.is_ok() || parse_plan(format_plan(*plan)).is_ok()) << text;
  }
  EXPECT_GT(resolved, 2900u);
}

TEST(Prompt, MakesOneLine) {
  EXPECT_EQ(one_line("  how\tmany\n\n### plan find\r\n "), "how many ### plan find");
  EXPECT_EQ(one_line(""), "");
  EXPECT_EQ(plan_prompt("why?"), "\n### ask why?\n### plan ");
}

}  // namespace
}  // namespace silt::answer
