// The learn loop over a store in memory and the tiny model, for tests.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <string>
#include <vector>

#include "daemon/learn/learn_loop.h"
#include "model/model.h"
#include "tests/daemon/memory_store.h"
#include "tests/model/tiny_model.h"
#include "tests/support/temp_dir.h"

namespace silt::learn {

class LearnTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const testing::TempDir dir;
    ASSERT_TRUE(model::write_tiny_model(dir.path("m")).is_ok());
    model_ = new std::shared_ptr<const model::Model>(model::Model::open(dir.path("m")).value());
  }
  static void TearDownTestSuite() { delete model_; }

  void SetUp() override {
    options_.cpu_share = 0;
    options_.commit_ms = 1;
    options_.commit_records_max = 16;
    options_.replay_ms_max = -1;  // every state with a step is worth storing
    options_.on_digest_mismatch = OnMismatch::kStop;
    options_.model_fingerprint = (*model_)->fingerprint().hex();
    options_.policy = [this](const store::SourceInfo&) { return policy_; };
    options_.on_fatal = [this](const Status& status) {
      const std::lock_guard lock(mutex_);
      fatal_ = status;
      changed_.notify_all();
    };
    options_.at_point = [this](std::string_view point) {
      if (on_point_) on_point_(point);
      const std::lock_guard lock(mutex_);
      changed_.notify_all();
    };
    store_ = std::make_unique<testing::MemoryStore>();
  }
  void TearDown() override { stop(); }

  store::SourceRef source(const std::string& name = "s") {
    return store_->open_source(name.starts_with("other-") ? "other" : "default", name, "host")->ref;
  }

  // Lines of a log that is the same every time.
  static std::string line(int i) {
    if (i % 17 == 0) return "";
    const int value = i * 7919 % 1000;
    std::string text = "job " + std::to_string(value) +
                       (value % 5 == 0 ? " failed on host h" : " done on host h") +
                       std::to_string(value % 4) + " after " + std::to_string(value % 60) + " s";
    if (value % 13 == 0) text += std::string(value % 200, 'y');
    return text;
  }
  // Appends and folds lines first..last, in blocks of ten, and tells the loop.
  void write(const std::string& name, int first, int last) {
    const store::SourceRef ref = source(name);
    for (int begin = first; begin <= last; begin += 10) {
      std::vector<std::string> texts;
      store::StreamAppend stream;
      stream.source = ref;
      for (int i = begin; i <= std::min(last, begin + 9); ++i) texts.push_back(line(i));
      for (std::size_t i = 0; i < texts.size(); ++i) {
        store::RecordView record;
        record.arrival_us = 1'700'000'000'000'000 + (begin + static_cast<int>(i)) * 100'000LL;
        record.text = texts[i];
        stream.records.push_back(record);
      }
      store::GroupAppend group;
      group.streams.push_back(std::move(stream));
      ASSERT_TRUE(store_->append(group).is_ok());
    }
    store_->fold(ref);
    if (loop_) loop_->ready({&ref, 1});
  }

  virtual std::unique_ptr<model::Learner> make_learner() {
    return model::Learner::create(*model_, {"ref", 1}, {.frozen_scores = true}).value();
  }
  void start() {
    learner_ = make_learner();
    snapshots_ = std::make_unique<Snapshots>();
    loop_ = std::make_unique<LearnLoop>(*store_, *store_, *store_, *store_, *snapshots_, *learner_,
                                        (*model_)->tokenizer(), clock(), options_);
    loop_->start();
  }
  void stop() {
    if (loop_) loop_->stop();
    loop_.reset();
  }
  virtual const Clock& clock() const { return system_clock_; }

  // Waits for something that a commit, a load or a failure makes true.
  bool wait_for(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), condition);
  }
  void learn_all(const std::string& name) {
    const store::SourceRef ref = source(name);
    ASSERT_TRUE(wait_for([&] {
      const auto snapshot = snapshots_->get(ref);
      return !fatal_.is_ok() || (snapshot && snapshot->learned_seq == store_->fold_head(ref)->folded_seq);
    }));
    ASSERT_TRUE(fatal_.is_ok()) << fatal_.to_string();
  }
  // Until a state with steps is in memory again, by replay or from its blob.
  void wait_for_weights(const std::string& name) {
    const store::SourceRef ref = source(name);
    ASSERT_TRUE(wait_for([&] {
      const auto snapshot = snapshots_->get(ref);
      return !fatal_.is_ok() || (snapshot && snapshot->weights);
    }));
    ASSERT_TRUE(fatal_.is_ok()) << fatal_.to_string();
  }
  void run_to_end(const std::vector<std::string>& names) {
    start();
    for (const std::string& name : names) learn_all(name);
    stop();
  }
  store::NetHead head(const std::string& name = "s") { return *store_->of(source(name)).net; }
  std::uint64_t skipped(const std::string& name, fold::Outcome outcome) {
    return head(name).skipped_by_reason[static_cast<std::size_t>(outcome)];
  }
  // What a store learns that reads the same without disturbance, by source.
  std::vector<std::string> twin(const std::vector<std::string>& names, int lines) {
    stop();
    auto mine = std::exchange(store_, std::make_unique<testing::MemoryStore>());
    std::vector<std::string> learned;
    for (const std::string& name : names) write(name, 1, lines);
    run_to_end(names);
    for (const std::string& name : names) learned.push_back(store_->learned(source(name)));
    store_ = std::move(mine);
    return learned;
  }
  std::string learned(const std::string& name = "s") { return store_->learned(source(name)); }

  static inline std::shared_ptr<const model::Model>* model_ = nullptr;
  SystemClock system_clock_;
  std::unique_ptr<testing::MemoryStore> store_;
  fold::PolicyConfig policy_{.learn_tokens_per_s = 300, .burst_tokens = 2000};
  LearnOptions options_;
  std::function<void(std::string_view)> on_point_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Status fatal_;
  std::unique_ptr<model::Learner> learner_;
  std::unique_ptr<Snapshots> snapshots_;
  std::unique_ptr<LearnLoop> loop_;
};

}  // namespace silt::learn
