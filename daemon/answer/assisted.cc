#include "daemon/answer/assisted.h"

#include <algorithm>
#include <utility>

#include "base/escape.h"
#include "base/log.h"
#include "daemon/answer/query_proto.h"
#include "daemon/answer/reply/plain_query.h"
#include "daemon/answer/reply/sentences.h"

namespace silt::answer {
namespace {

constexpr std::size_t kSources = 8, kPatterns = 40, kSlots = 40;  // that it is shown

Assistant::Source shown_of(const search::Profile& profile) {
  Assistant::Source out;
  out.name = profile.name;
  std::vector<const search::PatternProfile*> patterns;
  for (const search::PatternProfile& pattern : profile.patterns) patterns.push_back(&pattern);
  std::ranges::stable_sort(patterns, std::greater<>(), &search::PatternProfile::count);
  for (std::size_t i = 0; i < patterns.size() && i < kPatterns; ++i) out.patterns.push_back(patterns[i]->text);
  std::vector<const search::SlotProfile*> slots;
  for (const search::SlotProfile& slot : profile.slots) slots.push_back(&slot);
  std::ranges::stable_sort(slots, std::greater<>(), &search::SlotProfile::count);
  for (std::size_t i = 0; i < slots.size() && i < kSlots; ++i) out.slots.push_back(slots[i]->unit.empty() ? slots[i]->name : slots[i]->name + " (" + slots[i]->unit + ")");
  return out;
}

// The query may mean sources of the scope only.
Result<search::Profiles> sources_of(const Query& query, const search::Profiles& scope) {
  if (query.sources.empty()) return scope;
  search::Profiles out;
  for (const std::string& name : query.sources) {
    const auto found = std::find_if(scope.begin(), scope.end(), [&](const auto& profile) { return profile->name == name; });
    if (found == scope.end()) return invalid_argument("its plan names a source that was not asked about");
    out.push_back(*found);
  }
  return out;
}

Result<reply::Judged> try_plan(Assistant& assistant, const store::RecordLog& log, const search::Profiles& scope, const std::string& question,
                               std::int64_t now_us, const search::Limits& limits) {
  Assistant::PlanTask task;
  task.question = question;
  task.now = reply::time_text(now_us, limits.zone_s);
  for (std::size_t i = 0; i < scope.size() && i < kSources; ++i) task.sources.push_back(shown_of(*scope[i]));
  SILT_ASSIGN(const silt::v1::Query message, assistant.plan(task));
  SILT_ASSIGN(Query query, from_proto(message));
  SILT_ASSIGN(const search::Profiles meant, sources_of(query, scope));
  if (!query.patterns.empty() && meant.size() != 1) return invalid_argument("its plan names patterns of no single source");
  return reply::run_query(log, meant, std::move(query), limits);
}

// What a reply says, without how the question was read.
std::string_view statement_of(std::string_view text) {
  return text.substr(0, text.find("\nRead as: "));
}

void report(std::string_view task, const Status& status) {
  log::warning("assistant_failed", {{"task", task}, {"error", status.message()}, {"effect", "silt answers by itself"}});
}

}  // namespace

std::optional<reply::Judged> judged_by(Assistant& assistant, const store::RecordLog& log, const search::Profiles& scope,
                                       const std::string& question, std::int64_t now_us, const search::Limits& limits) {
  auto judged = try_plan(assistant, log, scope, question, now_us, limits);
  if (!judged.is_ok()) report("plan", judged.status());
  if (!judged.is_ok() || !reply::has_answer(judged->candidate.query, judged->outcome)) return std::nullopt;
  return std::move(*judged);
}

std::string sentences_by(Assistant& assistant, const std::string& question, const reply::Reply& reply,
                         const std::vector<silt::v1::Citation>& citations) {
  Assistant::TellTask task;
  task.question = question;
  task.answer = statement_of(reply.text);
  task.evidence.resize(reply.citations.size());  // one that could not be verified stays empty
  for (const silt::v1::Citation& citation : citations) task.evidence[citation.number() - 1] = citation.text();
  const Result<std::string> told = assistant.tell(task);
  if (!told.is_ok()) report("sentences", told.status());
  return told.is_ok() ? reply::keep_supported(*told, task.answer, task.evidence) : std::string();
}

}  // namespace silt::answer
