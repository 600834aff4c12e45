// Corpus: a store filled the way the daemon fills it (journal, then fold, policy, net, step batch), on
// one thread and without clocks, for tests of answers and for qa_eval.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "daemon/answer/answer.h"
#include "daemon/learn/record_reader.h"
#include "daemon/learn/snapshots.h"
#include "daemon/store/rocks_store.h"
#include "model/learner.h"
#include "tests/support/temp_dir.h"

namespace silt::answer {

class Corpus {
 public:
  // `model_path` empty: a tiny random model, and sources are indexed without learning.
  explicit Corpus(const std::string& model_path = {}, const std::string& backend = "auto");

  // Journals the lines, one second of arrival time apart from `arrival_us` on, and commits them.
  void add(const std::string& source, const std::vector<std::string>& lines, std::int64_t arrival_us = kStart,
           const std::string& tenant = "default", bool learn = false);

  std::unique_ptr<Answerer> answerer(const AnswerOptions& options);
  // Over another journal than the store's own: for journals that misbehave.
  std::unique_ptr<Answerer> answerer(const AnswerOptions& options, const RecordLog& log);

  // From now on the source is read with W_0, as if nothing had been learned.
  void unlearn(const std::string& source, const std::string& tenant = "default");

  RocksStore& store() { return *store_; }
  Snapshots& snapshots() { return snapshots_; }
  ManualClock& clock() { return clock_; }
  std::shared_ptr<const model::Model> model() const { return model_; }

  static constexpr std::int64_t kStart = 1'795'251'600'000'000;  // 2026-11-21T09:00:00Z
  static constexpr std::int64_t kNow = kStart + 3600'000'000LL * 6;

 private:
  void commit(const SourceInfo& info, SourceState& state, Changes& changes);
  void journal(const SourceInfo& info, const std::vector<std::string>& lines, std::int64_t arrival_us);

  testing::TempDir dir_;
  ManualClock clock_{kNow};
  std::unique_ptr<RocksStore> store_;
  std::shared_ptr<const model::Model> model_;
  std::unique_ptr<model::Learner> learner_;
  std::unique_ptr<RecordReader> reader_;
  Snapshots snapshots_;
};

// One asked question: the whole stream of responses.
struct Asked {
  Status status;
  silt::v1::Plan plan;
  std::vector<silt::v1::Citation> evidence;
  std::string text;
  silt::v1::AskFinal final;
};
// A caller who sees all tenants.
access::Caller everyone();

Asked ask(Answerer& answerer, const silt::v1::AskRequest& request);
Asked ask(Answerer& answerer, const std::string& question);

}  // namespace silt::answer
