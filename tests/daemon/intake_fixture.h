// Intake with scripted connectors over a real store.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "connectors/batch_builder.h"
#include "connectors/waiter.h"
#include "daemon/intake/intake.h"
#include "daemon/store/rocks_store.h"
#include "tests/support/power_loss_env.h"
#include "tests/support/temp_dir.h"

namespace silt::intake {

using store::GroupAppend;
using store::IntakeHead;
using store::JournalRecord;
using store::RocksStore;
using store::SourceInfo;
using store::SourceRef;

// Serves numbered lines from a position, as a real connector does: what was not confirmed is read
// again, and a resumed one continues after its cursor row.
class ScriptedConnector final : public connectors::Connector {
 public:
  struct Log {
    std::vector<std::string> lines;
    std::vector<connectors::Attribute> attributes;  // of each line
    std::string stream = "host:/var/log/x";
    std::deque<Status> failures;  // of the next polls
    int resumed_at = -1;
  };
  explicit ScriptedConnector(Log& log) : log_(log) {}

  Status resume(std::span<const connectors::CursorRow> rows) override {
    for (const auto& row : rows) confirmed_ = std::stoul(row.value);
    log_.resumed_at = static_cast<int>(confirmed_);
    return Status::ok();
  }
  Result<bool> poll(const connectors::ReadLimits& limits, connectors::Batch& out) override {
    if (!log_.failures.empty()) {
      const Status failure = log_.failures.front();
      log_.failures.pop_front();
      return failure;
    }
    next_ = std::min(confirmed_ + 3, log_.lines.size());
    connectors::BatchBuilder builder(limits, out);
    connectors::StreamWriter writer(builder, log_.stream);
    for (std::size_t i = confirmed_; i < next_; ++i) {
      connectors::Record& record = writer.add(log_.lines[i], {"/var/log/x", 1, i, i + 1});
      record.told_us = 77;
      connectors::attach(log_.attributes, record, writer.arena());
      if (record.text.starts_with("GAP")) {
        record.flags = connectors::kRecordGap;
        record.bytes_cut = 100;
      }
    }
    if (next_ > confirmed_) out.cursors.push_back({"position", std::to_string(next_), false});
    return next_ < log_.lines.size();
  }
  void confirm() override { confirmed_ = next_; }
  void notify_when_ready(std::function<void()> wake) override { wake(); }
  connectors::ConnectorStats stats() const override { return {}; }

 private:
  Log& log_;
  std::size_t confirmed_ = 0, next_ = 0;
};

// The real log, counted; or one that cannot write.
class CountedLog final : public store::RecordLog {
 public:
  explicit CountedLog(RecordLog& real) : real_(real) {}
  Result<SourceInfo> open_source(const std::string& tenant, const std::string& stream,
                                 const std::string& connector) override {
    return real_.open_source(tenant, stream, connector);
  }
  std::vector<SourceInfo> sources() const override { return real_.sources(); }
  Result<SourceInfo> source(SourceRef ref) const override { return real_.source(ref); }
  Status append(const GroupAppend& group) override {
    if (is_full) return resource_exhausted("store /x: disk full");
    ++appends;
    streams.push_back(group.streams.size());
    return real_.append(group);
  }
  Result<std::vector<connectors::CursorRow>> cursors(const std::string& connector) const override {
    return real_.cursors(connector);
  }
  Result<store::BlockPtr> block_after(SourceRef source, store::Seq after) const override {
    return real_.block_after(source, after);
  }
  Result<JournalRecord> read(SourceRef source, store::Seq seq) const override {
    return real_.read(source, seq);
  }
  Result<IntakeHead> intake_head(SourceRef source) const override { return real_.intake_head(source); }
  Result<std::vector<store::Gap>> gaps(SourceRef source) const override { return real_.gaps(source); }
  Status append_shed_mark(SourceRef source, const store::ShedMark& mark) override {
    return real_.append_shed_mark(source, mark);
  }
  Result<std::vector<store::ShedMark>> shed_marks(SourceRef source, store::Seq after) const override {
    return real_.shed_marks(source, after);
  }

  std::atomic<bool> is_full{false};
  std::size_t appends = 0;
  std::vector<std::size_t> streams;  // of each append

 private:
  RecordLog& real_;
};

class NoWaiter final : public connectors::Waiter {
 public:
  void wait(int, std::chrono::milliseconds, std::function<void()>) override {}
};

class IntakeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    reopen();
    options_.group_ms = 0;
    options_.answer_ms = 60'000;  // nothing here takes time, but the machine may
    for (int i = 1; i <= 10; ++i) log_.lines.push_back("line " + std::to_string(i));
  }
  void reopen() {
    intake_.reset();
    store_.reset();
    store::StoreOptions options;
    options.database.path = dir_.path("store");
    options.database.env = env_.env();
    store_ = RocksStore::open(options).value();
    counted_ = std::make_unique<CountedLog>(*store_);
  }
  void start() {
    intake_ = std::make_unique<Intake>(*counted_, clock_, options_);
    add("host", log_);
  }
  void add(const std::string& name, ScriptedConnector::Log& log) {
    intake_->add({"default", name, "file"}, std::make_unique<ScriptedConnector>(log));
  }
  void drain() {
    for (;;) {
      const auto more = intake_->round();
      ASSERT_TRUE(more.is_ok()) << more.status().to_string();
      if (!*more) return;
    }
  }
  std::vector<std::string> journal(const SourceInfo& source) {
    std::vector<std::string> out;
    for (store::Seq after = 0;;) {
      const store::BlockPtr block = store_->block_after(source.ref, after).value();
      if (!block) return out;
      for (const store::RecordView& record : block->records.records()) out.emplace_back(record.text);
      after = block->last_seq;
    }
  }
  // Of the only source.
  std::vector<std::string> journal() {
    const auto sources = store_->sources();
    return sources.empty() ? std::vector<std::string>() : journal(sources[0]);
  }
  SourceInfo source(const std::string& name) { return store_->open_source("default", name, "host").value(); }

  testing::TempDir dir_;
  testing::PowerLossEnv env_;  // waits for no disk, and counts syncs
  ManualClock clock_{1'700'000'000'000'000};
  IntakeOptions options_;
  ScriptedConnector::Log log_;
  std::unique_ptr<RocksStore> store_;
  std::unique_ptr<CountedLog> counted_;
  std::unique_ptr<Intake> intake_;
};

}  // namespace silt::intake
