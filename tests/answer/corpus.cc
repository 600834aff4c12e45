#include "tests/answer/corpus.h"

#include <cstdio>
#include <cstdlib>

#include "daemon/answer/citations.h"
#include "tests/model/tiny_model.h"

namespace silt::answer {
namespace {

// A corpus that cannot be built is a broken test, not a finding.
void must(const Status& status) {
  if (status.is_ok()) return;
  std::fprintf(stderr, "corpus: %s\n", status.to_string().c_str());
  std::abort();
}

template <class T>
T must(Result<T> result) {
  must(result.status());
  return std::move(result).value();
}

}  // namespace

Corpus::Corpus(const std::string& model_path, const std::string& backend) {
  DatabaseOptions options;
  options.path = dir_.path("store");
  store_ = must(RocksStore::open(options));
  std::string path = model_path;
  if (path.empty()) {
    path = dir_.path("tiny.safetensors");
    must(model::write_tiny_model(path));
  }
  model_ = must(model::Model::open(path));
  model::LearnerOptions learning;
  learning.frozen_scores = true;
  learner_ = must(model::Learner::create(model_, {backend, 1}, learning));
  reader_ = std::make_unique<RecordReader>(
      *learner_, model_->tokenizer(), [](std::int64_t) { return 0; }, [](std::uint64_t) { return true; });
}

void Corpus::journal(const SourceInfo& info, const std::vector<std::string>& lines, std::int64_t arrival_us) {
  JournalBatch batch;
  batch.source = info.ref;
  batch.connector = info.connector;
  std::uint64_t offset = 0;
  for (const std::string& line : lines) {
    JournalRecord record;
    record.arrival_us = arrival_us;
    arrival_us += 1'000'000;
    record.text = line;
    record.origin = {"/logs/" + info.name, 1, offset, offset + line.size()};
    offset += line.size() + 1;
    record.sha256 = sha256(line);
    batch.head_delta.lines += 1;
    batch.head_delta.bytes += line.size();
    batch.records.push_back(std::move(record));
  }
  must(store_->append(batch));
}

void Corpus::add(const std::string& source, const std::vector<std::string>& lines, std::int64_t arrival_us,
                 const std::string& tenant, bool learn) {
  const SourceInfo info = must(store_->open_source(tenant, source, "test"));
  const Seq before = must(store_->intake_head(info.ref)).journal_seq;
  if (before != 0) must(failed_precondition("add() fills a source once"));
  journal(info, lines, arrival_us);
  PolicyConfig policy;
  policy.mode = learn ? SourceMode::kLearn : SourceMode::kCount;
  policy.learn_tokens_per_s = 1'000'000'000;
  SourceState state = fresh_state(*learner_, policy, Head{});
  Changes changes;
  std::vector<JournalRecord> records;
  for (Seq after = 0; after < lines.size(); after = records.back().seq) {
    must(store_->read_after(info.ref, after, 1 << 20, 1024, records));
    for (const JournalRecord& record : records) {
      reader_->fold(state, record, &changes);
      const Evidence decided = changes.evidence.back();
      must(reader_->learn(state, record, decided, false, &changes));
    }
    commit(info, state, changes);
  }
}

void Corpus::commit(const SourceInfo& info, SourceState& state, Changes& changes) {
  StepBatch batch;
  batch.source = info.ref;
  batch.evidence = std::move(changes.evidence);
  batch.postings = std::move(changes.postings);
  changes = {};
  must(reader_->score_pending(state, batch.evidence));
  for (const auto& row : state.miner.take_dirty()) {
    const Pattern* pattern = state.miner.find(row.id);
    if (pattern == nullptr) continue;
    batch.patterns.push_back({pattern->id, pattern->text, pattern->count, pattern->first_seq,
                              pattern->last_seq, pattern->first_time_us, pattern->last_time_us});
  }
  batch.head = state.head;
  must(store_->commit(batch));
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->source = info.ref;
  snapshot->state_version = state.head.state_version;
  snapshot->learned_seq = state.head.learned_seq;
  snapshot->weights = state.net.weights;
  snapshots_.publish(std::move(snapshot));
}

void Corpus::unlearn(const std::string& source, const std::string& tenant) {
  const SourceInfo info = must(store_->open_source(tenant, source, "test"));
  auto snapshot = std::make_shared<Snapshot>(*snapshots_.get(info.ref));
  snapshot->weights = nullptr;
  snapshots_.publish(std::move(snapshot));
}

std::unique_ptr<Answerer> Corpus::answerer(const AnswerOptions& options) {
  return answerer(options, *store_);
}

std::unique_ptr<Answerer> Corpus::answerer(const AnswerOptions& options, const RecordLog& log) {
  return must(Answerer::create({log, *store_, *store_, snapshots_, model_, clock_}, options));
}

access::Caller everyone() {
  return {"test", access::Tenants::all(), access::Rights::all()};
}

Asked ask(Answerer& answerer, const silt::v1::AskRequest& request) {
  Asked asked;
  const std::atomic<bool> never{false};
  const access::Caller caller = everyone();
  asked.status = answerer.ask({caller, never}, request, [&](const silt::v1::AskResponse& response) {
    if (response.has_plan()) asked.plan = response.plan();
    if (response.has_evidence()) asked.evidence.push_back(response.evidence());
    if (response.event_case() == silt::v1::AskResponse::kText) asked.text += response.text();
    if (response.has_final()) asked.final = response.final();
    return true;
  });
  return asked;
}

Asked ask(Answerer& answerer, const std::string& question) {
  silt::v1::AskRequest request;
  request.set_question(question);
  return ask(answerer, request);
}

}  // namespace silt::answer
