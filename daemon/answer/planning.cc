#include "daemon/answer/planning.h"

#include <algorithm>
#include <utility>

namespace silt::answer {
namespace {

template <class T>
bool holds(const std::vector<T>& listed, T value) {
  return std::find(listed.begin(), listed.end(), value) != listed.end();
}

}  // namespace

Planning::Planning(std::shared_ptr<const model::Model> model, model::BackendOptions backend,
                   PathChoice choice)
    : model_(std::move(model)), backend_(std::move(backend)), choice_(choice) {
  if (!model_) return;
  kinds_ = planner_kinds(*model_);
  languages_ = planner_languages(*model_);
}

Result<ModelPlanner*> Planning::model_planner() {
  const std::scoped_lock lock(mutex_);
  if (!model_planner_) {
    SILT_ASSIGN(model_planner_, ModelPlanner::create(model_, backend_));
  }
  return model_planner_.get();
}

Result<Planning::Planned> Planning::make(std::string_view question, const PlannerContext& context,
                                         const std::atomic<bool>& cancelled) {
  // Whatever kind of plan the model makes of the question is taken.
  const bool any_kind = choice_ == PathChoice::kModel || holds(languages_, question_language(question));
  if (model_ && choice_ != PathChoice::kRules && (any_kind || !kinds_.empty())) {
    SILT_ASSIGN(ModelPlanner * planner, model_planner());
    SILT_ASSIGN(ModelPlanner::Planned written, planner->plan(question, context, cancelled));
    if (written.plan && (any_kind || holds(kinds_, written.plan->kind)))
      return Planned{std::move(*written.plan), "model"};
  }
  return by_rules(question, context);
}

Planning::Planned Planning::by_rules(std::string_view question, const PlannerContext& context) {
  return {plan_question(question, context), "rules"};
}

}  // namespace silt::answer
