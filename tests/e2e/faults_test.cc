// What an operator does to siltd, or leaves it with: a changed configuration, too few descriptors.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "connectors/file/far_read.h"
#include "tests/e2e/processes.h"

namespace silt::e2e {
namespace {

namespace json = boost::json;

class Faults : public ::testing::Test {
 protected:
  std::string section(const std::string& name, const std::string& glob) const {
    return "[[source]]\nname = \"" + name + "\"\ninclude = [\"" + daemon_.path(glob) + "\"]\n";
  }
  // Without its sources.
  std::string head() const {
    std::stringstream text;
    text << std::ifstream(daemon_.path("siltd.toml")).rdbuf();
    return text.str().substr(0, text.str().find("[[source]]"));
  }
  std::uint64_t lines_of(const std::string& source) const {
    const Outcome outcome = daemon_.silt({"sources", "--json"});
    if (outcome.exit_code != 0) return 0;
    const json::value all = json::parse(outcome.out);
    for (const json::value& each : all.at("sources").as_array()) {
      if (each.at("source").as_string() == source) return each.at("lines").to_number<std::uint64_t>();
    }
    return 0;
  }
  bool has_lines(const std::string& source, std::uint64_t lines) const {
    return until([&] { return lines_of(source) == lines; });
  }
  std::size_t inputs() const {
    const Outcome outcome = daemon_.silt({"status", "--json"});
    return outcome.exit_code != 0 ? 0 : json::parse(outcome.out).at("connectors").as_array().size();
  }
  bool printed(const std::string& text) const {
    std::ifstream err(daemon_.path("err"));
    return std::string(std::istreambuf_iterator<char>(err), {}).find(text) != std::string::npos;
  }
  Daemon daemon_;
};

TEST_F(Faults, AReloadAddsRemovesAndChangesInputs) {
  daemon_.write("a.log", "a1\n");
  daemon_.write("b.txt", "b1\n");
  daemon_.write("c.txt", "c1\n");
  daemon_.start();
  ASSERT_TRUE(has_lines(daemon_.source("a.log"), 1));
  const std::string head = this->head();
  const std::string b = "more:" + daemon_.path("b.txt"), c = "more:" + daemon_.path("c.txt");

  daemon_.write("siltd.toml", head + section("host", "*.log") + section("more", "b.txt"));
  daemon_.signal(SIGHUP);
  ASSERT_TRUE(has_lines(b, 1));

  daemon_.write("siltd.toml", head + section("more", "[bc].txt"));
  daemon_.signal(SIGHUP);
  ASSERT_TRUE(has_lines(c, 1));  // b.txt is not read again
  ASSERT_TRUE(until([&] { return inputs() == 1; }));
  daemon_.append("a.log", "a2\n");
  daemon_.append("b.txt", "b2\n");
  ASSERT_TRUE(has_lines(b, 2));
  EXPECT_EQ(lines_of(daemon_.source("a.log")), 1u);

  daemon_.write("siltd.toml", head + section("host", "*.log") + section("more", "[bc].txt"));
  daemon_.signal(SIGHUP);
  ASSERT_TRUE(has_lines(daemon_.source("a.log"), 2));  // it goes on where it stood

  daemon_.write("siltd.toml", head);
  daemon_.signal(SIGHUP);
  EXPECT_TRUE(until([&] { return printed("there is no [[source]]"); }));  // of two signals the later may be seen first
  daemon_.signal(SIGTERM);
  const Outcome ended = daemon_.wait();
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_NE(ended.err.find("inputs_reloaded added=none changed=more removed=host"), std::string::npos) << ended.err;
}

TEST_F(Faults, WhatIsDestroyedUnreadStandsInTheLedger) {
  daemon_.write("a.log", "one\nopen");
  daemon_.start();
  ASSERT_TRUE(has_lines(daemon_.source("a.log"), 1));
  EXPECT_EQ(daemon_.silt({"gaps"}).out, "no gaps: nothing that siltd knew of was lost\n");
  daemon_.write("a.log", "another beginning\n");  // its open line is gone
  ASSERT_TRUE(has_lines(daemon_.source("a.log"), 2));
  const Outcome outcome = daemon_.silt({"gaps", "--json", daemon_.source("a.log")});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const json::value listed = json::parse(outcome.out);
  ASSERT_EQ(listed.at("gaps").as_array().size(), 1u) << outcome.out;
  const json::value& gap = listed.at("gaps").as_array()[0];
  EXPECT_EQ(gap.at("place").as_string(), daemon_.path("a.log"));
  EXPECT_EQ(gap.at("begin").to_number<int>(), 4);
  EXPECT_EQ(gap.at("bytes").to_number<int>(), 4);
  EXPECT_EQ(std::string(gap.at("cause").as_string()).find("the file was truncated before they were read"), 0u);
  EXPECT_NE(daemon_.silt({"gaps"}).out.find("the file was truncated"), std::string::npos);
  EXPECT_EQ(daemon_.silt({"gaps", "nosuch*"}).exit_code, 1);
}

TEST_F(Faults, FewDescriptorsAreEnoughForManyFiles) {
  constexpr int kFiles = 300;
  for (const int descriptors : {64, 128, 256}) {
    Daemon daemon;
    for (int i = 0; i < kFiles; ++i) daemon.write(std::to_string(i) + ".log", "one\n");
    daemon.start(0, descriptors);
    const auto all_have = [&](std::uint64_t lines) {
      return until([&] {
        const Outcome outcome = daemon.silt({"sources", "--json"});
        if (outcome.exit_code != 0) return false;
        std::uint64_t sum = 0;
        const json::value now = json::parse(outcome.out);
        for (const json::value& each : now.at("sources").as_array())
          sum += each.at("folded_seq").to_number<std::uint64_t>();
        return sum == lines * kFiles;
      });
    };
    ASSERT_TRUE(all_have(1)) << descriptors;
    for (int i = 0; i < kFiles; ++i) daemon.append(std::to_string(i) + ".log", "two\n");
    ASSERT_TRUE(all_have(2)) << descriptors;
    daemon.signal(SIGTERM);
    const Outcome ended = daemon.wait();
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_NE(ended.err.find("few_descriptors limit=" + std::to_string(descriptors)), std::string::npos) << ended.err;
    EXPECT_EQ(ended.err.find("Too many open files"), std::string::npos) << ended.err;
  }
}

// The child that reads for siltd where a read may never come back.
TEST(FarRead, ReadsAsTheParentWould) {
  connectors::make_far_reads_with(SILTD_BINARY);
  const silt::testing::TempDir dir;
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes += std::to_string(i);
  std::ofstream(dir.path("a")) << bytes;
  const int fd = ::open(dir.path("a").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  std::string read;
  std::vector<char> buffer(300'000);
  for (;;) {
    const auto count = connectors::far_read(fd, read.size(), buffer.data(), buffer.size());
    ASSERT_TRUE(count.is_ok()) << count.status().to_string();
    if (*count == 0) break;
    read.append(buffer.data(), *count);
  }
  EXPECT_EQ(read, bytes);
  ::close(fd);
  const int folder = ::open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  EXPECT_NE(connectors::far_read(folder, 0, buffer.data(), 10).status().message().find("directory"),
            std::string::npos);
  EXPECT_EQ(connectors::far_read(folder, 0, buffer.data(), 0).status().is_ok(), false);
  ::close(folder);
  EXPECT_FALSE(connectors::far_read(-1, 0, buffer.data(), 10).is_ok());  // it cannot be asked
  connectors::make_far_reads_with("");
}

}  // namespace
}  // namespace silt::e2e
