// silt-plan-eval: how often planners make exactly the expected query plan.
//
//   silt-plan-eval --plans FILE [--weights FILE] [--print wrong|all] [--limit N]
//
// FILE "builtin": the questions that the rules were written for (planned_questions.h), where the rules make
// no error. Else each line of the file is {"question", "answer", "plan", "now_us", "sources", "form"}, as
// `python3 -m skills.evaluation` writes them. Prints for the rules, and with --weights for the model, per
// kind: exact = the same plan (but for synonyms, the order of terms and a microsecond at a range's end),
// select = the same records (everything but what to take from them and how many), kind = the same kind. Then
// the kinds where the model is better when it says that kind: what the weights' `planner_kinds` should list.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "daemon/answer/model_planner.h"
#include "daemon/answer/prompt.h"
#include "daemon/answer/surface_grammar.h"
#include "daemon/answer/surface_plan.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "tests/answer/planned_questions.h"

namespace silt::answer {
namespace {

struct Item {
  std::string question, form, surface;  // surface: empty, or what the reader should write
  QueryPlan expected;
  PlannerContext context;
};

struct Options {
  std::string plans, weights, print, limit;
};

struct Score {
  std::size_t asked = 0, exact = 0, select = 0, kind = 0;
};

bool load_builtin(std::vector<Item>& out) {
  for (const PlannedQuestion& planned : kPlannedQuestions) {
    Item item;
    item.question = planned.question;
    item.form = "operations";
    item.expected = *parse_plan(planned.plan);
    item.context.time.now_us = civil_us(2026, 11, 21, 13);
    item.context.sources = {"host:/var/log/auth.log", "host:/var/log/nginx/access.log"};
    out.push_back(std::move(item));
  }
  return true;
}

bool load(const Options& options, std::vector<Item>& out) {
  if (options.plans == "builtin") return load_builtin(out);
  std::ifstream file(options.plans);
  const std::size_t limit = options.limit.empty() ? SIZE_MAX : std::stoul(options.limit);
  for (std::string line; out.size() < limit && std::getline(file, line);) {
    google::protobuf::Struct object;
    if (!google::protobuf::util::JsonStringToMessage(line, &object).ok()) return false;
    const auto& fields = object.fields();
    Item item;
    item.question = fields.at("question").string_value();
    item.form = fields.at("form").string_value();
    item.surface = fields.at("answer").string_value();
    item.context.time.now_us = static_cast<std::int64_t>(fields.at("now_us").number_value());
    for (const auto& name : fields.at("sources").list_value().values())
      item.context.sources.push_back(name.string_value());
    const auto plan = parse_plan(fields.at("plan").string_value());
    if (!plan.is_ok()) {
      std::fprintf(stderr, "silt-plan-eval: %s\n", plan.status().to_string().c_str());
      return false;
    }
    item.expected = *plan;
    out.push_back(std::move(item));
  }
  return !out.empty();
}

bool less(const PlanTerm& a, const PlanTerm& b) {
  return std::tie(a.text, a.stemmed, a.alternatives) < std::tie(b.text, b.stemmed, b.alternatives);
}

// Without what does not count.
QueryPlan plain(QueryPlan plan) {
  for (auto* terms : {&plan.required, &plan.optional, &plan.end_terms}) {
    for (PlanTerm& term : *terms) term.synonyms.clear();
    std::sort(terms->begin(), terms->end(), less);
  }
  for (TimeRange* range : {&plan.time, &plan.baseline}) {
    if (range->last_us != TimeRange::kMax) range->last_us += range->last_us % 2;  // ...999999 and ...000000
  }
  return plan;
}

void score(const QueryPlan& expected, const QueryPlan* made, Score& out) {
  ++out.asked;
  if (made == nullptr) return;
  QueryPlan a = plain(expected), b = plain(*made);
  out.kind += a.kind == b.kind;
  out.exact += a == b;
  for (QueryPlan* plan : {&a, &b}) {
    plan->slot = Slot::kNone;
    plan->near.clear();
    plan->limit = 0;
    plan->order = Order::kRelevance;
  }
  out.select += a == b;
}

void print(const char* planner, const std::map<std::string, Score>& scores) {
  std::printf("%s\n", planner);
  for (const auto& [name, s] : scores) {
    const double n = double(s.asked);
    std::printf("  %-12s n=%4zu exact=%.3f select=%.3f kind=%.3f\n", name.c_str(), s.asked,
                double(s.exact) / n, double(s.select) / n, double(s.kind) / n);
  }
}

// Surface plans that the grammar refuses, or that resolve to something else than the list says.
std::size_t count_disagreements(const std::vector<Item>& items) {
  std::size_t out = 0;
  for (const Item& item : items) {
    if (item.surface.empty()) continue;
    const SurfaceGrammar grammar(one_line(item.question), item.context.sources);
    SurfaceGrammar::State state;
    const auto resolved = resolve_surface_plan(item.surface, item.context);
    if (grammar.step(state, item.surface) && resolved.is_ok() && *resolved == item.expected) continue;
    ++out;
    std::printf("disagreement: %s\n  %s\n  %s\n", item.question.c_str(), item.surface.c_str(),
                resolved.is_ok() ? format_plan(*resolved).c_str() : resolved.status().to_string().c_str());
  }
  return out;
}

void print_better(const std::map<std::string, Score>& rules, const std::map<std::string, Score>& model) {
  std::printf("better as the model says the kind:");
  for (const auto& [name, s] : model) {
    if (s.exact > rules.at(name).exact) std::printf(" %s", name.c_str());
  }
  std::printf("\n");
}

int run(const Options& options) {
  std::vector<Item> items;
  if (!load(options, items)) {
    std::fprintf(stderr, "silt-plan-eval: %s holds no plans that can be read\n", options.plans.c_str());
    return 1;
  }
  std::printf("%zu plans, %zu disagreements with the training code\n", items.size(),
              count_disagreements(items));
  std::unique_ptr<ModelPlanner> planner;
  if (!options.weights.empty()) {
    auto model = model::Model::open(options.weights);
    if (model.is_ok()) {
      auto made = ModelPlanner::create(*model, {"auto", 1});
      if (made.is_ok()) planner = std::move(*made);
    }
    if (!planner) {
      std::fprintf(stderr, "silt-plan-eval: cannot use %s\n", options.weights.c_str());
      return 1;
    }
  }
  const SystemClock clock;
  std::map<std::string, Score> rules, model, rules_as_said, model_as_said;
  std::int64_t model_us = 0;
  const std::atomic<bool> never{false};
  for (const Item& item : items) {
    const std::string kind(kind_name(item.expected.kind));
    const std::string group = item.form.starts_with("operations") ? "(operators)" : "(machines)";
    const QueryPlan by_rules = plan_question(item.question, item.context);
    for (const std::string& name : {kind, group, std::string("(all)")})
      score(item.expected, &by_rules, rules[name]);
    ModelPlanner::Planned planned;
    if (planner) {
      const std::int64_t started = clock.monotonic_us();
      auto made = planner->plan(item.question, item.context, never);
      model_us += clock.monotonic_us() - started;
      if (made.is_ok()) planned = std::move(*made);
      const QueryPlan* by_model = planned.plan ? &*planned.plan : nullptr;
      for (const std::string& name : {kind, group, std::string("(all)")})
        score(item.expected, by_model, model[name]);
      if (by_model != nullptr) {
        const std::string said(kind_name(by_model->kind));
        score(item.expected, by_model, model_as_said[said]);
        score(item.expected, &by_rules, rules_as_said[said]);
      }
    }
    const QueryPlan* shown = planner ? (planned.plan ? &*planned.plan : nullptr) : &by_rules;
    const bool right = shown != nullptr && plain(*shown) == plain(item.expected);
    if (options.print == "all" || (options.print == "wrong" && !right)) {
      std::printf("%s %s\n  want %s\n  got  %s\n", right ? "ok" : "--", item.question.c_str(),
                  format_plan(item.expected).c_str(),
                  shown ? format_plan(*shown).c_str() : planned.surface.c_str());
    }
  }
  print("rules", rules);
  if (planner) {
    print("model", model);
    print("rules, by the kind that the model says", rules_as_said);
    print("model, by the kind that it says", model_as_said);
    print_better(rules_as_said, model_as_said);
    std::printf("model: %.1f ms a plan\n", double(model_us) / 1e3 / double(items.size()));
  }
  return 0;
}

}  // namespace
}  // namespace silt::answer

int main(int argc, char** argv) {
  silt::daemon::Options options;
  const std::map<std::string, std::string*> known = {{"--plans", &options.plans},
                                                     {"--weights", &options.weights},
                                                     {"--print", &options.print},
                                                     {"--limit", &options.limit}};
  for (int i = 1; i + 1 < argc; i += 2) {
    const auto found = known.find(argv[i]);
    if (found != known.end()) *found->second = argv[i + 1];
  }
  if (options.plans.empty()) {
    std::fprintf(stderr,
                 "usage: silt-plan-eval --plans FILE [--weights FILE] [--print wrong|all] [--limit N]\n");
    return 2;
  }
  return silt::daemon::run(options);
}
