#include "daemon/answer/model_planner.h"

#include <sstream>
#include <string>

#include "daemon/answer/prompt.h"
#include "daemon/answer/surface_grammar.h"
#include "daemon/answer/surface_plan.h"

namespace silt::daemon {

std::vector<PlanKind> planner_kinds(const model::Model& model) {
  std::vector<PlanKind> out;
  const auto found = model.weights().metadata().find("planner_kinds");
  if (found == model.weights().metadata().end()) return out;
  std::istringstream listed(found->second);
  for (std::string name; listed >> name;) {
    for (std::size_t i = 0; i < kPlanKinds; ++i) {
      if (kind_name(static_cast<PlanKind>(i)) == name) out.push_back(static_cast<PlanKind>(i));
    }
  }
  return out;
}

Result<std::unique_ptr<ModelPlanner>> ModelPlanner::create(std::shared_ptr<const model::Model> model,
                                                           const model::BackendOptions& backend) {
  SILT_ASSIGN(auto writer, LineWriter::create(std::move(model), backend));
  return std::unique_ptr<ModelPlanner>(new ModelPlanner(std::move(writer)));
}

Result<ModelPlanner::Planned> ModelPlanner::plan(std::string_view question, const PlannerContext& context,
                                                 const std::atomic<bool>& cancelled) {
  Planned planned;
  const std::string asked = one_line(question);
  if (asked.empty() || asked.size() > kModelQuestionBytesMax) return planned;
  const SurfaceGrammar surface(asked, context.sources);
  SILT_ASSIGN(LineWriter::Line line, writer_->write(plan_prompt(asked), surface, cancelled));
  planned.surface = std::move(line.text);
  if (!line.ended) return planned;
  Result<QueryPlan> resolved = resolve_surface_plan(planned.surface, context);
  if (resolved.is_ok()) planned.plan = std::move(*resolved);
  return planned;
}

}  // namespace silt::daemon
