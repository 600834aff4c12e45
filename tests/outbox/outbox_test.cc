// The outbox behind a real fold, monitor and store: what becomes an alert, and that none is lost or told for ever.
#include "daemon/outbox/outbox.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "daemon/watch/monitor.h"
#include "tests/daemon/fold_fixture.h"

namespace silt::outbox {
namespace {

using watch::Monitor;

constexpr std::int64_t kSecondUs = 1'000'000, kDayUs = 86'400 * kSecondUs;
const std::int64_t kGatherUs = DestinationOptions().gather_us;

// Keeps what is sent, and answers as the test says. `sent` outlives processes.
class Recorder final : public Destination {
 public:
  Recorder(std::vector<Message>& sent, Sent& says) : sent_(sent), says_(says) {}
  Sent send(const Message& message) override {
    if (on_send) on_send();
    sent_.push_back(message);
    return says_;
  }
  void cancel() override {}
  std::function<void()> on_send;

 private:
  std::vector<Message>& sent_;
  Sent& says_;
};

class OutboxTest : public learn::FoldLoopTest {
 protected:
  void SetUp() override {
    FoldLoopTest::SetUp();
    begin_process();
  }
  // A siltd that begins, on the store as it is; the one before has gone without a word.
  void begin_process() {
    monitor_.reset();
    outbox_.reset();
    reopen();
    board_ = std::make_unique<watch::Board>("board" + std::to_string(++processes_));
    normals_ = std::make_unique<watch::Normals>(*store_, clock_);
    renderer_ = std::make_unique<Renderer>(watch::DigestStores{*store_, *store_, *store_}, "db3", [](std::int64_t) { return 3600; });
    outbox_ = std::make_unique<Outbox>(
        Outbox::Parts{*store_, *store_, *renderer_, clock_, board_->name(), [](const Status& status) { FAIL() << status.message(); }});
    for (const DestinationOptions& options : destinations_) {
      auto recorder = std::make_unique<Recorder>(sent_[options.name], says_[options.name]);
      recorders_[options.name] = recorder.get();
      outbox_->add(options, std::move(recorder));
    }
    ASSERT_TRUE(outbox_->load().is_ok());
    monitor_ = std::make_unique<Monitor>(Monitor::Stores{*store_, *store_, *store_, *store_}, clock_, *board_, *normals_, outbox_.get());
  }
  void with(std::vector<DestinationOptions> destinations) {
    destinations_ = std::move(destinations);
    begin_process();
  }
  void look(const store::SourceInfo& info) {
    drain();
    monitor_->ready(std::span(&info.ref, 1));
    monitor_->round();
  }
  // A source with a history, in which nothing happens.
  store::SourceInfo quiet(const std::string& name = "a") {
    const store::SourceInfo info = source(name);
    append_lines(info, std::vector<std::string>(600, "worker did its step"), "/var/log/a.log");
    look(info);
    return info;
  }
  void trouble(const store::SourceInfo& info, const std::string& what = "disk") {
    append_lines(info, {"FATAL the " + what + " crashed"}, "/var/log/a.log");
    look(info);
  }
  void pass(std::int64_t us) { clock_.advance_us(us); }
  Status step(const std::string& name = "ops") { return outbox_->step(name); }
  std::size_t sent(const std::string& name = "ops") { return sent_[name].size(); }
  silt::v1::AlertStatus status(const std::string& name = "ops") {
    for (const auto& each : outbox_->status([](const std::string&) { return true; })) {
      if (each.name() == name) return each;
    }
    return {};
  }

  int processes_ = 0;
  std::vector<DestinationOptions> destinations_ = {{.name = "ops", .url = "http://localhost/"}};
  std::map<std::string, std::vector<Message>> sent_;
  std::map<std::string, Sent> says_;
  std::map<std::string, Recorder*> recorders_;
  std::unique_ptr<watch::Board> board_;
  std::unique_ptr<watch::Normals> normals_;
  std::unique_ptr<Renderer> renderer_;
  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<Monitor> monitor_;
};

TEST_F(OutboxTest, AnIncidentIsToldOnceWithWhatBelongsToIt) {
  const store::SourceInfo info = quiet();
  EXPECT_EQ(step().code(), Code::kNotFound);
  trouble(info);
  EXPECT_EQ(step().code(), Code::kNotFound) << "more of it may come";
  pass(5 * kSecondUs);
  trouble(info, "network");
  pass(kGatherUs);
  ASSERT_TRUE(step().is_ok());
  ASSERT_EQ(sent(), 1U);
  const Message& message = sent_["ops"].front();
  EXPECT_EQ(message.title, "[silt db3] severity in a");
  EXPECT_NE(message.text.find("a tells of trouble, which is not usual there: \"the disk crashed\""), std::string::npos) << message.text;
  EXPECT_NE(message.text.find("#601 FATAL the disk crashed"), std::string::npos) << message.text;
  EXPECT_NE(message.text.find("network"), std::string::npos) << message.text;
  EXPECT_NE(message.json.find("\"kind\":\"severity\""), std::string::npos) << message.json;
  trouble(info, "memory");
  pass(2 * kGatherUs);
  EXPECT_EQ(step().code(), Code::kNotFound) << "it is known already";
  EXPECT_EQ(status().sent(), 1U);
  EXPECT_EQ(status().waiting(), 0U);
}

TEST_F(OutboxTest, AKillBetweenWritingAndSendingLosesNothing) {
  trouble(quiet());
  begin_process();
  EXPECT_EQ(status().waiting(), 1U);
  pass(kGatherUs);
  ASSERT_TRUE(step().is_ok());
  EXPECT_EQ(sent(), 1U);
}

TEST_F(OutboxTest, AKillBetweenSendingAndMarkingSendsTheSameAgain) {
  trouble(quiet());
  pass(kGatherUs);
  recorders_["ops"]->on_send = [this] { says_["ops"].status = Status(Code::kCancelled, "killed"); };
  EXPECT_FALSE(step().is_ok());
  says_["ops"] = {};
  begin_process();
  ASSERT_TRUE(step().is_ok());
  ASSERT_EQ(sent(), 2U);
  EXPECT_EQ(sent_["ops"][0].id, sent_["ops"][1].id);
  EXPECT_EQ(sent_["ops"][0].text, sent_["ops"][1].text);
  begin_process();
  EXPECT_EQ(step().code(), Code::kNotFound) << "and then it is done";
}

TEST_F(OutboxTest, WhatWasFoldedAndNotLookedAtBeforeAKillIsNewsHoweverLate) {
  const store::SourceInfo info = quiet();
  append_lines(info, {"FATAL the disk crashed"}, "/var/log/a.log");
  drain();
  pass(kDayUs);
  begin_process();
  look(info);
  pass(kGatherUs);
  ASSERT_TRUE(step().is_ok());
  EXPECT_EQ(sent(), 1U);
}

TEST_F(OutboxTest, WhatWasToldIsNoNewsToTheNextProcess) {
  const store::SourceInfo info = quiet();
  trouble(info);
  pass(kGatherUs);
  ASSERT_TRUE(step().is_ok());
  begin_process();
  look(info);
  append_lines(info, {"worker did its step"}, "/var/log/a.log");
  look(info);
  pass(kGatherUs);
  EXPECT_EQ(step().code(), Code::kNotFound);
  EXPECT_EQ(status().waiting(), 0U);
}

TEST_F(OutboxTest, OneThatFailsIsTriedAgainLaterAndHoldsTheOthersInOrder) {
  const store::SourceInfo info = quiet();
  trouble(info);
  pass(400 * kSecondUs);
  trouble(info, "network");
  pass(kGatherUs);
  says_["ops"].status = unavailable("down: check it");
  EXPECT_EQ(step().code(), Code::kUnavailable);
  EXPECT_EQ(step().code(), Code::kNotFound) << "not at once";
  EXPECT_EQ(status().last_error(), "down: check it");
  EXPECT_EQ(status().failures(), 1U);
  EXPECT_GE(status().lag_ms(), 400'000U);
  pass(Outbox::wait_us(1, 0.5));
  says_["ops"].retry_after_us = 3'000 * kSecondUs;
  EXPECT_EQ(step().code(), Code::kUnavailable);
  pass(2'999 * kSecondUs);
  EXPECT_EQ(step().code(), Code::kNotFound) << "as the destination asks";
  pass(kSecondUs);
  says_["ops"] = {};
  ASSERT_TRUE(step().is_ok());
  ASSERT_TRUE(step().is_ok());
  ASSERT_EQ(sent(), 4U);
  EXPECT_EQ(sent_["ops"][2].id, sent_["ops"][0].id);
  EXPECT_NE(sent_["ops"][3].id, sent_["ops"][0].id);
  EXPECT_EQ(status().last_error(), "");
}

TEST_F(OutboxTest, OneThatIsRefusedForGoodStandsInNobodysWay) {
  const store::SourceInfo info = quiet();
  trouble(info);
  pass(400 * kSecondUs);
  trouble(info, "network");
  pass(kGatherUs);
  says_["ops"].status = invalid_argument("not like this");
  EXPECT_EQ(step().code(), Code::kInvalidArgument);
  says_["ops"] = {};
  ASSERT_TRUE(step().is_ok());
  EXPECT_EQ(status().refused(), 1U);
  EXPECT_EQ(status().sent(), 1U);
}

TEST_F(OutboxTest, WaitsGrowAreBoundedAndDiffer) {
  EXPECT_EQ(Outbox::wait_us(1, 0.5), Outbox::kFirstWaitUs);
  EXPECT_EQ(Outbox::wait_us(3, 0.5), 4 * Outbox::kFirstWaitUs);
  EXPECT_EQ(Outbox::wait_us(1'000'000, 0.5), Outbox::kLongestWaitUs);
  EXPECT_LT(Outbox::wait_us(3, 0.1), Outbox::wait_us(3, 0.9));
}

TEST_F(OutboxTest, MoreThanADayMayHaveAreCountedAndToldWithTheNext) {
  with({{.name = "ops", .url = "http://localhost/", .alerts_per_day = 2}});
  const store::SourceInfo info = quiet();
  for (int i = 0; i < 5; ++i) {
    trouble(info, "part" + std::string(1, static_cast<char>('a' + i)));
    pass(400 * kSecondUs);
  }
  begin_process();  // counts of the day survive
  while (step().is_ok()) continue;
  EXPECT_EQ(sent(), 2U);
  pass(kDayUs);
  trouble(info, "last one");
  pass(kGatherUs);
  ASSERT_TRUE(step().is_ok());
  EXPECT_NE(sent_["ops"].back().text.find("3 incidents before this message left out"), std::string::npos) << sent_["ops"].back().text;
}

TEST_F(OutboxTest, NobodyGetsWhatIsAnotherTenants) {
  with({{.name = "ops", .url = "http://localhost/"}, {.name = "shop", .tenant = "shop", .url = "http://localhost/"}});
  trouble(quiet());
  const store::SourceInfo theirs = store_->open_source("shop", "b", "shop").value();
  append_lines(theirs, std::vector<std::string>(600, "cart was filled"), "/srv/b.log");
  look(theirs);
  append_lines(theirs, {"FATAL the till is empty"}, "/srv/b.log");
  look(theirs);
  pass(kGatherUs);
  while (step("ops").is_ok()) continue;
  while (step("shop").is_ok()) continue;
  ASSERT_EQ(sent("ops"), 1U);
  ASSERT_EQ(sent("shop"), 1U);
  EXPECT_EQ(sent_["ops"][0].json.find("till"), std::string::npos);
  EXPECT_EQ(sent_["shop"][0].json.find("disk"), std::string::npos);
  EXPECT_EQ(outbox_->status([](const std::string& tenant) { return tenant == "shop"; }).size(), 1U);
}

TEST_F(OutboxTest, WhatIsDeletedMeanwhileIsNotTold) {
  const store::SourceInfo info = quiet();
  trouble(info);
  ASSERT_TRUE(store_->delete_source(info.ref, {}).is_ok());
  pass(kGatherUs);
  EXPECT_TRUE(step().is_ok());
  EXPECT_EQ(sent(), 0U);
  EXPECT_EQ(status().waiting(), 0U);
}

TEST_F(OutboxTest, ALogsTextIsNotInTheOutbox) {
  const store::SourceInfo info = quiet();
  trouble(info, "zebra");
  with_damage([](store::RawRows& raw, store::SourceRef) {
    const auto rows = raw.keys(store::Family::kMain, store::keys::kOutbox);
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(raw.value(store::Family::kMain, rows[0]).find("zebra"), std::string::npos);
  });
}

TEST_F(OutboxTest, ADigestComesOnceADayAlsoForDaysWithoutSiltd) {
  with({{.name = "ops", .url = "http://localhost/", .alerts = false, .digest_minute = 8 * 60}});
  const store::SourceInfo info = quiet();
  EXPECT_EQ(step().code(), Code::kNotFound) << "the first is of the next day";
  pass(kDayUs);
  append_lines(info, {"a new kind of line"}, "/var/log/a.log");
  look(info);
  ASSERT_TRUE(step().is_ok());
  EXPECT_EQ(step().code(), Code::kNotFound);
  ASSERT_EQ(sent(), 1U);
  EXPECT_TRUE(sent_["ops"][0].title.starts_with("[silt db3] digest: ")) << sent_["ops"][0].title;
  pass(3 * kDayUs);
  begin_process();
  ASSERT_TRUE(step().is_ok());
  EXPECT_EQ(step().code(), Code::kNotFound) << "one for all of them";
  EXPECT_NE(sent_["ops"][1].text.find("since 2023-11-15 08:00:00"), std::string::npos) << sent_["ops"][1].text;
}

TEST_F(OutboxTest, DestinationsThatAreGoneLeaveNothingBehind) {
  trouble(quiet());
  destinations_ = {{.name = "other", .url = "http://localhost/"}};
  begin_process();
  EXPECT_EQ(store_->outbox("ops", 10)->size(), 0U);
  EXPECT_TRUE(logged("alerts_dropped"));
  destinations_.clear();
  begin_process();
  EXPECT_FALSE(store_->watch_cursor(source().ref)->has_value()) << "whoever asks again wants no old news";
}

TEST_F(OutboxTest, ItsThreadsSendWhatBecomesDue) {
  std::mutex mutex;
  std::condition_variable came;
  recorders_["ops"]->on_send = [&] {
    const std::lock_guard lock(mutex);
    came.notify_all();
  };
  trouble(quiet());
  pass(kGatherUs);
  std::unique_lock lock(mutex);
  outbox_->start();
  EXPECT_EQ(came.wait_for(lock, std::chrono::seconds(60)), std::cv_status::no_timeout);
  lock.unlock();
  outbox_->stop();
  EXPECT_EQ(sent(), 1U);
}

}  // namespace
}  // namespace silt::outbox
