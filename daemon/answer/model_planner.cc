#include "daemon/answer/model_planner.h"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <string>

#include "daemon/answer/prompt.h"
#include "daemon/answer/question.h"
#include "daemon/answer/surface_grammar.h"
#include "daemon/answer/surface_plan.h"
#include "daemon/answer/words.h"

namespace silt::daemon {
namespace {

std::vector<std::string> listed(const model::Model& model, const std::string& key) {
  const auto found = model.weights().metadata().find(key);
  if (found == model.weights().metadata().end()) return {};
  std::istringstream words(found->second);
  return {std::istream_iterator<std::string>(words), {}};
}

// Times begin with a digit, or stand for themselves without one.
bool names_one_thing(const QuestionToken& token) {
  if (token.kind == QuestionTokenKind::kQuoted) return true;
  if (token.kind == QuestionTokenKind::kWord) return false;
  const std::string& text = token.raw;
  if (is_digit(text.front())) return std::count(text.begin(), text.end(), '.') == 3;
  return std::any_of(text.begin(), text.end(), is_digit);
}

// `surface` with an id clause for each address or name of the question that it leaves out. Nothing where it
// leaves out what is quoted, which may be a phrase, an end of a stretch or the thing itself, or where the
// kind of plan has no ids.
std::optional<std::string> with_all_names(std::string_view question, std::string_view surface) {
  const std::string said = lower_ascii(surface);
  std::string missing;
  for (const QuestionToken& token : split_question(question)) {
    if (!names_one_thing(token)) continue;
    const std::size_t size = token.lower.size() - (token.lower.ends_with("'s") ? 2 : 0);
    if (said.find(std::string_view(token.lower).substr(0, size)) != said.npos) continue;
    if (token.kind == QuestionTokenKind::kQuoted) return std::nullopt;
    missing += " id:" + token.raw.substr(0, size);
  }
  const std::size_t kind_end = std::min(surface.find(' '), surface.size());
  const std::string_view kind = surface.substr(0, kind_end);
  if (!missing.empty() && (kind == "explain" || kind == "digest")) return std::nullopt;
  return std::string(kind) + missing + std::string(surface.substr(kind_end));
}

// The digits at the beginning of `text`.
std::string_view digits_of(std::string_view text) {
  const auto* const end = std::find_if_not(text.begin(), text.end(), is_digit);
  return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}

// Numbers within addresses and names say nothing about time.
bool has_number(std::string_view question, std::string_view number) {
  for (const QuestionToken& token : split_question(question)) {
    if (names_one_thing(token)) continue;
    const std::string_view text = token.raw;
    for (std::size_t at = 0; at < text.size(); ++at) {
      const std::string_view digits = digits_of(text.substr(at));
      if (digits == number) return true;
      at += digits.size();
    }
  }
  return false;
}

// Whether it reaches back by a number ("since:-3w") that the question does not have. The last hour, day or
// week may be meant without one, but not an hour, day or week ago.
bool reaches_back_by_itself(std::string_view question, std::string_view surface) {
  const bool ago = surface.find(" until:now") != surface.npos;
  for (std::size_t at = surface.find(":-"); at != surface.npos; at = surface.find(":-", at + 1)) {
    const std::string_view number = digits_of(surface.substr(at + 2));
    if (!number.empty() && (ago || number != "1") && !has_number(question, number)) return true;
  }
  return false;
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
  std::optional<std::string> whole = with_all_names(asked, planned.surface);
  if (!whole) return planned;
  planned.surface = std::move(*whole);
  Result<QueryPlan> resolved = resolve_surface_plan(planned.surface, context);
  if (resolved.is_ok()) planned.plan = std::move(*resolved);
  return planned;
}

}  // namespace silt::daemon
