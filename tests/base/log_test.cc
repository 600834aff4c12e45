#include "base/log.h"

#include <gtest/gtest.h>

#include <vector>

namespace silt::log {
namespace {

class Log : public ::testing::Test {
 protected:
  void SetUp() override {
    set_sink([this](Level level, std::string_view line) {
      lines_.emplace_back(line);
      levels_.push_back(level);
    });
  }
  void TearDown() override {
    set_sink([](Level, std::string_view) {});
    set_level(Level::kInfo);
  }
  std::vector<std::string> lines_;
  std::vector<Level> levels_;
};

TEST_F(Log, WritesEventAndFields) {
  info("step", {{"source", "web"}, {"ms", 12}, {"ratio", 0.5}});
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_EQ(lines_[0], "step source=web ms=12 ratio=0.500000");
}

TEST_F(Log, HostileValuesCannotForgeALineOrAField) {
  warning("read", {{"path", "a b"}, {"text", "x\n<0>forged level=\"error\" \x1b[31m\\"}, {"empty", ""}});
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_EQ(lines_[0],
            "read path=\"a b\" text=\"x\\x0a<0>forged level=\\\"error\\\" \\x1b[31m\\\\\" empty=\"\"");
}

TEST_F(Log, LeavesOutWhatIsBelowItsLevel) {
  debug("quiet");
  EXPECT_TRUE(lines_.empty());
  set_level(Level::kWarning);
  info("quiet");
  error("loud");
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_EQ(levels_[0], Level::kError);
}

}  // namespace
}  // namespace silt::log
