// Our own questions over our own logs (make_own.py, make_second.py), through all rooms: how many are answered
// rightly may only grow.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cmath>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

#include "daemon/answer/plan/planner.h"
#include "daemon/answer/query_text.h"
#include "daemon/answer/reply/compose.h"
#include "daemon/tools/lines_store.h"

namespace silt::answer {
namespace {

namespace json = boost::json;

struct Bar {
  const char* questions;
  int right_least;
  int wrong_most;
};

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

class Asked {
 public:
  reply::Judged ask(const std::string& file, const std::string& question) {
    const std::int64_t now_us = 1'796'000'000'000'000;  // November 2026
    auto& profile = profiles_[file];
    if (!profile) {
      profile = std::make_shared<search::Profile>();
      profile->name = file;
      profile->ref = lines_.add(file, read_file(std::string(SILT_SOURCE_DIR) + "/tests/answer/logs/" + file), now_us);
      EXPECT_TRUE(search::update_profile(lines_, lines_, *profile).is_ok());
    }
    plan::PlanContext context;
    context.time.now_us = now_us;
    context.scope = {profile};
    context.scoped = true;
    auto judged = reply::judge(lines_, context.scope, plan::make_plans(question, context), {});
    EXPECT_TRUE(judged.is_ok()) << question;
    return std::move(*judged);
  }

 private:
  LinesStore lines_;
  std::map<std::string, std::shared_ptr<search::Profile>> profiles_;
};

std::optional<double> first_number(const std::string& text) {
  std::smatch match;
  if (!std::regex_search(text, match, std::regex(R"(-?\d+(\.\d+)?)"))) return std::nullopt;
  return std::stod(match.str());
}

bool is_right(const json::object& truth, reply::Verdict verdict, const std::string& answer) {
  const std::string kind(truth.at("kind").as_string());
  const bool stated = verdict == reply::Verdict::kStated;
  if (kind == "none") return !stated;
  if (!stated) return false;
  if (kind == "number") {
    const auto found = first_number(answer);
    const double wanted = truth.at("value").to_number<double>();
    return found && std::abs(*found - wanted) <= std::max(0.006 * std::abs(wanted), 0.0051);
  }
  if (kind == "time") {
    const std::string time(truth.at("time").as_string());
    return answer.find(time.substr(time.find('T') + 1)) != std::string::npos;
  }
  std::size_t hits = 0;
  const json::array& values = truth.at("values").as_array();
  for (const json::value& value : values) hits += answer.find(value.as_string().c_str()) != std::string::npos;
  return truth.at("all").as_bool() ? hits == values.size() : hits > 0;
}

class OwnQuestions : public testing::TestWithParam<Bar> {};

TEST_P(OwnQuestions, AreMostlyAnsweredAndSeldomWrongly) {
  std::istringstream questions(read_file(std::string(SILT_SOURCE_DIR) + "/tests/answer/" + GetParam().questions));
  Asked asked;
  int right = 0, wrong = 0, all = 0;
  for (std::string line; std::getline(questions, line); ++all) {
    const json::object question = json::parse(line).as_object();
    const std::string text(question.at("question").as_string());
    const reply::Judged judged = asked.ask(std::string(question.at("files").as_array()[0].as_string()), text);
    const std::string answer = reply::compose(judged, 0, 8).text;
    const bool good = is_right(question.at("answer").as_object(), judged.verdict, answer);
    right += good;
    wrong += !good && judged.verdict == reply::Verdict::kStated;
    if (!good) std::printf("%s: %s\n", text.c_str(), answer.substr(0, 120).c_str());
  }
  std::printf("%d questions: %d right, %d wrong\n", all, right, wrong);
  EXPECT_GE(right, GetParam().right_least);
  EXPECT_LE(wrong, GetParam().wrong_most);
}

INSTANTIATE_TEST_SUITE_P(Sets, OwnQuestions, testing::Values(Bar{"questions.jsonl", 69, 1}, Bar{"questions-second.jsonl", 53, 4}));

TEST(Negation, ExcludesAValueOrIsSaidNotToBeUnderstood) {
  Asked asked;
  const reply::Judged excluded = asked.ask("proxy.log", "requests that did not get a 200, how many?");
  ASSERT_EQ(excluded.candidate.query.tests.size(), 1U);
  EXPECT_EQ(excluded.candidate.query.tests[0].compare, Compare::kIsNot);
  EXPECT_FALSE(excluded.candidate.negation_lost);
  const reply::Judged beside_a_verb = asked.ask("proxy.log", "how many requests did not return a 200?");
  ASSERT_EQ(beside_a_verb.candidate.query.tests.size(), 1U);
  EXPECT_EQ(beside_a_verb.candidate.query.tests[0].compare, Compare::kIsNot);
  EXPECT_FALSE(beside_a_verb.candidate.negation_lost);
  const reply::Judged named = asked.ask("proxy.log", "how many requests not from 198.51.100.6?");
  EXPECT_EQ(named.candidate.query.not_words, std::vector<std::string>{"198.51.100.6"});
  EXPECT_FALSE(named.candidate.negation_lost);
  const reply::Judged lost = asked.ask("proxy.log", "how many requests did not smell of the api backend?");
  EXPECT_TRUE(lost.candidate.negation_lost);
  EXPECT_NE(reply::compose(lost, 0, 8).text.find("\"not\""), std::string::npos);
}

TEST(ImpossibleTimes, AreNamedAndNothingIsSaidOfThem) {
  Asked asked;
  for (const std::string when : {"on february 30", "on the 31st of april", "on 2026-13-01", "after 25:99"}) {
    const reply::Judged judged = asked.ask("proxy.log", "how many requests failed " + when + "?");
    EXPECT_EQ(judged.verdict, reply::Verdict::kNothing) << when;
    EXPECT_NE(reply::compose(judged, 0, 8).text.find("There is no"), std::string::npos) << when;
  }
  EXPECT_TRUE(asked.ask("proxy.log", "how many requests failed on september 8?").candidate.impossible.empty());
}

}  // namespace
}  // namespace silt::answer
