// The Answerer: from a request to a stream of plan, evidence, text and a final message.
#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>

#include "base/escape.h"
#include "daemon/access/catalogue.h"
#include "daemon/answer/answer.h"
#include "daemon/answer/api_time.h"
#include "daemon/answer/compose.h"
#include "daemon/answer/evidence_reader.h"
#include "daemon/answer/execute.h"
#include "daemon/answer/explain.h"
#include "daemon/answer/planning.h"
#include "daemon/answer/rank.h"
#include "daemon/answer/surprise.h"

namespace silt::answer {
namespace {

constexpr std::size_t kQuestionBytesMax = 4096;
constexpr std::uint32_t kCitationsDefault = 5;
constexpr std::uint32_t kCitationsMax = 100;
constexpr std::int64_t kDayUs = 86'400'000'000;

using Emit = std::function<bool(const silt::v1::AskResponse&)>;

class PlanAnswerer final : public Answerer {
 public:
  PlanAnswerer(Dependencies dependencies, const AnswerOptions& options)
      : deps_(std::move(dependencies)),
        catalogue_(deps_.log),
        options_(options),
        planning_(deps_.model, {options.backend, options.threads}, options.planner) {}

  Status ask(const access::Call& call, const silt::v1::AskRequest& request, const Emit& emit) override;
  Result<silt::v1::ExplainResponse> explain(const access::Call& call,
                                            const silt::v1::ExplainRequest& request) override;

 private:
  Result<std::vector<AnswerSource>> open_sources(const access::Caller& caller, std::string_view tenant,
                                                 const std::vector<std::string>& names) const;
  Result<AnswerSource> open(SourceInfo info) const;
  Result<PlannerContext> planner_context(const std::vector<AnswerSource>& sources) const;
  struct Search {
    Planning::Planned planned;
    std::vector<AnswerSource> sources;
    Findings findings;
  };
  // What the question finds. `sources`, here and in follow(): all that the request allows.
  Result<Search> search(const access::Call& call, const silt::v1::AskRequest& request,
                        std::vector<AnswerSource> sources, Budget& budget);
  // What this plan of it finds.
  Result<Search> follow(const access::Call& call, const silt::v1::AskRequest& request,
                        Planning::Planned planned, std::vector<AnswerSource> sources, Budget& budget);
  Result<Findings> find_evidence(const silt::v1::AskRequest& request, const QueryPlan& plan,
                                 const std::vector<AnswerSource>& sources, const std::atomic<bool>& cancelled,
                                 Budget& budget);
  // Who took the values: "rules" or "model".
  Result<std::string_view> read_values(std::string_view question, const QueryPlan& plan,
                                       const std::atomic<bool>& cancelled, Findings& findings);
  Result<Composed> put_into_words(const QueryPlan& plan, const Findings& findings,
                                  const std::vector<AnswerSource>& sources, Budget& budget,
                                  CitationBook& book);
  // Made when first needed: packing the weights costs memory. Null without a model.
  Result<SurpriseScorer*> scorer();
  Result<EvidenceReader*> evidence_reader();

  Dependencies deps_;
  access::Catalogue catalogue_;
  AnswerOptions options_;
  Planning planning_;
  std::mutex mutex_;  // of what follows
  std::unique_ptr<SurpriseScorer> scorer_;
  std::unique_ptr<EvidenceReader> evidence_reader_;
};

Result<SurpriseScorer*> PlanAnswerer::scorer() {
  const std::scoped_lock lock(mutex_);
  if (!scorer_ && deps_.model) {
    SILT_ASSIGN(scorer_, SurpriseScorer::create(deps_.model, {options_.backend, options_.threads}));
  }
  return scorer_.get();
}

Result<EvidenceReader*> PlanAnswerer::evidence_reader() {
  const std::scoped_lock lock(mutex_);
  const bool wanted = options_.reader == PathChoice::kModel || (options_.reader == PathChoice::kMeasured &&
                                                                deps_.model && reads_evidence(*deps_.model));
  if (!evidence_reader_ && deps_.model && wanted) {
    SILT_ASSIGN(evidence_reader_, EvidenceReader::create(deps_.model, {options_.backend, options_.threads}));
  }
  return evidence_reader_.get();
}

Result<AnswerSource> PlanAnswerer::open(SourceInfo info) const {
  AnswerSource source;
  SILT_ASSIGN(auto net, deps_.nets.net_head(info.ref));
  if (net) source.net = std::move(*net);
  SILT_ASSIGN(source.fold, deps_.folds.fold_head(info.ref));
  SILT_ASSIGN(const IntakeHead intake, deps_.log.intake_head(info.ref));
  source.journal_seq = intake.journal_seq;
  source.snapshot = deps_.snapshots.get(info.ref);
  source.info = std::move(info);
  return source;
}

Result<std::vector<AnswerSource>> PlanAnswerer::open_sources(const access::Caller& caller,
                                                             std::string_view tenant,
                                                             const std::vector<std::string>& names) const {
  SILT_ASSIGN(std::vector<SourceInfo> infos, catalogue_.find(caller, tenant, names));
  std::vector<AnswerSource> out;
  for (SourceInfo& info : infos) {
    SILT_ASSIGN(AnswerSource source, open(std::move(info)));
    out.push_back(std::move(source));
  }
  return out;
}

// "Now" is the clock while the newest event is at most a day old, else the newest event.
Result<PlannerContext> PlanAnswerer::planner_context(const std::vector<AnswerSource>& sources) const {
  PlannerContext context;
  std::int64_t newest = TimeRange::kMin;
  for (const AnswerSource& source : sources) {
    context.sources.push_back(escape_bytes(source.info.name));
    const auto last = deps_.evidence.evidence(source.info.ref, source.fold.folded_seq);
    if (last.is_ok()) newest = std::max(newest, last->event_us);
    if (!last.is_ok() && last.status().code() != Code::kNotFound) return last.status();
  }
  const std::int64_t clock = deps_.clock.wall_us();
  context.time.now_us = newest == TimeRange::kMin || newest > clock - kDayUs ? clock : newest;
  return context;
}

bool nothing_in(const Findings& findings) {
  return findings.matched == 0 && findings.records.empty() && findings.rows.empty();
}

Result<PlanAnswerer::Search> PlanAnswerer::search(const access::Call& call,
                                                  const silt::v1::AskRequest& request,
                                                  std::vector<AnswerSource> sources, Budget& budget) {
  SILT_ASSIGN(const PlannerContext context, planner_context(sources));
  SILT_ASSIGN(Planning::Planned planned, planning_.make(request.question(), context, call.cancelled));
  if (planned.planner == "rules")
    return follow(call, request, std::move(planned), std::move(sources), budget);
  SILT_ASSIGN(Search found, follow(call, request, std::move(planned), sources, budget));
  if (!nothing_in(found.findings)) return found;
  // The model may have taken a mere word for what is sought; the rules take other words.
  SILT_ASSIGN(Search again, follow(call, request, Planning::by_rules(request.question(), context),
                                   std::move(sources), budget));
  return nothing_in(again.findings) ? std::move(found) : std::move(again);
}

Result<PlanAnswerer::Search> PlanAnswerer::follow(const access::Call& call,
                                                  const silt::v1::AskRequest& request,
                                                  Planning::Planned planned,
                                                  std::vector<AnswerSource> sources, Budget& budget) {
  QueryPlan& plan = planned.plan;
  if (request.has_since()) plan.time.first_us = time_us_of(request.since());
  if (request.has_until()) plan.time.last_us = time_us_of(request.until());
  if (plan.sources.empty()) {
    plan.sources.assign(request.sources().begin(), request.sources().end());
  } else if (request.sources().empty()) {  // named in the question
    SILT_ASSIGN(sources, open_sources(call.caller, request.tenant(), plan.sources));
  }
  SILT_ASSIGN(Findings findings, find_evidence(request, plan, sources, call.cancelled, budget));
  return Search{std::move(planned), std::move(sources), std::move(findings)};
}

Result<Findings> PlanAnswerer::find_evidence(const silt::v1::AskRequest& request, const QueryPlan& plan,
                                             const std::vector<AnswerSource>& sources,
                                             const std::atomic<bool>& cancelled, Budget& budget) {
  const ExecuteContext context{deps_.log, deps_.evidence,          sources,
                               budget,    options_.candidates_max, kCitationsDefault};
  SILT_ASSIGN(Findings findings, execute(plan, context));
  if (options_.rerank && plan.kind == PlanKind::kFind && findings.records.size() > 1) {
    SILT_ASSIGN(SurpriseScorer * model, scorer());
    if (model != nullptr) {
      const RankWeights weights{options_.rerank_forward, options_.rerank_backward, options_.rerank_lines_max};
      SILT_TRY(rerank(request.question(), sources, weights, *model, cancelled, findings.records));
    }
  }
  return findings;
}

Result<std::string_view> PlanAnswerer::read_values(std::string_view question, const QueryPlan& plan,
                                                   const std::atomic<bool>& cancelled, Findings& findings) {
  const bool in_text = plan.slot != Slot::kNone && plan.slot != Slot::kTime && plan.slot != Slot::kHour &&
                       plan.slot != Slot::kDay && plan.slot != Slot::kPattern && plan.slot != Slot::kSource;
  if (plan.kind != PlanKind::kFind || !in_text || findings.records.empty()) return std::string_view("rules");
  SILT_ASSIGN(EvidenceReader * reader, evidence_reader());
  if (reader == nullptr) return std::string_view("rules");
  SILT_ASSIGN(const bool taken, take_values(*reader, question, cancelled, findings.records));
  return std::string_view(taken ? "model" : "rules");
}

Result<Composed> PlanAnswerer::put_into_words(const QueryPlan& plan, const Findings& findings,
                                              const std::vector<AnswerSource>& sources, Budget& budget,
                                              CitationBook& book) {
  if (plan.kind != PlanKind::kExplain || findings.records.empty())
    return compose(plan, findings, sources, book);
  const Finding& record = findings.records.front();
  const std::vector<AnswerSource> one{sources[record.source]};
  const ExecuteContext context{deps_.log, deps_.evidence, one, budget};
  SILT_ASSIGN(SurpriseScorer * model, scorer());
  SILT_ASSIGN(const auto explained, explain_record(context, record.seq, model));
  SILT_ASSIGN(const std::uint32_t number, book.number(record));
  return Composed{explained.text() + (number != 0 ? " [" + std::to_string(number) + "]" : ""), false};
}

void describe_plan(const Planning::Planned& planned, const std::vector<AnswerSource>& sources,
                   silt::v1::Plan& out) {
  const QueryPlan& plan = planned.plan;
  out.set_kind(std::string(kind_name(plan.kind)));
  out.set_text(quote(format_plan(plan), 8192));
  out.set_planner(std::string(planned.planner));
  for (const AnswerSource& source : sources) out.add_sources(escape_bytes(source.info.name));
  if (plan.time.first_us != TimeRange::kMin) set_time(plan.time.first_us, *out.mutable_since());
  if (plan.time.last_us != TimeRange::kMax) set_time(plan.time.last_us, *out.mutable_until());
  for (const PlanTerm& term : plan.required) out.add_terms(quote(term.text));
  for (const std::string& phrase : plan.phrases) out.add_terms(quote(phrase));
  if (plan.slot != Slot::kNone) out.set_field(std::string(slot_name(plan.slot)));
}

Status emit_or_cancel(const Emit& emit, const silt::v1::AskResponse& response) {
  return emit(response) ? Status::ok() : Status(Code::kCancelled, "the asker has gone");
}

Status PlanAnswerer::ask(const access::Call& call, const silt::v1::AskRequest& request, const Emit& emit) {
  const std::int64_t started_us = deps_.clock.monotonic_us();
  if (request.question().empty()) return invalid_argument("the question is empty");
  if (request.question().size() > kQuestionBytesMax)
    return invalid_argument("the question is longer than 4096 bytes");
  const std::vector<std::string> names(request.sources().begin(), request.sources().end());
  SILT_ASSIGN(std::vector<AnswerSource> allowed, open_sources(call.caller, request.tenant(), names));
  Budget budget(options_.examined_max, call.cancelled);
  SILT_TRY(budget.check());
  SILT_ASSIGN(Search found, search(call, request, std::move(allowed), budget));
  const QueryPlan& plan = found.planned.plan;
  const std::vector<AnswerSource>& sources = found.sources;
  Findings& findings = found.findings;
  silt::v1::AskResponse response;
  describe_plan(found.planned, sources, *response.mutable_plan());
  SILT_TRY(emit_or_cancel(emit, response));

  SILT_ASSIGN(const std::string_view reader, read_values(request.question(), plan, call.cancelled, findings));
  const std::uint32_t wanted = request.evidence_max() == 0 ? kCitationsDefault : request.evidence_max();
  CitationBook book(deps_.log, sources, std::min(wanted, kCitationsMax));
  SILT_ASSIGN(const Composed composed, put_into_words(plan, findings, sources, budget, book));
  for (const silt::v1::Citation& citation : book.citations()) {
    *response.mutable_evidence() = citation;
    SILT_TRY(emit_or_cancel(emit, response));
  }
  response.set_text(composed.text);
  SILT_TRY(emit_or_cancel(emit, response));

  silt::v1::AskFinal& final = *response.mutable_final();
  final.set_answer(composed.text);
  final.set_abstained(composed.abstained);
  final.set_reader(std::string(reader));
  for (const AnswerSource& source : sources) {
    silt::v1::SourceVersion& version = *final.add_versions();
    version.set_source(escape_bytes(source.info.name));
    version.set_state_version(source.snapshot ? source.snapshot->state_version : source.net.state_version);
    version.set_learned_seq(source.net.learned_seq);
    version.set_folded_seq(source.fold.folded_seq);
    version.set_journal_seq(source.journal_seq);
  }
  final.set_records_examined(budget.examined());
  final.set_citations_dropped(book.dropped());
  final.set_truncated(budget.truncated());
  final.set_elapsed_ms(double(deps_.clock.monotonic_us() - started_us) / 1000);
  return emit_or_cancel(emit, response);
}

Result<silt::v1::ExplainResponse> PlanAnswerer::explain(const access::Call& call,
                                                        const silt::v1::ExplainRequest& request) {
  SILT_ASSIGN(SourceInfo info, catalogue_.find_one(call.caller, request.tenant(), request.source()));
  SILT_ASSIGN(AnswerSource source, open(std::move(info)));
  const std::vector<AnswerSource> sources{std::move(source)};
  Budget budget(options_.examined_max, call.cancelled);
  const ExecuteContext context{deps_.log, deps_.evidence, sources, budget};
  SILT_ASSIGN(SurpriseScorer * model, scorer());
  switch (request.what_case()) {
    case silt::v1::ExplainRequest::kSeq: return explain_record(context, request.seq(), model);
    case silt::v1::ExplainRequest::kLine: return explain_line(context, request.line(), model);
    case silt::v1::ExplainRequest::WHAT_NOT_SET: break;
  }
  return invalid_argument("explain needs a record number or a line");
}

}  // namespace

Result<std::unique_ptr<Answerer>> Answerer::create(Dependencies dependencies, const AnswerOptions& options) {
  if (options.examined_max == 0 || options.candidates_max == 0) {
    return invalid_argument("answer: examined_max and candidates_max must be positive");
  }
  return std::unique_ptr<Answerer>(std::make_unique<PlanAnswerer>(std::move(dependencies), options));
}

}  // namespace silt::answer
