// A store on a file system that fills up: a small one in memory, mounted for the test. Skipped without the
// right to mount.
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <boost/json.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "tests/e2e/processes.h"

namespace silt::e2e {
namespace {

namespace json = boost::json;

class FullDisk : public ::testing::Test {
 protected:
  void mount(const std::string& size) {
    std::filesystem::create_directory(daemon_.path("disk"));
    const std::string options = "size=" + size;
    if (::mount("tmpfs", daemon_.path("disk").c_str(), "tmpfs", 0, options.c_str()) != 0)
      GTEST_SKIP() << "no right to mount a file system: " << std::strerror(errno);
    mounted_ = true;
  }
  void TearDown() override {
    if (daemon_.running()) {
      daemon_.signal(SIGTERM);
      daemon_.wait();
    }
    if (mounted_) ::umount2(daemon_.path("disk").c_str(), MNT_DETACH);
  }
  void configure(int free_mib_min, const std::string& more = "") {
    daemon_.write("siltd.toml", "[store]\npath = \"" + daemon_.path("disk/store") + "\"\nfree_mib_min = " +
                                    std::to_string(free_mib_min) + "\n[model]\nweights = \"" +
                                    daemon_.path("tiny.safetensors") + "\"\n[learn]\ncpu_share = 0\n" +
                                    "[serve]\nsocket = \"" + daemon_.path("query.sock") + "\"\n" +
                                    "[[source]]\nname = \"host\"\ninclude = [\"" + daemon_.path("*.log") + "\"]\n" + more);
  }
  // Leaves `mib` free.
  void fill_but(std::uint64_t mib) {
    const std::uint64_t free = std::filesystem::space(daemon_.path("disk")).available;
    const std::string zeros(1 << 16, '\0');
    std::ofstream file(daemon_.path("disk/fill"), std::ios::binary);
    for (std::uint64_t written = 0; written + (mib << 20) < free && file.flush(); written += zeros.size()) file << zeros;
  }
  void empty() { std::filesystem::remove(daemon_.path("disk/fill")); }
  bool has_state(const std::string& state) {
    return until([&] {
      const Outcome status = daemon_.silt({"status", "--json"});
      if (status.exit_code != 0) return false;
      const json::value now = json::parse(status.out);
      return now.at("learner_state").as_string() == state &&
             now.at("connectors").as_array().at(0).at("state").as_string() == (state == "idle" ? "waiting" : state);
    });
  }
  void expect_refusal() {
    daemon_.start();
    const Outcome ended = daemon_.wait();
    EXPECT_EQ(ended.exit_code, 74) << ended.err;
    EXPECT_NE(ended.err.find("disk full"), std::string::npos) << ended.err;
    EXPECT_NE(ended.err.find("free space"), std::string::npos) << ended.err;
  }

  Daemon daemon_;
  bool mounted_ = false;
};

TEST_F(FullDisk, StartingOnOneIsRefusedWithTheRemedyAndWorksWhenThereIsRoom) {
  mount("64m");
  if (!mounted_) return;
  configure(0);
  fill_but(0);
  expect_refusal();  // a new store
  empty();
  daemon_.write("a.log", "one\ntwo\n");
  daemon_.start();
  ASSERT_TRUE(daemon_.has_learned("a.log", 2));
  daemon_.signal(SIGKILL);
  daemon_.wait();
  fill_but(0);
  expect_refusal();  // an old one
  empty();
  daemon_.append("a.log", "three\n");
  daemon_.start();
  EXPECT_TRUE(daemon_.has_learned("a.log", 3));
}

TEST_F(FullDisk, BelowTheMinimumAllPausesAndGoesOnByItself) {
  mount("128m");
  if (!mounted_) return;
  configure(64);
  daemon_.write("a.log", "one\ntwo\n");
  daemon_.start();
  ASSERT_TRUE(daemon_.has_learned("a.log", 2));
  fill_but(32);
  ASSERT_TRUE(has_state("paused"));
  daemon_.append("a.log", "three\n");
  daemon_.signal(SIGTERM);
  EXPECT_EQ(daemon_.wait().exit_code, 0);
  daemon_.start();  // it still opens
  ASSERT_TRUE(has_state("paused"));
  EXPECT_NE(daemon_.source_json("a.log").find("\"lines\":2"), std::string::npos);
  empty();
  EXPECT_TRUE(daemon_.has_learned("a.log", 3));
}

// Somebody else takes the last byte at once: the process ends in good order, and the next one has everything.
TEST_F(FullDisk, WhenAnotherWriterTakesTheLastByteSiltdEndsInOrder) {
  mount("64m");
  if (!mounted_) return;
  configure(0, "mode = \"count\"\n");
  daemon_.write("a.log", "one\n");
  daemon_.start();
  ASSERT_TRUE(daemon_.has_learned("a.log", 1));
  fill_but(0);
  std::mt19937 random(7);
  for (int i = 0; i < 1000; ++i) {  // more than its write-ahead log has set aside
    std::string line = "line";
    while (line.size() < 20000) line += " " + std::to_string(random());
    daemon_.append("a.log", line + "\n");
  }
  const Outcome ended = daemon_.wait();
  EXPECT_EQ(ended.exit_code, 74) << ended.err;
  EXPECT_NE(ended.err.find("disk full"), std::string::npos) << ended.err;
  empty();
  daemon_.start();
  EXPECT_TRUE(daemon_.has_learned("a.log", 1001));
}

}  // namespace
}  // namespace silt::e2e
