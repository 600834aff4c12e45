// Inputs that hang, come and go while intake runs.
#include <condition_variable>
#include <map>
#include <mutex>

#include "connectors/inbox.h"
#include "tests/daemon/intake_fixture.h"

namespace silt::intake {
namespace {

// --- inputs that hang -------------------------------------------------------------------------------

// Its first poll, or whichever it is told, does not come back until it is let go.
class HangingConnector final : public connectors::Connector {
 public:
  struct Gate {
    std::mutex mutex;
    std::condition_variable opened;
    bool open = false;
    std::atomic<bool> inside{false};
    void let_go() {
      const std::lock_guard lock(mutex);
      open = true;
      opened.notify_all();
    }
  };
  HangingConnector(ScriptedConnector::Log& log, std::shared_ptr<Gate> gate) : inner_(log), gate_(std::move(gate)) {}
  Status resume(std::span<const connectors::CursorRow> rows) override { return inner_.resume(rows); }
  Result<bool> poll(const connectors::ReadLimits& limits, connectors::Batch& out) override {
    activity_->at("/mnt/nfs/a.log");
    const auto gate = gate_;
    std::unique_lock lock(gate->mutex);
    gate->inside = true;
    gate->opened.wait(lock, [&] { return gate->open; });
    auto polled = inner_.poll(limits, out);
    gate->inside = false;
    return polled;
  }
  void confirm() override { inner_.confirm(); }
  void notify_when_ready(std::function<void()> wake) override { inner_.notify_when_ready(std::move(wake)); }
  connectors::ConnectorStats stats() const override { return {}; }
  std::shared_ptr<const connectors::Activity> activity() const override { return activity_; }

 private:
  ScriptedConnector inner_;
  std::shared_ptr<Gate> gate_;
  std::shared_ptr<connectors::Activity> activity_ = std::make_shared<connectors::Activity>();
};

class HangTest : public IntakeTest {
 protected:
  void start_with_hang() {
    options_.answer_ms = 1;
    options_.end_ms = 1;
    start();
    slow_.lines = {"slow 1", "slow 2"};
    slow_.stream = "slow";
    intake_->add({"default", "nfs", "file"}, std::make_unique<HangingConnector>(slow_, gate_));
  }
  // Rounds until the thread of the other input has answered.
  void drain_others() {
    while (intake_->counters().records < 10) ASSERT_TRUE(intake_->round().is_ok());
  }
  InputStatus status(const std::string& name) {
    for (const InputStatus& each : intake_->status()) {
      if (each.name == name) return each;
    }
    return {};
  }
  ScriptedConnector::Log slow_;
  std::shared_ptr<HangingConnector::Gate> gate_ = std::make_shared<HangingConnector::Gate>();
};

TEST_F(HangTest, TheOthersGoOnAndStatusNamesThePlace) {
  start_with_hang();
  drain_others();
  EXPECT_EQ(journal(source("host:/var/log/x")), log_.lines);
  while (!gate_->inside) std::this_thread::yield();
  ASSERT_TRUE(intake_->round().is_ok());
  clock_.advance_us(6'000'000);
  ASSERT_TRUE(intake_->round().is_ok());
  EXPECT_EQ(status("nfs").state, "hung");
  EXPECT_NE(status("nfs").stats.last_error.find("/mnt/nfs/a.log"), std::string::npos);
  EXPECT_EQ(status("host").stats.last_error, "");
  gate_->let_go();
  while (intake_->counters().records < 12) ASSERT_TRUE(intake_->round().is_ok());
  EXPECT_EQ(journal(source("slow")), slow_.lines);
  EXPECT_EQ(status("nfs").state, "waiting");
  EXPECT_EQ(status("nfs").stats.last_error, "");
}

TEST_F(HangTest, StopDoesNotWaitForIt) {
  start_with_hang();
  intake_->start();
  while (!gate_->inside) std::this_thread::yield();
  while (intake_->counters().records < 10) std::this_thread::yield();
  intake_->stop();
  intake_.reset();
  gate_->let_go();  // its thread ends by itself, and stores nothing
  while (gate_->inside) std::this_thread::yield();
  EXPECT_EQ(journal(source("host:/var/log/x")), log_.lines);
  EXPECT_TRUE(journal(source("slow")).empty());
}

// --- inputs that come and go ------------------------------------------------------------------------

TEST_F(IntakeTest, InputsAreAddedRemovedAndChangedWhileItRuns) {
  start();
  intake_->start();
  while (intake_->counters().records < 10) std::this_thread::yield();
  ScriptedConnector::Log other = log_;
  other.stream = "other";
  add("other", other);
  while (intake_->counters().records < 20) std::this_thread::yield();
  ScriptedConnector::Log changed = log_;
  changed.lines.emplace_back("line 11");
  intake_->remove("other");
  intake_->remove("host");
  add("host", changed);  // it goes on where the former one stood
  while (intake_->counters().records < 21) std::this_thread::yield();
  EXPECT_EQ(changed.resumed_at, 10);
  ASSERT_EQ(intake_->status().size(), 1u);
  EXPECT_EQ(intake_->status()[0].name, "host");
  intake_->stop();
  EXPECT_EQ(journal(source("host:/var/log/x")), changed.lines);
  EXPECT_EQ(journal(source("other")), other.lines);
}

// --- inputs that fill ---------------------------------------------------------------------------------

TEST_F(IntakeTest, AnInputThatIsFillingIsNotPutOffToMakeALargerAppend) {
  options_.group_ms = 50;  // of a clock that stands still
  connectors::InboxOptions inbox_options;
  inbox_options.filling_bytes = 10'000;
  intake_ = std::make_unique<Intake>(*counted_, clock_, options_);
  auto owned = std::make_unique<connectors::Inbox>(inbox_options);
  connectors::Inbox& inbox = *owned;
  intake_->add({"default", "push", "feed"}, std::move(owned));
  const auto offer = [&](const std::string& text) {
    connectors::Delivery delivery;
    connectors::Record record;
    record.text = delivery.arena.copy(text);
    delivery.records.push_back(record);
    ASSERT_EQ(inbox.offer(std::move(delivery), [](const Status&) {}), connectors::Inbox::Answer::kTaken);
  };
  ASSERT_TRUE(intake_->round().is_ok());  // resumes it
  intake_->start();
  offer("small");
  offer(std::string(10'000, 'x'));
  while (intake_->counters().records < 2) std::this_thread::yield();
  offer(std::string(10'000, 'y'));
  while (intake_->counters().records < 3) std::this_thread::yield();
  offer("waits for the clock");
  EXPECT_EQ(intake_->counters().records, 3u);
  clock_.advance_us(1'000'000);
  while (intake_->counters().records < 4) std::this_thread::yield();
  intake_->stop();
}

// --- what a tenant may have -------------------------------------------------------------------------

class AllowanceTest : public IntakeTest {};

TEST_F(AllowanceTest, AnInputWaitsWhileItsTenantMayNotReadAndGoesOnWhereItStood) {
  bool may = true;
  std::uint64_t bytes = 0;
  options_.may_read = [&](const std::string& tenant) { return tenant != "default" || may; };
  options_.have_read = [&](const std::string& tenant, std::uint64_t read) {
    EXPECT_EQ(tenant, "default");
    bytes += read;
    may = bytes < 20;  // of lines of six bytes, three of which come at a time
  };
  start();
  drain();
  EXPECT_EQ(journal().size(), 6u);
  EXPECT_EQ(bytes, 36u);
  for (int i = 0; i < 3; ++i) drain();
  EXPECT_EQ(journal().size(), 6u);
  EXPECT_EQ(intake_->status().at(0).state, "paused");
  EXPECT_NE(intake_->status().at(0).stats.last_error.find("quota.mib_per_day"), std::string::npos);
  bytes = 0;
  may = true;
  options_.have_read = [](const auto&, auto) {};
  drain();
  EXPECT_EQ(journal().size(), 6u);  // it is looked at again in a second
  for (int i = 0; i < 10; ++i) {
    bytes = 0;
    may = true;
    clock_.advance_us(1'000'000);
    drain();
  }
  ASSERT_EQ(journal().size(), 10u);
  EXPECT_EQ(journal().back(), "line 10");
}

TEST_F(AllowanceTest, WhatWouldBeASourceTooManyIsPartOfOneAndLosesNothing) {
  options_.may_open = [](const std::string&, const std::function<std::uint64_t()>& count) { return count() < 2; };
  start();
  std::vector<ScriptedConnector::Log> more(3);
  for (std::size_t i = 0; i < more.size(); ++i) {
    more[i].stream = "host:/var/log/" + std::to_string(i);
    more[i].lines = {"first of " + std::to_string(i), "last of " + std::to_string(i)};
    add("more" + std::to_string(i), more[i]);
  }
  drain();
  std::map<std::string, std::size_t> records;
  for (const SourceInfo& info : store_->sources()) records[info.name] = journal(info).size();
  EXPECT_EQ(records, (std::map<std::string, std::size_t>{
                         {"host:/var/log/x", 10}, {"host:/var/log/0", 2}, {"more1:others", 2}, {"more2:others", 2}}));
  // Those that are there stay what they are.
  log_.lines.push_back("line 11");
  more[0].lines.push_back("later of 0");
  intake_.reset();
  start();
  add("more0", more[0]);
  drain();
  EXPECT_EQ(journal(source("host:/var/log/x")).size(), 11u);
  EXPECT_EQ(journal(source("host:/var/log/0")).size(), 3u);
}

}  // namespace
}  // namespace silt::intake
