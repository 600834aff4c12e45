// Planning: one question to one query plan, by the rules or by the model, whichever is measured to be
// better at that kind of plan or in that language. Safe from any thread.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/answer/model_planner.h"
#include "daemon/answer/question_language.h"
#include "daemon/answer/rule_planner.h"

namespace silt::answer {

// Who does what both rules and model can do.
enum class PathChoice {
  kMeasured,  // the model where its weights say that it was measured to be better
  kRules,
  kModel,  // the model wherever it comes to a result
};

class Planning {
 public:
  // `model` null: rules only.
  Planning(std::shared_ptr<const model::Model> model, model::BackendOptions backend, PathChoice choice);

  struct Planned {
    QueryPlan plan;
    std::string_view planner;  // "rules" or "model"
  };
  // `cancelled` becoming true ends it with kCancelled.
  Result<Planned> make(std::string_view question, const PlannerContext& context,
                       const std::atomic<bool>& cancelled);
  static Planned by_rules(std::string_view question, const PlannerContext& context);

 private:
  // Made when first needed: packing the weights costs memory.
  Result<ModelPlanner*> model_planner();

  std::shared_ptr<const model::Model> model_;
  model::BackendOptions backend_;
  PathChoice choice_;
  std::vector<PlanKind> kinds_;
  std::vector<Language> languages_;
  std::mutex mutex_;  // of model_planner_
  std::unique_ptr<ModelPlanner> model_planner_;
};

}  // namespace silt::answer
