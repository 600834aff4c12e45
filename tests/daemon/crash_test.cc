// kill -9, or the loss of power, leaves no trace: however often and wherever the process dies, the store
// ends up as that of a twin which read the same input undisturbed.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <random>

#include "tests/daemon/crash_drill.h"

namespace silt::testing {
namespace {

class CrashTest : public ::testing::Test {
 protected:
  static std::uint64_t seed() {
    const unsigned fresh = std::random_device()();
    std::printf("seed %u\n", fresh);
    return fresh;
  }
  CrashDrill drill_{seed()};
};

TEST_F(CrashTest, KilledAtRandomMoments) {
  drill_.write_lines("app.log", 40);
  for (int i = 0; i < 25; ++i) drill_.round({"app.log"});
  EXPECT_EQ(drill_.difference(), "");
}

TEST_F(CrashTest, KilledWhileRetentionRemovesWhatIsOld) {
  drill_.retention_bytes = 1500;
  drill_.write_lines("app.log", 300);
  for (int i = 0; i < 15; ++i) drill_.round({"app.log"});
  EXPECT_EQ(drill_.difference(), "");
}

TEST_F(CrashTest, SeveralSources) {
  drill_.stamp_step_us = 0;  // their order in the journal differs from run to run
  for (const char* file : {"a.log", "b.log", "c.log", "d.log"}) drill_.write_lines(file, 40);
  for (int i = 0; i < 10; ++i) drill_.round({"a.log", "b.log", "c.log", "d.log"});
  EXPECT_EQ(drill_.difference(), "");
}

TEST_F(CrashTest, KilledAtEachNamedPoint) {
  drill_.write_lines("app.log", 60);
  for (const std::string& point : CrashDrill::points()) {
    for (const int count : {1, 3}) {
      drill_.write_lines("app.log", 50);
      drill_.die_at(point, count, false);
    }
  }
  EXPECT_EQ(drill_.difference(), "");
}

TEST_F(CrashTest, WithoutPowerAtEachNamedPoint) {
  drill_.write_lines("app.log", 60);
  for (const std::string& point : CrashDrill::points()) {
    for (const int count : {1, 4}) {
      drill_.write_lines("app.log", 50);
      drill_.die_at(point, count, true);
    }
  }
  EXPECT_EQ(drill_.difference(), "");
}

// Records are left out meanwhile: of what was learned, of what is being learned again, and of what is newest.
TEST_F(CrashTest, KilledWhileStatesAreRolledBack) {
  drill_.changes = {{60, {21, 40}}, {110, {90, 110}}, {150, {1, 9}}, {200, {35, 130}}};
  drill_.write_lines("app.log", 220);
  for (int i = 0; i < 12; ++i) drill_.round({"app.log"});
  EXPECT_EQ(drill_.difference(), "");
}

TEST_F(CrashTest, KilledAtEachMomentOfARollback) {
  drill_.write_lines("app.log", 60);
  for (const std::string& point : CrashDrill::rollback_points()) {
    for (const bool power : {false, true}) {
      const std::uint64_t lines = drill_.lines();
      drill_.changes.push_back({lines, {lines - 20, lines - 10}});
      drill_.write_lines("app.log", 50);
      drill_.die_at(point, 1, power);
    }
  }
  EXPECT_EQ(drill_.difference(), "");
}

TEST_F(CrashTest, KilledWhileRecordsAreForgottenAndBackupsAreMade) {
  drill_.backups = true;
  drill_.changes = {{60, {21, 40}, "forget"}, {110, {90, 110}}, {150, {1, 9}, "forget"}, {200, {100, 180}, "forget"}};
  drill_.write_lines("app.log", 220);
  for (int i = 0; i < 12; ++i) drill_.round({"app.log"});
  EXPECT_EQ(drill_.difference(), "");
}

TEST_F(CrashTest, KilledAtEachMomentOfForgetting) {
  drill_.write_lines("app.log", 60);
  for (const std::string& point : CrashDrill::forget_points()) {
    for (const bool power : {false, true}) {
      const std::uint64_t lines = drill_.lines();
      drill_.changes.push_back({lines, {lines - 40, lines - 10}, "forget"});
      drill_.write_lines("app.log", 50);
      drill_.die_at(point, 1, power);
    }
  }
  EXPECT_EQ(drill_.difference(), "");
}

TEST_F(CrashTest, KilledAtEachMomentOfAReset) {
  int id = 0;
  for (const bool with_fold : {false, true}) {
    for (const char* point : {"learn.before_reset", "learn.after_reset"}) {
      for (const bool power : {false, true}) {
        drill_.write_lines("app.log", 50);
        EXPECT_EQ(drill_.reset("reset " + std::to_string(++id), with_fold, point, power), "");
      }
    }
  }
  drill_.write_lines("app.log", 50);
  EXPECT_EQ(drill_.difference(), "");
}

TEST_F(CrashTest, KilledWhileRetentionRemovesWhatIsOldAmongAllElse) {
  drill_.backups = true;
  drill_.retention_bytes = 6000;
  drill_.stamp_step_us = 0;  // two files
  for (const char* file : {"app.log", "b.log"}) drill_.write_lines(file, 100);
  for (int reset = 0; reset < 2; ++reset) {
    for (const char* what : {"rollback", "forget"}) drill_.plan(what);
    for (int i = 0; i < 3; ++i) drill_.round({"app.log", "b.log"});
    EXPECT_EQ(drill_.reset("reset " + std::to_string(reset), reset % 2 == 1), "");
  }
  drill_.write_lines("app.log", 100);
  EXPECT_EQ(drill_.difference(), "");
}

TEST_F(CrashTest, KilledWhileStatesAreResetAmongAllElse) {
  drill_.backups = true;
  drill_.write_lines("app.log", 60);
  for (int reset = 0; reset < 3; ++reset) {
    for (const char* what : {"rollback", "forget"}) drill_.plan(what);
    for (int i = 0; i < 3; ++i) drill_.round({"app.log"});
    EXPECT_EQ(drill_.reset("reset " + std::to_string(reset), reset % 2 == 1), "");
  }
  drill_.write_lines("app.log", 100);
  EXPECT_EQ(drill_.difference(), "");
}

// A device that stops taking data: the first failed write ends the process with 74, and what was
// acknowledged before is exactly what a restart finds.
TEST_F(CrashTest, AFailedWriteIsFinalAndRecoveryIsExact) {
  drill_.write_lines("app.log", 600);
  std::vector<std::string> limited = {"-c", "trap '' XFSZ; ulimit -f 120; exec \"$0\" \"$@\"",
                                      SILT_PIPELINE_CHILD};
  for (const std::string& argument : drill_.arguments("store", {"finish=" + std::to_string(drill_.lines())}))
    limited.push_back(argument);
  Child child(limited, "/bin/sh");
  const int status = child.wait();
  ASSERT_TRUE(WIFEXITED(status)) << status;
  EXPECT_EQ(WEXITSTATUS(status), 74);
  EXPECT_EQ(drill_.difference(), "");
}

}  // namespace
}  // namespace silt::testing
