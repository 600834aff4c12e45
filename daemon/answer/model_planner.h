// ModelPlanner: questions to query plans by the reader, held to the grammar of surface plans.
//
// The same weights and question give the same plan, whatever was learned (line_writer.h). What the reader
// writes is resolved by code (surface_plan.h), so a plan holds only words of the question, known sources and
// real times. What it forgets of the question or makes up is put right where that is certain: a lost address
// is put back, a time that nobody said makes it write again without times; else it is no plan
// (surface_repair.h). Safe from any thread; calls take turns.
//
// Whether it may be used is measured: the weight file's metadata lists, apart by blanks, what it plans better
// than the rules do: `planner_kinds` kinds of plans (silt-plan-eval prints them), `planner_languages` codes
// of languages, whose questions it plans whatever their kind. Weights without these entries plan nothing.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "daemon/answer/line_writer.h"
#include "daemon/answer/plan.h"
#include "daemon/answer/question_language.h"
#include "daemon/answer/rule_planner.h"
#include "model/model.h"

namespace silt::answer {

// Longer ones are left to the rules: they are not questions as the reader was taught.
inline constexpr std::size_t kModelQuestionBytesMax = 512;

// What the metadata entries list; unknown words are ignored.
std::vector<PlanKind> planner_kinds(const model::Model& model);
std::vector<Language> planner_languages(const model::Model& model);

class ModelPlanner {
 public:
  static Result<std::unique_ptr<ModelPlanner>> create(std::shared_ptr<const model::Model> model,
                                                      const model::BackendOptions& backend);

  struct Planned {
    std::string surface;            // what the reader wrote, with a lost name put back; no newline
    std::optional<QueryPlan> plan;  // none when it came to no end, lost more than that or does not resolve
  };
  // `cancelled` becoming true ends it with kCancelled.
  Result<Planned> plan(std::string_view question, const PlannerContext& context,
                       const std::atomic<bool>& cancelled);

 private:
  explicit ModelPlanner(std::unique_ptr<LineWriter> writer) : writer_(std::move(writer)) {}

  std::unique_ptr<LineWriter> writer_;
};

}  // namespace silt::answer
