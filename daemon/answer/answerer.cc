// The Answerer: from requests to the rooms and back.
#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>

#include "base/escape.h"
#include "daemon/access/catalogue.h"
#include "daemon/answer/answer.h"
#include "daemon/answer/asker.h"
#include "daemon/answer/explain.h"
#include "daemon/answer/diff.h"
#include "daemon/answer/query_runner.h"
#include "daemon/answer/surprise.h"

namespace silt::answer {
namespace {

constexpr std::size_t kQuestionBytesMax = 4096;

using Emit = std::function<bool(const silt::v1::AskResponse&)>;

class StoreAnswerer final : public Answerer {
 public:
  StoreAnswerer(Dependencies dependencies, const AnswerOptions& options)
      : deps_(std::move(dependencies)),
        catalogue_(deps_.log),
        options_(options),
        asker_(deps_.log, deps_.evidence, deps_.folds, deps_.clock, {deps_.vectors, deps_.assistant}, {}),
        queries_(deps_.log, asker_, deps_.clock) {}

  Status ask(const access::Call& call, const silt::v1::AskRequest& request, const Emit& emit) override;
  Result<silt::v1::QueryResponse> query(const access::Call& call, const silt::v1::QueryRequest& request) override;
  Result<silt::v1::SearchResponse> search(const access::Call& call, const silt::v1::SearchRequest& request) override;
  Result<silt::v1::PatternsResponse> patterns(const access::Call& call,
                                              const silt::v1::PatternsRequest& request) override;
  Result<silt::v1::ExplainResponse> explain(const access::Call& call,
                                            const silt::v1::ExplainRequest& request) override;
  Result<silt::v1::DiffVersionsResponse> diff(const access::Call& call, const SourceInfo& source,
                                              const WeightsPair& weights, std::uint32_t limit) override;

 private:
  Result<std::vector<AnswerSource>> open_sources(const access::Call& call, std::string_view tenant,
                                                 const std::vector<std::string>& names) const;
  Result<AnswerSource> open(SourceInfo info) const;
  // Made when first needed: packing the weights costs memory. Null without a model.
  Result<SurpriseScorer*> scorer();

  Dependencies deps_;
  access::Catalogue catalogue_;
  AnswerOptions options_;
  Asker asker_;
  QueryRunner queries_;
  std::mutex mutex_;  // of what follows
  std::unique_ptr<SurpriseScorer> scorer_;
};

Result<SurpriseScorer*> StoreAnswerer::scorer() {
  const std::scoped_lock lock(mutex_);
  if (!scorer_ && deps_.model) {
    SILT_ASSIGN(scorer_, SurpriseScorer::create(deps_.model, {.name = options_.backend, .threads = options_.threads, .devices = options_.devices}));
  }
  return scorer_.get();
}

Result<AnswerSource> StoreAnswerer::open(SourceInfo info) const {
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

Result<std::vector<AnswerSource>> StoreAnswerer::open_sources(const access::Call& call,
                                                             std::string_view tenant,
                                                             const std::vector<std::string>& names) const {
  SILT_ASSIGN(std::vector<SourceInfo> infos, catalogue_.find(call, tenant, names));
  std::vector<AnswerSource> out;
  for (SourceInfo& info : infos) {
    SILT_ASSIGN(AnswerSource source, open(std::move(info)));
    out.push_back(std::move(source));
  }
  return out;
}

Status emit_or_cancel(const Emit& emit, const silt::v1::AskResponse& response) {
  return emit(response) ? Status::ok() : Status(Code::kCancelled, "the asker has gone");
}

Status StoreAnswerer::ask(const access::Call& call, const silt::v1::AskRequest& request, const Emit& emit) {
  const std::int64_t started_us = deps_.clock.monotonic_us();
  if (request.question().empty()) return invalid_argument("the question is empty");
  if (request.question().size() > kQuestionBytesMax)
    return invalid_argument("the question is longer than 4096 bytes");
  const std::vector<std::string> names(request.sources().begin(), request.sources().end());
  SILT_ASSIGN(const std::vector<AnswerSource> sources, open_sources(call, request.tenant(), names));
  std::vector<SourceInfo> infos;
  for (const AnswerSource& source : sources) infos.push_back(source.info);
  silt::v1::AskResponse response;
  SILT_ASSIGN(*response.mutable_final(), asker_.ask(call, request, infos, emit));
  silt::v1::AskFinal& final = *response.mutable_final();
  for (const AnswerSource& source : sources) {
    silt::v1::SourceVersion& version = *final.add_versions();
    version.set_source(escape_bytes(source.info.name));
    version.set_state_version(source.snapshot ? source.snapshot->state_version : source.net.state_version);
    version.set_learned_seq(source.net.learned_seq);
    version.set_folded_seq(source.fold.folded_seq);
    version.set_journal_seq(source.journal_seq);
  }
  final.set_elapsed_ms(double(deps_.clock.monotonic_us() - started_us) / 1000);
  return emit_or_cancel(emit, response);
}

Result<silt::v1::QueryResponse> StoreAnswerer::query(const access::Call& call, const silt::v1::QueryRequest& request) {
  SILT_ASSIGN(const silt::v1::Query query, queries_.query_of(request));
  std::vector<std::string> names(request.sources().begin(), request.sources().end());
  names.insert(names.end(), query.sources().begin(), query.sources().end());
  SILT_ASSIGN(const std::vector<SourceInfo> sources, catalogue_.find(call, request.tenant(), names));
  return queries_.query(call, request, sources);
}

Result<silt::v1::SearchResponse> StoreAnswerer::search(const access::Call& call,
                                                       const silt::v1::SearchRequest& request) {
  const std::vector<std::string> names(request.sources().begin(), request.sources().end());
  SILT_ASSIGN(const std::vector<SourceInfo> sources, catalogue_.find(call, request.tenant(), names));
  return queries_.search(call, request, sources);
}

Result<silt::v1::PatternsResponse> StoreAnswerer::patterns(const access::Call& call,
                                                           const silt::v1::PatternsRequest& request) {
  const std::vector<std::string> names(request.sources().begin(), request.sources().end());
  SILT_ASSIGN(const std::vector<SourceInfo> sources, catalogue_.find(call, request.tenant(), names));
  return queries_.patterns(call, request, sources);
}

Result<silt::v1::ExplainResponse> StoreAnswerer::explain(const access::Call& call,
                                                        const silt::v1::ExplainRequest& request) {
  SILT_ASSIGN(SourceInfo info, catalogue_.find_one(call, request.tenant(), request.source()));
  SILT_ASSIGN(const AnswerSource source, open(std::move(info)));
  const ExplainContext context{deps_.log, deps_.evidence, source, call.cancelled};
  SILT_ASSIGN(SurpriseScorer * model, scorer());
  switch (request.what_case()) {
    case silt::v1::ExplainRequest::kSeq: return explain_record(context, request.seq(), model);
    case silt::v1::ExplainRequest::kLine: return explain_line(context, request.line(), model);
    case silt::v1::ExplainRequest::WHAT_NOT_SET: break;
  }
  return invalid_argument("explain needs a record number or a line");
}

Result<silt::v1::DiffVersionsResponse> StoreAnswerer::diff(const access::Call& call, const SourceInfo& source,
                                                          const WeightsPair& weights, std::uint32_t limit) {
  SILT_ASSIGN(SurpriseScorer * model, scorer());
  if (model == nullptr) return failed_precondition("there is no model to compare with");
  return diff_versions({deps_.log, deps_.evidence, source, call.cancelled}, weights, limit, *model);
}

}  // namespace

Result<std::unique_ptr<Answerer>> Answerer::create(Dependencies dependencies, const AnswerOptions& options) {
  return std::unique_ptr<Answerer>(std::make_unique<StoreAnswerer>(std::move(dependencies), options));
}

}  // namespace silt::answer
