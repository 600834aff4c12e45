#include "daemon/answer/planning.h"

#include <algorithm>
#include <utility>

namespace silt::daemon {

Planning::Planning(std::shared_ptr<const model::Model> model, model::BackendOptions backend,
                   PathChoice choice)
    : model_(std::move(model)), backend_(std::move(backend)), choice_(choice) {
  if (model_) kinds_ = planner_kinds(*model_);
}

bool Planning::trusts_model(PlanKind kind) const {
  return choice_ == PathChoice::kModel || std::find(kinds_.begin(), kinds_.end(), kind) != kinds_.end();
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
  const bool ask_model =
      model_ && choice_ != PathChoice::kRules && (choice_ == PathChoice::kModel || !kinds_.empty());
  if (ask_model) {
    SILT_ASSIGN(ModelPlanner * planner, model_planner());
    SILT_ASSIGN(ModelPlanner::Planned written, planner->plan(question, context, cancelled));
    if (written.plan && trusts_model(written.plan->kind)) return Planned{std::move(*written.plan), "model"};
  }
  return Planned{plan_question(question, context), "rules"};
}

}  // namespace silt::daemon
