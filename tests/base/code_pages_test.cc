#include "base/code_pages.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <regex>
#include <string>
#include <thread>

namespace silt {
namespace {

// Resident pages of files, in KiB.
long resident_of_files() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssFile:")) return std::stol(line.substr(8));
  }
  return -1;
}

TEST(CodePagesTest, TheyGoAndComeAgainWhileOthersRun) {
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> rounds{0};
  std::thread other([&] {
    const std::regex number("([0-9]+)");
    while (!stop) rounds += std::regex_replace("line 17 of 20", number, "<$1>") == "line <17> of <20>" ? 1 : 0;
  });
  while (rounds == 0) std::this_thread::yield();
  const long before = resident_of_files();
  drop_code_pages();
  const long after = resident_of_files();
  const std::uint64_t seen = rounds;
  while (rounds == seen) std::this_thread::yield();
  stop = true;
  other.join();
  ASSERT_GT(before, 0);
  EXPECT_LT(after, before);
}

}  // namespace
}  // namespace silt
