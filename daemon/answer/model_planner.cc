#include "daemon/answer/model_planner.h"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <string>

#include "daemon/answer/prompt.h"
#include "daemon/answer/surface_grammar.h"
#include "daemon/answer/surface_plan.h"
#include "daemon/answer/surface_repair.h"

namespace silt::answer {
namespace {

std::vector<std::string> listed(const model::Model& model, const std::string& key) {
  const auto found = model.weights().metadata().find(key);
  if (found == model.weights().metadata().end()) return {};
  std::istringstream words(found->second);
  return {std::istream_iterator<std::string>(words), {}};
}

}  // namespace

std::vector<PlanKind> planner_kinds(const model::Model& model) {
  std::vector<PlanKind> out;
  for (const std::string& name : listed(model, "planner_kinds")) {
    for (std::size_t i = 0; i < kPlanKinds; ++i) {
      if (kind_name(static_cast<PlanKind>(i)) == name) out.push_back(static_cast<PlanKind>(i));
    }
  }
  return out;
}

std::vector<Language> planner_languages(const model::Model& model) {
  std::vector<Language> out;
  for (const std::string& code : listed(model, "planner_languages")) {
    if (const auto language = language_of_code(code)) out.push_back(*language);
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
  const auto write = [&](SurfaceGrammar::Times times) {
    return writer_->write(plan_prompt(asked), SurfaceGrammar(asked, context.sources, times), cancelled);
  };
  SILT_ASSIGN(LineWriter::Line line, write(SurfaceGrammar::Times::kAny));
  if (reaches_back_by_itself(asked, line.text)) {
    SILT_ASSIGN(line, write(SurfaceGrammar::Times::kNone));
  }
  planned.surface = std::move(line.text);
  if (!line.ended) return planned;
  std::optional<std::string> whole = with_all_names(asked, planned.surface, context.sources);
  if (!whole) return planned;
  planned.surface = std::move(*whole);
  Result<QueryPlan> resolved = resolve_surface_plan(planned.surface, context);
  if (resolved.is_ok()) planned.plan = std::move(*resolved);
  return planned;
}

}  // namespace silt::answer
