#include "daemon/answer/model_planner.h"

#include <sstream>
#include <string>

#include "daemon/answer/prompt.h"
#include "daemon/answer/surface_grammar.h"
#include "daemon/answer/surface_plan.h"

namespace silt::daemon {
namespace {

constexpr int kPlanTokensMax = 128;

}  // namespace

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
  std::unique_ptr<ModelPlanner> planner(new ModelPlanner());
  SILT_ASSIGN(planner->reader_, model::Reader::create(model, backend));
  planner->tokens_.emplace(model->tokenizer());
  planner->model_ = std::move(model);
  return planner;
}

Result<ModelPlanner::Planned> ModelPlanner::plan(std::string_view question, const PlannerContext& context) {
  Planned planned;
  const std::string asked = one_line(question);
  if (asked.empty() || asked.size() > kModelQuestionBytesMax) return planned;
  const model::Tokenizer& tokenizer = model_->tokenizer();
  std::vector<model::Token> prompt;
  tokenizer.encode(plan_prompt(asked), prompt);
  const SurfaceGrammar surface(asked, context.sources);
  model::GenerateOptions options;
  options.tokens_max = kPlanTokensMax;
  options.grammar = TokenGrammar(surface, *tokens_);
  options.on_token = [&](model::Token token) { return !tokenizer.piece(token).ends_with('\n'); };
  const std::scoped_lock lock(mutex_);
  SILT_ASSIGN(const std::vector<model::Token> written, reader_->generate(nullptr, prompt, options));
  planned.surface = tokenizer.decode(written);
  if (!planned.surface.ends_with('\n')) return planned;
  planned.surface.pop_back();
  Result<QueryPlan> resolved = resolve_surface_plan(planned.surface, context);
  if (resolved.is_ok()) planned.plan = std::move(*resolved);
  return planned;
}

}  // namespace silt::daemon
