// The rooms one by one: query texts, readings of questions, times, quantities, slots.
#include <gtest/gtest.h>

#include <random>

#include "daemon/answer/language/reading.h"
#include "daemon/answer/language/words.h"
#include "daemon/answer/query_text.h"
#include "daemon/answer/search/anatomy.h"
#include "daemon/answer/search/execute.h"
#include "daemon/answer/search/quantity.h"
#include "daemon/fold/timestamp.h"

namespace silt::answer {
namespace {

std::string random_text(std::mt19937& random) {
  static constexpr std::string_view kBytes = "abcXYZ019 _-.:|\"\\/<>=%\t";
  std::string out;
  for (std::size_t n = 1 + random() % 8; n > 0; --n) out += kBytes[random() % kBytes.size()];
  return out;
}

std::string random_name(std::mt19937& random) {
  static constexpr std::array<std::string_view, 5> kNames = {"rhost", "from:ip", "storypoint", "took:dur", "#3:id"};
  return std::string(kNames[random() % kNames.size()]);
}

Query random_query(std::mt19937& random) {
  Query query;
  query.op = static_cast<Op>(random() % kOpNames.size());
  for (std::size_t n = random() % 3; n > 0; --n) query.words.push_back({random_text(random), random_text(random)});
  for (std::size_t n = random() % 3; n > 0; --n) query.not_words.push_back(random_text(random));
  for (std::size_t n = random() % 3; n > 0; --n) query.sources.push_back(random_text(random));
  if (random() % 2) query.tests.push_back({random_name(random), Compare::kIs, {random_text(random), ""}, 0, ""});
  if (random() % 2) query.tests.push_back({random_name(random), Compare::kMore, {}, 0.25 * double(random() % 1000), "ms"});
  if (random() % 2) query.operand = random_name(random);
  if (random() % 2) query.group = "hour";
  if (random() % 2) query.window.since_us = 1'700'000'000'123'456;
  if (random() % 2) query.window.until_us = 1'700'000'900'000'000;
  if (random() % 2) query.window.day_from_s = 22 * 3600, query.window.day_to_s = 6 * 3600;
  if (random() % 2) query.other_window.since_us = 1'600'000'000'000'000;
  if (random() % 2) query.from_words = {{random_text(random), random_text(random)}}, query.to_words = {{random_text(random)}};
  if (random() % 2) query.versus = {random_text(random), random_text(random)};
  if (random() % 2) query.number = double(random() % 100);
  if (random() % 2) query.limit = random() % 100;
  if (random() % 2) query.patterns = {7, 12};
  return query;
}

TEST(QueryText, ReadsBackAsItWasPrinted) {
  std::mt19937 random(7);
  for (int i = 0; i < 3000; ++i) {
    const Query query = random_query(random);
    const std::string text = print_query(query);
    const auto back = parse_query(text);
    ASSERT_TRUE(back.is_ok()) << text << "\n" << back.status().to_string();
    ASSERT_EQ(print_query(*back), text);
    ASSERT_TRUE(*back == query) << text;
  }
}

TEST(QueryText, SaysWhatItDoesNotUnderstand) {
  EXPECT_NE(parse_query("drop tables").status().message().find("'drop'"), std::string::npos);
  EXPECT_NE(parse_query("count color:red").status().message().find("color:red"), std::string::npos);
  EXPECT_NE(parse_query("count limit:x").status().message().find("limit:x"), std::string::npos);
  EXPECT_FALSE(parse_query("").is_ok());
}

TEST(QueryText, ReadsTestsOfSlotsWhoseNamesHaveAKind) {
  const Query number = parse_query("count took:num>100 from:ip=10.0.0.1").value();
  ASSERT_EQ(number.tests.size(), 2U);
  EXPECT_EQ(number.tests[0].slot, "took:num");
  EXPECT_EQ(number.tests[0].number, 100);
  EXPECT_EQ(number.tests[1].slot, "from:ip");
  EXPECT_TRUE(number.from_words.empty());
  EXPECT_EQ(parse_query("count if:took:num>100").value().tests[0].slot, "took:num");
  EXPECT_EQ(parse_query("count words:id=5").value().words[0][0], "id=5");
}

TEST(QueryText, ReadsTimesThatCountFromNow) {
  constexpr std::int64_t kSecond = 1'000'000, kNow = 1'796'031'000'000'000;  // 2026-11-30 09:30 UTC
  const auto since = [&](std::string_view text) {
    return (kNow - parse_query("count since:" + std::string(text), {kNow, 3600}).value().window.since_us) / kSecond;
  };
  EXPECT_EQ(since("2h"), 2 * 3600);
  EXPECT_EQ(since("15m"), 15 * 60);
  EXPECT_EQ(since("3d"), 3 * 86400);
  EXPECT_EQ(since("09:30"), 3600);  // an hour east of UTC it is 10:30
  EXPECT_EQ(since("11:00"), 23 * 3600 + 1800);
  EXPECT_EQ(since("today"), 10 * 3600 + 1800);
  EXPECT_EQ(since("2026-11-30T09:00:00Z"), 1800);
  EXPECT_NE(parse_query("count since:soon", {kNow, 0}).status().message().find("2h"), std::string::npos);
  EXPECT_FALSE(parse_query("count since:2h").is_ok());  // from when?
}

TEST(Words, KnowsBordersAndPhrases) {
  EXPECT_TRUE(language::has_word("NameSystem.allocateBlock: x", "allocate"));
  EXPECT_TRUE(language::has_word("action.SCREEN_ON", "screen on"));
  EXPECT_TRUE(language::has_word("is not responding", "not responding"));
  EXPECT_FALSE(language::has_word("the screen is switched on", "screen on"));
  EXPECT_FALSE(language::has_word("sudo: x", "su"));
  EXPECT_EQ(language::edits("avrage", "average", 2), 1);
  EXPECT_EQ(language::edits("expierd", "expired", 2), 1);
  EXPECT_EQ(language::stem("losing"), language::stem("lost"));
  EXPECT_NE(language::stem("broken"), language::stem("break"));
}

TEST(Quantities, HaveUnits) {
  const auto duration = search::read_quantity("137.768472ms trailing");
  ASSERT_TRUE(duration);
  EXPECT_DOUBLE_EQ(duration->value, 137.768472);
  EXPECT_EQ(duration->unit, "ms");
  EXPECT_NEAR(duration->base, 0.137768472, 1e-12);
  EXPECT_DOUBLE_EQ(search::read_quantity("02:02:11", true)->value, 7331);
  EXPECT_DOUBLE_EQ(search::read_quantity("1,234 bytes")->value, 1234);
  EXPECT_EQ(search::read_quantity("95 %")->measure, search::Measure::kShare);
  EXPECT_FALSE(search::read_quantity("none"));
  EXPECT_DOUBLE_EQ(search::read_quantity("1e-05 seq")->value, 1e-5);
  EXPECT_DOUBLE_EQ(search::read_quantity("1.5E+3ms")->base, 1.5);
  EXPECT_DOUBLE_EQ(search::read_quantity("3e2 ms")->base, 0.3);
  EXPECT_DOUBLE_EQ(search::read_quantity("12e45abc")->value, 12);
  EXPECT_DOUBLE_EQ(search::read_quantity("7 errors")->value, 7);
  EXPECT_DOUBLE_EQ(search::read_quantity("9e")->value, 9);
}

language::Reading read(std::string_view question) {
  language::TimeContext context;
  context.first_us = fold::days_from_civil(2015, 5, 17) * 86'400'000'000;
  context.last_us = context.first_us + 3 * 86'400'000'000 + 1;
  context.now_us = fold::days_from_civil(2026, 11, 30) * 86'400'000'000 + 3'600'000'000;
  return language::read_question(question, context);
}

TEST(Readings, FindTheOperation) {
  const std::vector<std::pair<std::string_view, Op>> cases = {
      {"how many mails bounced?", Op::kCount},      {"nr of timeouts", Op::kCount},
      {"restarts?", Op::kCount},                    {"whats the longest stretch of silence", Op::kGap},
      {"avarage response time pls", Op::kAverage},  {"which host fails most often", Op::kTop},
      {"when did it first crash", Op::kFirst},      {"slowest query?", Op::kMax},
      {"anything unusual?", Op::kNew},              {"why did the disk fail", Op::kExplain},
      {"requests per minute", Op::kRate},           {"wie viele fehler gab es?", Op::kCount},
      {"combien de connexions ?", Op::kCount},      {"cu\xc3\xa1ntos errores hubo", Op::kCount},
      {"any exceptions?", Op::kExists},             {"from how many different hosts", Op::kDistinct}};
  for (const auto& [question, op] : cases) EXPECT_EQ(read(question).op(), op) << question;
}

TEST(Readings, TakeNoOtherWordForASlip) {
  const language::TimeContext context{1'796'000'000'000'000, 0, 0, 0};
  EXPECT_NE(language::read_question("tasks lost?", context).op(), Op::kLast);
  EXPECT_NE(language::read_question("which machine got a lease?", context).op(), Op::kBottom);
  EXPECT_EQ(language::read_question("how meny errors", context).op(), Op::kCount);
  EXPECT_EQ(language::read_question("avarage time in ms", context).op(), Op::kAverage);
  const language::Reading most = language::read_question("who is the caller with the most failed calls?", context);
  ASSERT_EQ(most.operand.size(), 1U);
  EXPECT_EQ(most.words[most.operand[0]].text, "caller");
  const language::Reading warmer = language::read_question("how often was it warmer than 40 degrees?", context);
  ASSERT_EQ(warmer.bounds.size(), 1U);
  EXPECT_EQ(warmer.bounds[0].compare, Compare::kMore);
  EXPECT_EQ(warmer.bounds[0].number, 40);
}

TEST(Readings, UnderstandSpokenClocksAndNights) {
  const std::int64_t noon_us = 1'782'000'000'000'000 / 86'400'000'000 * 86'400'000'000 + 43'200'000'000;
  const language::TimeContext night{noon_us + 1, 0, noon_us - 64'800'000'000, noon_us};  // from 18:00 of the day before
  const auto window = [&](std::string_view question) { return language::intersect(language::read_question(question, night).windows); };
  EXPECT_EQ(window("errors after midnight").since_us, noon_us - 43'200'000'000);
  const Window spoken = window("what happened around ten to nine in the evening?");
  EXPECT_LE(spoken.day_from_s, (20 * 60 + 50) * 60);
  EXPECT_GT(spoken.day_to_s, (20 * 60 + 50) * 60);
  EXPECT_LT(spoken.day_to_s - spoken.day_from_s, 3600);
  const Window hours = window("errors between 8 and 12 o'clock");
  EXPECT_EQ(hours.day_from_s, 8 * 3600);
  EXPECT_EQ(window("errors between 9 and 10 pm").day_from_s, 21 * 3600);
}

TEST(Readings, KeepWhatWasSaidOfValuesBoundsAndNegation) {
  const auto values = read("what happened to blk_-3102267849859399193 on 10.0.0.1?");
  EXPECT_EQ(values.values, (std::vector<std::string>{"blk_-3102267849859399193", "10.0.0.1"}));
  const auto bound = read("requests slower than 100 ms?");
  ASSERT_EQ(bound.bounds.size(), 1U);
  EXPECT_EQ(bound.bounds[0].number, 100);
  EXPECT_EQ(bound.bounds[0].unit, "ms");
  EXPECT_EQ(read("failed passwords not for root").not_words, std::vector<std::string>{"root"});
  EXPECT_EQ(read("leaking sockets").op(), Op::kCount);  // no slip of "leading"
}

TEST(Readings, NameTimesThatThereAreNot) {
  EXPECT_EQ(read("errors on 30 february").impossible, std::vector<std::string>{"30 february"});
  EXPECT_EQ(read("errors on february 29 2025").impossible.size(), 1U);
  EXPECT_TRUE(read("errors on february 29 2024").impossible.empty());
  EXPECT_EQ(read("logins since 25:99").impossible, std::vector<std::string>{"25:99"});
  EXPECT_TRUE(read("is maxstartups set to 10:30:60 there?").impossible.empty());
  EXPECT_EQ(read("errors on 31.4.2026").impossible.size(), 1U);
}

TEST(Readings, CompleteTimesFromTheSource) {
  const std::int64_t day = 86'400'000'000;
  const auto monday = read("errors on Monday");
  ASSERT_EQ(monday.windows.size(), 1U);
  EXPECT_EQ(monday.windows[0].since_us, fold::days_from_civil(2015, 5, 18) * day);
  const auto year_less = read("errors on may 19th in the morning");
  ASSERT_EQ(year_less.windows.size(), 1U);
  EXPECT_EQ(year_less.windows[0].since_us, fold::days_from_civil(2015, 5, 19) * day + 5 * 3'600'000'000);
  const auto clock = read("errors between 9:10 and 9:20");
  ASSERT_EQ(clock.windows.size(), 1U);
  EXPECT_EQ(clock.windows[0].day_from_s, 9 * 3600 + 600);
  EXPECT_EQ(clock.windows[0].day_to_s, 9 * 3600 + 1200);
  const auto yesterday = read("errors yesterday");
  EXPECT_EQ(yesterday.windows[0].since_us, fold::days_from_civil(2026, 11, 29) * day);
}

TEST(Slots, AreNamedByKeyOrTheWordBefore) {
  search::Anatomist anatomist;
  const search::Layout lines;
  const std::string text = "Dec 10 07:13:43 LabSZ sshd[24227]: Failed password for root from 5.36.59.76 port 42393 ssh2";
  std::map<std::string, std::string> found;
  for (const search::Slot& slot : anatomist.slots_of(text, lines)) found.emplace(search::slot_key(slot, text), search::slot_value(slot, text));
  EXPECT_EQ(found["host"], "LabSZ");
  EXPECT_EQ(found["program"], "sshd");
  EXPECT_EQ(found["user"], "root");
  EXPECT_EQ(found["ip"], "5.36.59.76");
  EXPECT_EQ(found["port:num"], "42393");
  const search::Layout table = search::find_layout({"key,title,points", "A-1,\"Fix it, now\",5"});
  EXPECT_EQ(table.kind, search::Layout::Kind::kCsv);
  const std::string row = "A-1,\"Fix it, now\",5";
  found.clear();
  for (const search::Slot& slot : anatomist.slots_of(row, table)) found.emplace(search::slot_key(slot, row), search::slot_value(slot, row));
  EXPECT_EQ(found["title"], "Fix it, now");
  EXPECT_EQ(found["points"], "5");
}

}  // namespace
}  // namespace silt::answer
