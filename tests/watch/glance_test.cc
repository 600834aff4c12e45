#include "daemon/watch/glance.h"

#include <gtest/gtest.h>

#include <string>

namespace silt::watch {
namespace {

float trouble(std::string_view line) {
  return glance(line).trouble;
}

TEST(GlanceTest, ASeverityTellsHowBadALineIs) {
  EXPECT_FLOAT_EQ(trouble("2026-11-30 12:00:00 INFO all is well"), 0);
  EXPECT_FLOAT_EQ(trouble("2026-11-30 12:00:00 WARN nearly full"), 1);
  EXPECT_FLOAT_EQ(trouble("level=error msg=\"nearly full\""), 2.5F);
  EXPECT_FLOAT_EQ(trouble("[db:error] nearly full"), 2.5F);
  EXPECT_FLOAT_EQ(trouble("RAS KERNEL FATAL nearly full"), 3);
  EXPECT_FLOAT_EQ(trouble("[crit] nearly full"), 3);
  EXPECT_FLOAT_EQ(trouble("level=Information wrn=none"), 0);
  EXPECT_FLOAT_EQ(trouble("INFO it was FATAL"), 0.7F * 1.6F) << "the first is the line's";
}

TEST(GlanceTest, WordsOfFailureCountOnceAndInCapitalsMore) {
  EXPECT_FLOAT_EQ(trouble("the login failed, and failed again"), 0.7F * 0.6F);
  EXPECT_FLOAT_EQ(trouble("process crashed"), 0.7F);
  EXPECT_FLOAT_EQ(trouble("TEST-UNEXPECTED-FAIL in a.html"), 0.7F * 1.6F * 1.6F);
  EXPECT_LE(trouble("FATAL PANIC CRASH ABORT ASSERT CORRUPT LEAK HANG DEADLOCK KILLED"), kTroubleMax);
}

TEST(GlanceTest, NamesPathsAndOptionsAreNoProse) {
  EXPECT_FLOAT_EQ(trouble("run --log-errors=/var/log/error.log halt_on_failure fail.py"), 0);
}

TEST(GlanceTest, OnlyTheBeginningIsLookedAt) {
  EXPECT_FLOAT_EQ(trouble(std::string(kGlanceBytes, '.') + " crashed"), 0);
  EXPECT_EQ(identifier_in(std::string(kGlanceBytes, '.') + " blk_1234567"), "");
}

TEST(GlanceTest, IdentifiersAreOfOneThing) {
  EXPECT_EQ(identifier_in("Receiving block blk_-1608999687919862906 src: /10.250.19.102:54106"), "blk_-1608999687919862906");
  EXPECT_EQ(identifier_in("TraceID: fc44cb4989406f1a0aecaf3b9a0abd75 SpanID: f7fed5429b1a61c0"), "fc44cb4989406f1a0aecaf3b9a0abd75");
  EXPECT_EQ(identifier_in("order 8a533bf9-bd12-4608-a8eb-606890982448 paid"), "8a533bf9-bd12-4608-a8eb-606890982448");
  EXPECT_EQ(identifier_in("2026-11-30T12:00:00 10.0.0.1 took 1234567890123456789 ns by worker-17"), "");
  EXPECT_NE(glance("blk_1234567").identifier, 0U);
  EXPECT_EQ(glance("a blk_1234567 b").identifier, glance("c blk_1234567").identifier);
  EXPECT_EQ(glance("nothing").identifier, 0U);
}

TEST(GlanceTest, AnyBytesWillDo) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  EXPECT_GE(trouble(bytes), 0);
  EXPECT_FLOAT_EQ(trouble(""), 0);
}

}  // namespace
}  // namespace silt::watch
