// The model planner with a model that knows nothing: whatever it writes is a plan. And what it writes with.
#include "daemon/answer/model_planner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <fstream>

#include "daemon/answer/line_writer.h"
#include "daemon/answer/planning.h"
#include "daemon/answer/surface_plan.h"
#include "tests/answer/corpus.h"
#include "tests/model/tiny_model.h"
#include "tests/support/temp_dir.h"

namespace silt::answer {
namespace {

const std::atomic<bool> kNever{false};

std::shared_ptr<const model::Model> tiny_model(const std::string& kinds = {}, std::uint64_t seed = 1,
                                               const std::string& languages = {}) {
  testing::TempDir dir;
  model::WeightFileParts parts = model::tiny_model_parts(seed);
  if (!kinds.empty()) parts.metadata["planner_kinds"] = kinds;
  if (!languages.empty()) parts.metadata["planner_languages"] = languages;
  std::ofstream(dir.path("tiny"), std::ios::binary) << model::serialise(parts);
  return *model::Model::open(dir.path("tiny"));
}

std::unique_ptr<ModelPlanner> planner_of(std::shared_ptr<const model::Model> model, int threads = 1) {
  auto made = ModelPlanner::create(std::move(model), {"auto", threads});
  EXPECT_TRUE(made.is_ok());
  return std::move(*made);
}

PlannerContext context() {
  PlannerContext context;
  context.time.now_us = civil_us(2026, 11, 21, 13);
  context.sources = {"host:/var/log/auth.log"};
  return context;
}

TEST(ModelPlanner, WhateverANetWritesIsAPlanOrNone) {
  std::size_t plans = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const auto planner = planner_of(tiny_model({}, seed), 1);
    for (const char* question :
         {"How many errors in auth.log since 09:00?", "top 5 users", "explain record 12", "?",
          "Wie viele Füße \"sind das\"?", "between a and b"}) {
      const auto planned = planner->plan(question, context(), kNever);
      ASSERT_TRUE(planned.is_ok());
      if (!planned->plan) continue;
      ++plans;
      EXPECT_TRUE(parse_plan(format_plan(*planned->plan)).is_ok());
      EXPECT_EQ(*resolve_surface_plan(planned->surface, context()), *planned->plan);
    }
  }
  EXPECT_GT(plans, 4u);
}

// With the shipped weights, for a net that knows nothing names no times. "il y a" is French for "ago" before
// a number, and for "there are" otherwise.
TEST(ModelPlanner, NoPlanReachesBackByANumberThatNobodySaid) {
  auto opened = model::Model::open(SILT_SOURCE_DIR "/model/weights/silt-23m.safetensors");
  ASSERT_TRUE(opened.is_ok());
  const auto planner = planner_of(*opened);
  for (const char* question :
       {"Dis-moi combien de redémarrages il y a eu", "Dis-moi combien de connexions il y a eu"}) {
    const auto planned = planner->plan(question, context(), kNever);
    ASSERT_TRUE(planned.is_ok());
    EXPECT_EQ(planned->surface.find(":-"), std::string::npos) << question << ": " << planned->surface;
  }
  const auto said = planner->plan("How many errors were there in the last 3 hours?", context(), kNever);
  ASSERT_TRUE(said.is_ok());
  EXPECT_NE(said->surface.find("since:-3h"), std::string::npos) << said->surface;
  const auto meant = planner->plan("How many errors were there in the last hour?", context(), kNever);
  ASSERT_TRUE(meant.is_ok());
  EXPECT_NE(meant->surface.find("since:-1h"), std::string::npos) << meant->surface;
}

TEST(ModelPlanner, PlansLeaveOutNoName) {
  std::size_t plans = 0, left_out = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto planner = planner_of(tiny_model({}, seed));
    for (const char* name : {"10.1.2.3", "db-3", "\"disk full\""}) {
      const auto planned = planner->plan(name + std::string(" since 10:15"), context(), kNever);
      ASSERT_TRUE(planned.is_ok());
      std::string said(name);
      std::erase(said, '"');
      const bool has_it = planned->surface.find(said) != std::string::npos;
      plans += planned->plan.has_value();
      left_out += !has_it;
      EXPECT_TRUE(has_it || !planned->plan) << planned->surface;
    }
  }
  EXPECT_GT(plans, 0u);
  EXPECT_GT(left_out, 0u);
}

TEST(ModelPlanner, TheSameQuestionGivesTheSamePlan) {
  const auto one = planner_of(tiny_model(), 1);
  const auto two = planner_of(tiny_model(), 2);
  const std::string first = one->plan("How many errors today?", context(), kNever)->surface;
  ASSERT_TRUE(one->plan("something else in between", context(), kNever).is_ok());
  EXPECT_EQ(one->plan("How  many errors\ntoday?", context(), kNever)->surface, first);
  EXPECT_EQ(two->plan("How many errors today?", context(), kNever)->surface, first);
}

TEST(ModelPlanner, LeavesWhatIsNoQuestionAlone) {
  const auto planner = planner_of(tiny_model(), 1);
  for (const std::string& question : {std::string(), std::string(" \n"), std::string(4000, 'x')}) {
    const auto planned = planner->plan(question, context(), kNever);
    ASSERT_TRUE(planned.is_ok());
    EXPECT_FALSE(planned->plan);
    EXPECT_EQ(planned->surface, "");
  }
}

TEST(ModelPlanner, KindsAreThoseOfTheWeights) {
  EXPECT_TRUE(planner_kinds(*tiny_model()).empty());
  EXPECT_EQ(planner_kinds(*tiny_model("count wonder  top")), (std::vector{PlanKind::kCount, PlanKind::kTop}));
}

// Letters without end, of which the `cancel_at`th look sets `cancelled`.
struct Letters {
  struct State {};
  bool step(State&, char c) const {
    if (++*looks == cancel_at) *cancelled = true;
    return c >= 'a' && c <= 'z';
  }
  bool step(State& state, std::string_view text) const {
    return std::all_of(text.begin(), text.end(), [&](char c) { return step(state, c); });
  }
  std::int64_t* looks;
  std::int64_t cancel_at;
  std::atomic<bool>* cancelled;
};

TEST(LineWriter, EndsSoonWhenCancelled) {
  const auto made = LineWriter::create(tiny_model(), {"auto", 1});
  const auto& writer = *made;
  std::atomic<bool> cancelled{false};
  std::int64_t all = 0, looks = 0;
  const auto line = writer->write("abc", Letters{&all, -1, &cancelled}, cancelled);
  ASSERT_TRUE(line.is_ok());
  EXPECT_FALSE(line->ended);
  const auto ended = writer->write("abc", Letters{&looks, all / 10, &cancelled}, cancelled);
  EXPECT_EQ(ended.status().code(), Code::kCancelled);
  EXPECT_LT(looks, all / 5);
  EXPECT_EQ(planner_of(tiny_model())->plan("How many errors?", context(), cancelled).status().code(),
            Code::kCancelled);
}

// A random net comes to an end with some questions only.
std::string question_with_a_plan(const std::shared_ptr<const model::Model>& model,
                                 const std::string& begin = "How many errors ") {
  const auto planner = planner_of(model, 1);
  for (int n = 0; n < 50; ++n) {
    std::string question = begin + std::to_string(n) + "?";
    if (planner->plan(question, context(), kNever)->plan) return question;
  }
  ADD_FAILURE() << "no question of fifty came to a plan";
  return "?";
}

TEST(Planning, TheWeightsSayWhichKindsAreTheModels) {
  const std::string question = question_with_a_plan(tiny_model());
  const auto written = planner_of(tiny_model(), 1)->plan(question, context(), kNever);
  const std::string kind(kind_name(written->plan->kind));
  std::string others;
  for (std::size_t i = 0; i < kPlanKinds; ++i) {
    const std::string_view name = kind_name(static_cast<PlanKind>(i));
    if (name != kind) others.append(name).append(" ");
  }
  const QueryPlan by_rules = plan_question(question, context());
  const auto made = [&](std::shared_ptr<const model::Model> model, PathChoice choice) {
    auto planned = Planning(std::move(model), {"auto", 1}, choice).make(question, context(), kNever);
    EXPECT_TRUE(planned.is_ok());
    EXPECT_EQ(planned->plan, planned->planner == "model" ? *written->plan : by_rules);
    return std::string(planned->planner);
  };
  EXPECT_EQ(made(tiny_model(kind), PathChoice::kMeasured), "model");
  EXPECT_EQ(made(tiny_model(others), PathChoice::kMeasured), "rules");
  EXPECT_EQ(made(tiny_model(), PathChoice::kMeasured), "rules");
  EXPECT_EQ(made(tiny_model(kind), PathChoice::kRules), "rules");
  EXPECT_EQ(made(tiny_model(), PathChoice::kModel), "model");
  EXPECT_EQ(made(nullptr, PathChoice::kModel), "rules");
}

TEST(Planning, TheWeightsSayWhichLanguagesAreTheModels) {
  const auto asked = [](const std::string& question, const std::string& languages, PathChoice choice) {
    Planning planning(tiny_model({}, 1, languages), {"auto", 1}, choice);
    return std::string(planning.make(question, context(), kNever)->planner);
  };
  const std::string english = question_with_a_plan(tiny_model());
  const std::string german = question_with_a_plan(tiny_model(), "Wie viele Fehler gab es ");
  EXPECT_EQ(asked(german, "xx de", PathChoice::kMeasured), "model");
  EXPECT_EQ(asked(german, "fr", PathChoice::kMeasured), "rules");
  EXPECT_EQ(asked(german, "de", PathChoice::kRules), "rules");
  EXPECT_EQ(asked(english, "de fr es", PathChoice::kMeasured), "rules");
  EXPECT_EQ(asked(english, "en", PathChoice::kMeasured), "model");
}

TEST(Planning, AnswersSayWhoPlanned) {
  Corpus corpus;
  corpus.add("host:/var/log/auth.log",
             {"2026-11-21T09:00:00Z sshd: error one", "2026-11-21T09:00:01Z sshd: error two"});
  AnswerOptions options;
  options.rerank = false;
  const std::string question = question_with_a_plan(corpus.model());
  EXPECT_EQ(ask(*corpus.answerer(options), question).plan.planner(), "rules");
  options.planner = PathChoice::kModel;
  const Asked asked = ask(*corpus.answerer(options), question);
  EXPECT_TRUE(asked.status.is_ok()) << asked.status.to_string();
  EXPECT_EQ(asked.plan.planner(), "model");
  EXPECT_TRUE(parse_plan(asked.plan.text()).is_ok());
}

// With the shipped weights: a net that knows nothing hardly names what it seeks.
TEST(Planning, TheRulesTryWhereAPlanOfTheModelFindsNothing) {
  Corpus corpus(SILT_SOURCE_DIR "/model/weights/silt-23m.safetensors");
  corpus.add("host:/var/log/auth.log",
             {"2026-11-21T09:00:00Z sshd[1]: Failed password for root from 10.0.0.1",
              "2026-11-21T09:00:01Z sshd[1]: Accepted password for kelo from 10.0.0.2"});
  AnswerOptions options;
  options.rerank = false;
  options.planner = PathChoice::kModel;
  const auto by_model = corpus.answerer(options);
  options.planner = PathChoice::kRules;
  const auto by_rules = corpus.answerer(options);
  const std::string question = "Wie oft ist das Passwort für root fehlgeschlagen?";
  const auto written = planner_of(corpus.model())->plan(question, context(), kNever);
  ASSERT_TRUE(written.is_ok() && written->plan) << "the model does not plan it; take another question";
  const Asked again = ask(*by_model, question);
  EXPECT_EQ(again.plan.planner(), "rules") << again.plan.text();
  EXPECT_FALSE(again.evidence.empty());
  EXPECT_EQ(again.final.answer(), ask(*by_rules, question).final.answer());
  const Asked first = ask(*by_model, "Was wissen wir über 10.0.0.2?");
  EXPECT_EQ(first.plan.planner(), "model") << first.plan.text();
  // Neither finds anything: the answer is about the model's plan.
  const Asked neither = ask(*by_model, "Was wissen wir über 10.0.0.77?");
  EXPECT_EQ(neither.plan.planner(), "model") << neither.plan.text();
}

}  // namespace
}  // namespace silt::answer
