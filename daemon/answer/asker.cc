#include "daemon/answer/asker.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "base/escape.h"
#include "daemon/answer/api_time.h"
#include "daemon/answer/assisted.h"
#include "daemon/answer/citations.h"
#include "daemon/answer/meaning/sentence_scorer.h"
#include "daemon/answer/plan/planner.h"
#include "daemon/answer/query_text.h"
#include "daemon/answer/reply/compose.h"
#include "daemon/answer/reply/item_reply.h"

namespace silt::answer {
namespace {

constexpr std::uint32_t kCitationsDefault = 8;
constexpr std::uint32_t kCitationsMax = 100;
constexpr std::int32_t kZoneMaxS = 18 * 3600;
constexpr std::chrono::milliseconds kHelp(200);  // for patterns that have no vectors yet
constexpr std::size_t kDepthOfHelp = 64;         // of several sources, which nearly all of the gain comes from
constexpr std::string_view kRules = "rules", kAssistant = "assistant";  // who planned, who worded

void describe(const Query& query, const search::Profiles& scope, std::string_view planner, silt::v1::Plan& out) {
  out.set_kind(std::string(answer::name_of(query.op)));
  out.set_text(escape_bytes(print_query(query)));
  out.set_planner(std::string(planner));
  for (const auto& profile : scope) out.add_sources(escape_bytes(profile->name));
  if (query.window.since_us != Window::kMin) set_time(query.window.since_us, *out.mutable_since());
  if (query.window.until_us != Window::kMax) set_time(query.window.until_us, *out.mutable_until());
  for (const WordGroup& group : query.words) out.add_terms(escape_bytes(group.front()));
  out.set_field(escape_bytes(query.operand));
}

Status emit_or_cancel(const Asker::Emit& emit, const silt::v1::AskResponse& response) {
  return emit(response) ? Status::ok() : Status(Code::kCancelled, "the asker has gone");
}

// A follow-up is about the sources of the question before it, where they are still to be seen.
void keep_to(const std::vector<std::string>& names, search::Profiles& scope) {
  search::Profiles kept;
  for (const auto& profile : scope) {
    if (std::find(names.begin(), names.end(), profile->name) != names.end()) kept.push_back(profile);
  }
  if (!kept.empty()) scope = std::move(kept);
}

// A question that is planned by meaning encodes some of what is not encoded yet: one over several sources, or of a
// text.
void help_with(meaning::PatternVectors& vectors, const search::Profiles& scope) {
  const bool several = scope.size() > 1;
  std::vector<store::SourceRef> sources;
  for (const auto& profile : scope) {
    if (several || profile->layout.kind == search::Layout::Kind::kProse) sources.push_back(profile->ref);
  }
  vectors.help(std::move(sources), several ? kDepthOfHelp : meaning::PatternVectors::kPatternsMax, std::chrono::steady_clock::now() + kHelp);
}

void limit_window(const silt::v1::AskRequest& request, Query& query) {
  if (request.has_since()) query.window.since_us = std::max(query.window.since_us, time_us_of(request.since()));
  if (request.has_until()) query.window.until_us = std::min(query.window.until_us, time_us_of(request.until()));
}

}  // namespace

Result<std::vector<silt::v1::Citation>> Asker::verified(const reply::Judged& judged, const std::vector<search::Hit>& hits,
                                                        silt::v1::AskFinal& final) const {
  std::vector<silt::v1::Citation> out;
  std::uint32_t number = 0;
  for (const search::Hit& hit : hits) {
    ++number;
    const search::Profile& profile = *judged.scope[hit.source];
    CitationRequest request;
    request.source = profile.ref;
    request.source_name = profile.name;
    request.seq = hit.seq;
    request.event_us = hit.event_us;
    for (const reply::OddLine& line : judged.odd) {
      if (line.hit.source != hit.source || line.hit.seq != hit.seq) continue;
      request.bits = line.odd.bits;
      request.frozen_bits = line.odd.frozen_bits;
      request.usual_bits = line.odd.usual_bits;
      request.score = line.odd.oddness;
    }
    SILT_ASSIGN(auto citation, cite(log_, request));
    if (!citation) {
      final.set_citations_dropped(final.citations_dropped() + 1);
      continue;
    }
    citation->set_number(number);
    out.push_back(std::move(*citation));
  }
  return out;
}

search::Limits Asker::limits_of(const access::Call& call, std::int32_t zone_s) {
  search::Limits limits;
  limits.deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(options_.time_max_us);
  limits.cancelled = &call.cancelled;
  limits.spare = &spare_;
  limits.zone_s = zone_s;
  return limits;
}

Result<silt::v1::AskFinal> Asker::ask(const access::Call& call, const silt::v1::AskRequest& request,
                                      const std::vector<store::SourceInfo>& sources, const Emit& emit) {
  plan::PlanContext context;
  context.time.now_us = clock_.wall_us();
  context.time.zone_s = std::clamp(request.zone_s(), -kZoneMaxS, kZoneMaxS);
  context.scoped = request.sources_size() > 0;
  for (const store::SourceInfo& source : sources) {
    if (call.cancelled) return Status(Code::kCancelled, "cancelled by the caller");
    SILT_ASSIGN(auto profile, profiles_.get(source));
    if (profile->records > 0) context.scope.push_back(std::move(profile));
  }
  std::optional<meaning::SentenceScorer> scorer;
  if (helpers_.vectors != nullptr) context.scorer = &scorer.emplace(*helpers_.vectors);
  silt::v1::AskFinal final;
  silt::v1::AskResponse response;
  if (context.scope.empty()) {
    final.set_answer("Nothing has been read yet.");
    final.set_abstained(true);
    final.set_verdict("nothing");
    return final;
  }
  if (!request.conversation().empty()) {
    context.last = conversations_.find(call.caller.name, request.tenant(), request.conversation());
    final.set_conversation_lost(!context.last);
    if (context.last && request.sources_size() == 0) keep_to(context.last->sources, context.scope);
  }
  const std::uint32_t wanted = std::min(request.evidence_max() == 0 ? kCitationsDefault : request.evidence_max(), kCitationsMax);
  const search::Limits limits = limits_of(call, context.time.zone_s);
  SILT_ASSIGN(const auto items, reply::reply_from_items(log_, context.scope, request.question(), context.time, limits, wanted));
  if (items) {  // tickets or documents say it
    describe(items->judged.candidate.query, items->judged.scope, kRules, *response.mutable_plan());
    SILT_TRY(emit_or_cancel(emit, response));
    SILT_TRY(finish(request.question(), items->judged, items->reply, final, emit));
    return final;
  }
  if (helpers_.vectors != nullptr) help_with(*helpers_.vectors, context.scope);
  std::vector<plan::Candidate> candidates = plan::make_plans(request.question(), context);
  for (plan::Candidate& candidate : candidates) limit_window(request, candidate.query);
  const Query read = candidates.front().query;
  describe(read, reply::scope_of(context.scope, candidates.front()), kRules, *response.mutable_plan());
  SILT_TRY(emit_or_cancel(emit, response));
  SILT_ASSIGN(reply::Judged judged, reply::judge(log_, context.scope, std::move(candidates), limits));
  if (judged.verdict == reply::Verdict::kClosest) plan::fill_near(judged.candidate, context.scope, context.scorer);
  SILT_TRY(reply::add_odd(log_, evidence_, limits, judged));
  if (call.cancelled) return Status(Code::kCancelled, "cancelled by the caller");
  std::string_view planner = kRules;
  if (helpers_.assistant != nullptr && judged.verdict != reply::Verdict::kStated) {
    auto other = judged_by(*helpers_.assistant, log_, context.scope, request.question(), context.time.now_us, limits_of(call, context.time.zone_s));
    if (other) {
      judged = std::move(*other);
      planner = kAssistant;
    }
  }
  if (planner != kRules || !(judged.candidate.query == read)) {  // another plan fits the records better
    describe(judged.candidate.query, judged.scope, planner, *response.mutable_plan());
    SILT_TRY(emit_or_cancel(emit, response));
  }
  SILT_TRY(finish(request.question(), judged, reply::compose(judged, context.time.zone_s, wanted), final, emit));
  final.set_conversation(conversations_.keep(call.caller.name, request.tenant(), request.conversation(), judged.candidate.query));
  return final;
}

Status Asker::finish(const std::string& question, const reply::Judged& judged, const reply::Reply& reply, silt::v1::AskFinal& final,
                     const Emit& emit) const {
  SILT_ASSIGN(std::vector<silt::v1::Citation> citations, verified(judged, reply.citations, final));
  std::string text = reply.text;
  final.set_reader(std::string(kRules));
  if (helpers_.assistant != nullptr && judged.verdict == reply::Verdict::kStated) {
    if (const std::string sentences = sentences_by(*helpers_.assistant, question, reply, citations); !sentences.empty()) {
      text += "\nIn other words (assistant): " + sentences;
      final.set_reader(std::string(kAssistant));
    }
  }
  silt::v1::AskResponse response;
  final.set_answer(escape_lines(text));
  response.set_text(final.answer());
  SILT_TRY(emit_or_cancel(emit, response));
  for (silt::v1::Citation& citation : citations) {
    *response.mutable_evidence() = std::move(citation);
    SILT_TRY(emit_or_cancel(emit, response));
  }
  final.set_abstained(judged.verdict == reply::Verdict::kNothing);
  final.set_verdict(std::string(reply::name_of(judged.verdict)));
  final.set_confidence(judged.confidence);
  final.set_records_examined(judged.outcome.examined);
  final.set_records_matched(judged.outcome.matched);
  final.set_records_total(judged.outcome.total);
  final.set_truncated(!judged.outcome.complete || judged.outcome.groups_cut);
  return Status::ok();
}

}  // namespace silt::answer
