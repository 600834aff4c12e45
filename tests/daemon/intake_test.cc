// Intake with a scripted connector over a real store.
#include "daemon/intake/intake.h"

#include <gtest/gtest.h>

#include <deque>

#include "connectors/batch_builder.h"
#include "daemon/store/rocks_store.h"
#include "tests/support/temp_dir.h"

namespace silt::daemon {
namespace {

using silt::testing::TempDir;

// Serves numbered lines from a position, as a real connector does: what was not confirmed is read
// again, and a resumed one continues after its cursor row.
class ScriptedConnector final : public connectors::Connector {
 public:
  struct Log {
    std::vector<std::string> lines;
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
    connectors::StreamWriter writer(builder, "host:/var/log/x");
    for (std::size_t i = confirmed_; i < next_; ++i) {
      connectors::Record& record = writer.add(log_.lines[i], {"/var/log/x", 1, i, i + 1});
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

class IntakeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    reopen();
    options_.group_ms = 0;
    for (int i = 1; i <= 10; ++i) log_.lines.push_back("line " + std::to_string(i));
  }
  void reopen() {
    intake_.reset();
    store_.reset();
    DatabaseOptions options;
    options.path = dir_.path("store");
    store_ = RocksStore::open(options).value();
  }
  void start() {
    intake_ = std::make_unique<Intake>(*store_, clock_, options_);
    intake_->add("default", "host", "file", std::make_unique<ScriptedConnector>(log_));
  }
  void drain() {
    for (;;) {
      const auto more = intake_->round();
      ASSERT_TRUE(more.is_ok());
      if (!*more) return;
    }
  }
  std::vector<std::string> journal() {
    std::vector<JournalRecord> records;
    const auto sources = store_->sources();
    if (sources.empty()) return {};
    EXPECT_TRUE(store_->read_after(sources[0].ref, 0, 1 << 20, 1000, records).is_ok());
    std::vector<std::string> out;
    for (const JournalRecord& record : records) out.push_back(record.text);
    return out;
  }

  TempDir dir_;
  ManualClock clock_{1'700'000'000'000'000};
  IntakeOptions options_;
  ScriptedConnector::Log log_;
  std::unique_ptr<RocksStore> store_;
  std::unique_ptr<Intake> intake_;
};

TEST_F(IntakeTest, EveryRecordOnceAndInOrder) {
  int wakes = 0;
  options_.on_journalled = [&] { ++wakes; };
  start();
  drain();
  EXPECT_EQ(journal(), log_.lines);
  EXPECT_EQ(wakes, 4);
  const SourceInfo info = store_->sources()[0];
  EXPECT_EQ(info.name, "host:/var/log/x");
  EXPECT_EQ(info.connector, "host");
  EXPECT_EQ(store_->intake_head(info.ref)->lines, 10u);
  EXPECT_EQ(store_->intake_head(info.ref)->bytes, 61u);
  const JournalRecord record = store_->read(info.ref, 10).value();
  EXPECT_EQ(record.origin.begin, 9u);
  EXPECT_EQ(record.arrival_us, clock_.wall_us());
  EXPECT_EQ(record.sha256.size(), 32u);
  EXPECT_NE(record.sha256, store_->read(info.ref, 9)->sha256);
}

TEST_F(IntakeTest, ResumesAfterTheLastDurableBatch) {
  start();
  ASSERT_TRUE(intake_->round().is_ok());  // three lines
  reopen();
  start();
  drain();
  EXPECT_EQ(log_.resumed_at, 3);
  EXPECT_EQ(journal(), log_.lines);
}

// The memory of redaction is as durable as the lines: a key may lie across batches and restarts.
TEST_F(IntakeTest, APrivateKeyAcrossARestartIsRedacted) {
  log_.lines = {"before",
                "-----BEGIN EC PRIVATE KEY-----",
                "c2VjcmV0IG9uZSBzZWNyZXQgb25l",
                "c2VjcmV0IHR3byBzZWNyZXQgdHdv",
                "-----END EC PRIVATE KEY-----",
                "after"};
  start();
  ASSERT_TRUE(intake_->round().is_ok());  // three lines
  reopen();
  start();
  drain();
  const std::vector<std::string> kept = journal();
  ASSERT_EQ(kept.size(), log_.lines.size());
  for (const std::string& line : kept) EXPECT_EQ(line.find("c2VjcmV0"), std::string::npos) << line;
  EXPECT_EQ(kept.front(), "before");
  EXPECT_EQ(kept.back(), "after");
}

// Died between the append and the confirmation: the store decides, not the connector.
TEST_F(IntakeTest, ABatchThatIsDurableButNotConfirmedIsNotRepeated) {
  struct Death {};
  int left = 2;
  options_.at_point = [&](std::string_view point) {
    if (point == "intake.after_append" && --left == 0) throw Death();
  };
  start();
  EXPECT_THROW(drain(), Death);
  options_.at_point = nullptr;
  reopen();
  start();
  drain();
  EXPECT_EQ(log_.resumed_at, 6);
  EXPECT_EQ(journal(), log_.lines);
}

TEST_F(IntakeTest, ABatchThatIsNotDurableIsReadAgain) {
  struct Death {};
  int left = 2;
  options_.at_point = [&](std::string_view point) {
    if (point == "intake.before_append" && --left == 0) throw Death();
  };
  start();
  EXPECT_THROW(drain(), Death);
  options_.at_point = nullptr;
  reopen();
  start();
  drain();
  EXPECT_EQ(log_.resumed_at, 3);
  EXPECT_EQ(journal(), log_.lines);
}

TEST_F(IntakeTest, AFailingConnectorIsAskedAgainWithGrowingPauses) {
  for (int i = 0; i < 3; ++i)
    log_.failures.push_back(unavailable("no rights; add siltd's user to group adm"));
  start();
  ASSERT_TRUE(intake_->round().is_ok());
  ASSERT_EQ(intake_->status().size(), 1u);
  EXPECT_EQ(intake_->status()[0].state, "failing");
  EXPECT_NE(intake_->status()[0].stats.last_error.find("group adm"), std::string::npos);
  ASSERT_TRUE(intake_->round().is_ok());
  EXPECT_EQ(intake_->counters().connector_failures, 1u);  // not yet
  std::int64_t pause_us = 100'000;
  for (int failure = 2; failure <= 3; ++failure, pause_us *= 2) {
    clock_.advance_us(pause_us - 1);
    ASSERT_TRUE(intake_->round().is_ok());
    EXPECT_EQ(intake_->counters().connector_failures, static_cast<std::uint64_t>(failure - 1));
    clock_.advance_us(1);
    ASSERT_TRUE(intake_->round().is_ok());
    EXPECT_EQ(intake_->counters().connector_failures, static_cast<std::uint64_t>(failure));
  }
  clock_.advance_us(1'000'000);
  drain();
  EXPECT_EQ(journal(), log_.lines);
}

TEST_F(IntakeTest, SecretsNeverReachTheJournal) {
  log_.lines = {"login password=hunter2 ok"};
  start();
  drain();
  ASSERT_EQ(journal().size(), 1u);
  EXPECT_EQ(journal()[0].find("hunter2"), std::string::npos);
  EXPECT_EQ(store_->intake_head(store_->sources()[0].ref)->redactions, 1u);
}

TEST_F(IntakeTest, GapsAreCounted) {
  log_.lines = {"a", "GAP lost 100 bytes", "b"};
  start();
  drain();
  const IntakeHead head = store_->intake_head(store_->sources()[0].ref).value();
  EXPECT_EQ(head.lines, 2u);
  EXPECT_EQ(head.gaps, 1u);
  EXPECT_EQ(head.bytes_lost, 100u);
  EXPECT_EQ(head.journal_seq, 3u);
}

TEST_F(IntakeTest, AFullDiskStopsReadingAndReadingGoesOnAfterwards) {
  options_.store_path = dir_.path();
  options_.free_bytes_min = ~std::uint64_t{0} >> 1;
  start();
  drain();
  EXPECT_TRUE(journal().empty());
  EXPECT_EQ(intake_->status()[0].state, "paused");
  options_.free_bytes_min = 1;
  start();
  drain();
  EXPECT_EQ(journal(), log_.lines);
}

TEST_F(IntakeTest, TheThreadReadsAllAndStops) {
  std::atomic<bool> done{false};
  start();
  intake_->start();
  while (intake_->counters().records < 10) std::this_thread::yield();
  intake_->stop();
  EXPECT_EQ(journal(), log_.lines);
}

// A store that can no longer write ends intake, once, with the reason.
class FullStore final : public RecordLog {
 public:
  Result<SourceInfo> open_source(const std::string&, const std::string&, const std::string&) override {
    return SourceInfo();
  }
  std::vector<SourceInfo> sources() const override { return {}; }
  Status append(JournalBatch&) override { return resource_exhausted("store /x: disk full"); }
  Result<std::vector<connectors::CursorRow>> cursors(const std::string&) const override {
    return std::vector<connectors::CursorRow>();
  }
  Status read_after(SourceRef, Seq, std::uint64_t, std::uint32_t,
                    std::vector<JournalRecord>&) const override {
    return Status::ok();
  }
  Result<JournalRecord> read(SourceRef, Seq) const override { return not_found(""); }
  Result<IntakeHead> intake_head(SourceRef) const override { return IntakeHead(); }
  Status append_shed_mark(SourceRef, const ShedMark&) override { return Status::ok(); }
  Result<std::vector<ShedMark>> shed_marks(SourceRef, Seq) const override { return std::vector<ShedMark>(); }
};

TEST_F(IntakeTest, AStoreThatCannotWriteIsFinal) {
  FullStore full;
  std::atomic<int> fatal{0};
  options_.on_fatal = [&](const Status& status) {
    EXPECT_NE(status.message().find("disk full"), std::string::npos);
    ++fatal;
  };
  Intake intake(full, clock_, options_);
  intake.add("default", "host", "file", std::make_unique<ScriptedConnector>(log_));
  intake.start();
  while (fatal == 0) std::this_thread::yield();
  intake.stop();
  EXPECT_EQ(fatal, 1);
}

}  // namespace
}  // namespace silt::daemon
