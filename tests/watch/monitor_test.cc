#include "daemon/watch/monitor.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/daemon/fold_fixture.h"

namespace silt::watch {
namespace {

// A monitor without its thread over a real store and fold.
class MonitorTest : public learn::FoldLoopTest {
 protected:
  void SetUp() override {
    FoldLoopTest::SetUp();
    normals_ = std::make_unique<Normals>(*store_, clock_);
    monitor_ = std::make_unique<Monitor>(Monitor::Stores{*store_, *store_, *store_, *store_}, clock_, board_, *normals_, nullptr);
  }
  // Folds, and has the monitor look.
  void look(const store::SourceInfo& info) {
    drain();
    monitor_->ready(std::span(&info.ref, 1));
    monitor_->round();
  }
  void lines(const store::SourceInfo& info, int count) {
    append_lines(info, std::vector<std::string>(static_cast<std::size_t>(count), "worker did its step"), "/var/log/a.log");
    look(info);
  }
  void gap(const store::SourceInfo& info) {
    store::RecordView record;
    record.text = "12 bytes were lost";
    record.arrival_us = clock_.wall_us();
    record.flags = connectors::kRecordGap;
    store::GroupAppend group;
    group.streams.push_back({info.ref, {record}, {.gaps = 1}});
    ASSERT_TRUE(store_->append(group).is_ok());
    loop_->ready(std::span(&info.ref, 1));
  }
  std::size_t told(Kind kind) const {
    const auto news = board_.since("", true, [](auto) { return true; });
    std::size_t count = 0;
    for (const Incident& incident : news->incidents) {
      count += static_cast<std::size_t>(std::count_if(incident.changes.begin(), incident.changes.end(),
                                                      [&](const Change& change) { return change.kind == kind; }));
    }
    return count;
  }

  Board board_{"test"};
  std::unique_ptr<Normals> normals_;
  std::unique_ptr<Monitor> monitor_;
};

TEST_F(MonitorTest, NothingIsKeptOfSourcesWithFewRecords) {
  for (int i = 0; i < 20; ++i) lines(source("few" + std::to_string(i)), 3);
  EXPECT_EQ(monitor_->watched(), 0U);
  const store::SourceInfo grown = source("few7");
  lines(grown, static_cast<int>(Monitor::kRecordsMin));
  EXPECT_EQ(monitor_->watched(), 1U);
}

TEST_F(MonitorTest, ANewPatternIsToldOfASourceThatBeganWithFewRecords) {
  const store::SourceInfo info = source();
  for (int i = 0; i < 300; ++i) lines(info, 2);
  append_lines(info, {"the disk is on fire"}, "/var/log/a.log");
  look(info);
  EXPECT_EQ(told(Kind::kNewPattern), 1U);
}

TEST_F(MonitorTest, AGapIsToldHoweverFewRecordsThereAre) {
  const store::SourceInfo info = source();
  lines(info, 2);
  gap(info);
  look(info);
  EXPECT_EQ(told(Kind::kGap), 1U);
  look(info);
  EXPECT_EQ(told(Kind::kGap), 1U) << "and once";
}

TEST_F(MonitorTest, AGapOfBeforeTheStartIsHistory) {
  const store::SourceInfo info = source();
  gap(info);
  clock_.advance_us(1'000'000);
  monitor_ = std::make_unique<Monitor>(Monitor::Stores{*store_, *store_, *store_, *store_}, clock_, board_, *normals_, nullptr);
  look(info);
  EXPECT_EQ(told(Kind::kGap), 0U);
}

TEST_F(MonitorTest, WhatALineTellsOfTroubleIsSeenInItsText) {
  const store::SourceInfo info = source();
  lines(info, 200);
  append_lines(info, {"FATAL the disk crashed"}, "/var/log/a.log");
  look(info);
  EXPECT_EQ(told(Kind::kSeverity), 1U);
}

}  // namespace
}  // namespace silt::watch
