// The real path from a file to committed states, for tests: store, file connector, intake, fold, learner
// and the tiny model, with the clocks that make two runs comparable.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "connectors/asio_waiter.h"
#include "connectors/file/file_connector.h"
#include "daemon/intake/intake.h"
#include "daemon/learn/fold_loop.h"
#include "daemon/learn/forgetter.h"
#include "daemon/learn/learn_loop.h"
#include "daemon/learn/source_admin.h"
#include "daemon/store/rocks_store.h"
#include "model/model.h"

namespace silt::testing {

// Wall time as a function of the journal position: intake asks once for each record, in journal
// order, so a run that starts again at record n stamps as the one that never stopped. With step 0
// all stamps are equal, for several sources whose order differs from run to run.
class PositionClock final : public Clock {
 public:
  PositionClock(std::int64_t position, std::int64_t step_us) : next_(position), step_us_(step_us) {}
  std::int64_t wall_us() const override {
    const std::int64_t position = next_++;
    // Now and then the stamps jump back, as real clocks do.
    return 1'700'000'000'000'000 + step_us_ * (position - (position % 50 == 49 ? 30 : 0));
  }
  std::int64_t monotonic_us() const override { return system_.monotonic_us(); }

 private:
  mutable std::atomic<std::int64_t> next_;
  std::int64_t step_us_;
  SystemClock system_;
};

struct PipelineOptions {
  std::string store;
  std::string model;
  std::vector<std::string> include;
  rocksdb::Env* env = nullptr;
  std::int64_t stamp_step_us = 50'000;
  std::uint64_t retention_bytes = 0;  // of segments of a source
  std::uint64_t burst_tokens = 3000;  // small, so that the policy has to choose
  std::function<void(std::string_view)> at_point;
};

class Pipeline {
 public:
  static Result<std::unique_ptr<Pipeline>> create(const PipelineOptions& options) {
    std::unique_ptr<Pipeline> pipeline(new Pipeline());
    SILT_TRY(pipeline->build(options));
    return pipeline;
  }
  ~Pipeline() {
    stop();
    io_.stop();
    if (io_thread_.joinable()) io_thread_.join();
  }

  void start() {
    io_thread_ = std::thread([this] { io_.run(); });
    learner_loop_->start();
    fold_loop_->start();
    intake_->start();
  }
  void stop() {
    if (intake_) intake_->stop();
    if (fold_loop_) fold_loop_->stop();
    if (learner_loop_) learner_loop_->stop();
  }
  store::RocksStore& store() const { return *store_; }
  learn::LearnLoop& learner() { return *learner_loop_; }
  learn::Forgetter& forgetter() { return *forgetter_; }
  const learn::Snapshots& snapshots() const { return snapshots_; }
  model::Learner& model_learner() { return *learner_; }
  // Records processed durably, over all sources.
  Result<std::uint64_t> learned() const {
    std::uint64_t sum = 0;
    for (const store::SourceInfo& info : store_->sources()) {
      SILT_ASSIGN(const auto head, store_->net_head(info.ref));
      if (head) sum += head->learned_seq;
    }
    return sum;
  }
  std::uint64_t learned_of_first() const {
    if (store_->sources().empty()) return 0;
    const auto head = store_->net_head(store_->sources().at(0).ref);
    return head.is_ok() && *head ? (*head)->learned_seq : 0;
  }
  bool failed() const { return failed_; }
  // Of the first source, as the next.
  Status reset(const std::string& id, learn::ResetScope scope) {
    return learner_loop_->reset({.source = store_->sources().at(0).ref, .request_id = id, .scope = scope}).status();
  }
  Status roll_back(const std::string& id, store::SeqRange left_out) {
    learn::RollbackRequest request;
    request.source = store_->sources().at(0).ref;
    request.request_id = id;
    request.left_out = {left_out};
    return learner_loop_->rollback(request).status();
  }
  Status forget(const std::string& id, store::SeqRange range) {
    static const std::atomic<bool> never{false};
    learn::ForgetTarget target;
    target.tenant = "default";
    target.sources = {store_->sources().at(0)};
    target.ranges = {range};
    return forgetter_->forget(target, {id, /*dry_run=*/false, never}).status();
  }

 private:
  Pipeline() = default;
  Status build(const PipelineOptions& options) {
    store::StoreOptions store;
    store.database.path = options.store;
    store.database.env = options.env;
    store.database.write_buffer_bytes = 64 << 10;  // flushes and compactions, too
    store.terms_of = learn::terms_of;
    SILT_ASSIGN(store_, store::RocksStore::open(store));
    SILT_ASSIGN(model_, model::Model::open(options.model));
    SILT_ASSIGN(learner_, model::Learner::create(model_, {"ref", 1}, {.frozen_scores = true}));
    std::int64_t position = 0;
    for (const store::SourceInfo& info : store_->sources()) {
      position += static_cast<std::int64_t>(store_->intake_head(info.ref)->journal_seq);
    }
    stamps_ = std::make_unique<PositionClock>(position, options.stamp_step_us);
    fold_loop_ = std::make_unique<learn::FoldLoop>(*store_, *store_, clock_, fold_options(options));
    learner_loop_ =
        std::make_unique<learn::LearnLoop>(*store_, *store_, *store_, *fold_loop_, snapshots_, *learner_,
                                           model_->tokenizer(), clock_, learn_options(options));
    admin_ = std::make_unique<learn::StoreAdmin>(*store_, *store_, *store_, *store_, clock_, [this](store::SourceRef source) {
      SILT_TRY(fold_loop_->drop(source));
      return learner_loop_->drop(source);
    });
    forgetter_ = std::make_unique<learn::Forgetter>(
        learn::Forgetter::Parts{*store_, *store_, *store_, *store_, *learner_loop_, *admin_, clock_});
    return make_intake(options);
  }

  // So small that sealing, merging, eviction and retention happen all the time.
  learn::FoldOptions fold_options(const PipelineOptions& options) {
    learn::FoldOptions fold;
    fold.segment_bytes = 3000;
    fold.segment_bytes_min = 1200;
    fold.chunks_max = 6;
    fold.quiet_s = 0;
    fold.quiet_chunks_min = 3;
    fold.turn_bytes = 1500;
    fold.commit_bytes = 4000;
    fold.resident_max = 2;
    fold.builders_max = 1;
    fold.retention_every_s = 0;
    fold.retention = [bytes = options.retention_bytes](const store::SourceInfo&) {
      return learn::Retention{0, bytes};
    };
    fold.on_folded = [this](auto sources) { learner_loop_->ready(sources); };
    fold.keep_state = [this](store::SourceRef source) { learner_loop_->keep_state(source); };
    fold.on_fatal = [this](const Status& status) { fail(status); };
    fold.at_point = options.at_point;
    return fold;
  }

  learn::LearnOptions learn_options(const PipelineOptions& options) {
    learn::LearnOptions learn;
    learn.cpu_share = 0;
    learn.commit_ms = 10;
    learn.commit_records_max = 64;
    learn.quantum_records = 40;
    learn.replay_steps_max = 6;
    learn.replay_ms_max = 1;
    learn.put_off_max_s = 0;
    learn.on_digest_mismatch = learn::OnMismatch::kStop;
    learn.model_fingerprint = model_->fingerprint().hex();
    learn.at_point = options.at_point;
    learn.on_fatal = [this](const Status& status) { fail(status); };
    learn.policy = [burst = options.burst_tokens](const store::SourceInfo&) {
      fold::PolicyConfig policy;
      policy.learn_tokens_per_s = 200;
      policy.burst_tokens = burst;
      return policy;
    };
    return learn;
  }

  Status make_intake(const PipelineOptions& options) {
    intake::IntakeOptions intake;
    intake.group_ms = 1;
    intake.limits.batch_bytes_max = 4096;
    intake.on_journalled = [this](auto sources) { fold_loop_->ready(sources); };
    intake.on_fatal = [this](const Status& status) { fail(status); };
    intake.at_point = options.at_point;
    intake_ = std::make_unique<intake::Intake>(*store_, *stamps_, intake);
    connectors::FileConnectorOptions file;
    file.include = options.include;
    file.reconcile_ms = 200;
    waiter_ = connectors::make_asio_waiter(io_);
    SILT_ASSIGN(auto connector, connectors::FileConnector::create(file, clock_, *waiter_));
    intake_->add({"default", "host", "file"}, std::move(connector));
    return Status::ok();
  }

  void fail(const Status& status) {
    std::fprintf(stderr, "pipeline failed: %s\n", status.to_string().c_str());
    failed_ = true;
  }

  SystemClock clock_;
  std::atomic<bool> failed_{false};
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  std::unique_ptr<store::RocksStore> store_;
  std::shared_ptr<const model::Model> model_;
  std::unique_ptr<model::Learner> learner_;
  std::unique_ptr<PositionClock> stamps_;
  learn::Snapshots snapshots_;
  std::unique_ptr<learn::FoldLoop> fold_loop_;
  std::unique_ptr<learn::LearnLoop> learner_loop_;
  std::unique_ptr<learn::StoreAdmin> admin_;
  std::unique_ptr<learn::Forgetter> forgetter_;
  std::unique_ptr<connectors::Waiter> waiter_;
  std::unique_ptr<intake::Intake> intake_;
  std::thread io_thread_;
};

}  // namespace silt::testing
