#include "daemon/answer/model_planner.h"

#include <algorithm>
#include <sstream>
#include <string>

#include "daemon/answer/prompt.h"
#include "daemon/answer/surface_grammar.h"
#include "daemon/answer/surface_plan.h"

namespace silt::daemon {
namespace {

constexpr int kPlanTokensMax = 128;

// Follows the tokens that were chosen and marks those that may come next.
class TokenGrammar {
 public:
  TokenGrammar(const SurfaceGrammar& grammar, const model::Tokenizer& tokenizer,
               const std::array<std::vector<model::Token>, 256>& by_first_byte)
      : grammar_(grammar), tokenizer_(tokenizer), by_first_byte_(by_first_byte) {}

  void allow(std::span<const model::Token> so_far, std::vector<bool>& allowed) {
    for (; taken_ < so_far.size(); ++taken_) grammar_.step(state_, tokenizer_.piece(so_far[taken_]));
    std::fill(allowed.begin(), allowed.end(), false);
    for (std::size_t byte = 0; byte < by_first_byte_.size(); ++byte) {
      SurfaceGrammar::State first = state_;
      if (by_first_byte_[byte].empty() || !grammar_.step(first, static_cast<char>(byte))) continue;
      for (const model::Token token : by_first_byte_[byte]) {
        SurfaceGrammar::State state = first;
        allowed[static_cast<std::size_t>(token)] = grammar_.step(state, tokenizer_.piece(token).substr(1));
      }
    }
  }

 private:
  const SurfaceGrammar& grammar_;
  const model::Tokenizer& tokenizer_;
  const std::array<std::vector<model::Token>, 256>& by_first_byte_;
  SurfaceGrammar::State state_;
  std::size_t taken_ = 0;
};

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
  for (model::Token token = 0; token < model->tokenizer().size(); ++token) {
    const std::string_view piece = model->tokenizer().piece(token);
    if (!piece.empty()) planner->by_first_byte_[static_cast<unsigned char>(piece.front())].push_back(token);
  }
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
  TokenGrammar grammar(surface, tokenizer, by_first_byte_);
  model::GenerateOptions options;
  options.tokens_max = kPlanTokensMax;
  options.grammar = [&](std::span<const model::Token> so_far, std::vector<bool>& allowed) {
    grammar.allow(so_far, allowed);
  };
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
