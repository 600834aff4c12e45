// What goes wrong in the field: each gives one clear line with the remedy, or is survived.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/e2e/processes.h"

namespace silt::e2e {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// siltd must refuse to run: with this exit code and one line that names all of `words`.
void expect_refusal(Daemon& daemon, int exit_code, const std::vector<std::string>& words) {
  daemon.start();
  const Outcome outcome = daemon.wait();
  EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
  std::istringstream text(outcome.err);
  std::string message;
  for (std::string line; std::getline(text, line);) {
    if (!line.starts_with("siltd: ")) continue;  // log lines may come before
    EXPECT_EQ(message, "") << outcome.err;
    message = line;
  }
  for (const std::string& word : words)
    EXPECT_NE(message.find(word), std::string::npos) << word << " in " << outcome.err;
}

TEST(BadInput, UnknownConfigKey) {
  Daemon daemon;
  daemon.configure("includes = [\"/x\"]\n");
  expect_refusal(daemon, 78, {"siltd.toml:13", "includes", "include"});
}

TEST(BadInput, ConfigIsMissingOrNotToml) {
  Daemon daemon;
  daemon.write("siltd.toml", "[store\n");
  expect_refusal(daemon, 78, {"siltd.toml:1"});
  fs::remove(daemon.path("siltd.toml"));
  expect_refusal(daemon, 78, {"siltd.toml"});
}

TEST(BadInput, WeightsAreMissing) {
  Daemon daemon;
  fs::remove(daemon.path("tiny.safetensors"));
  expect_refusal(daemon, 78, {"tiny.safetensors", "model.weights"});
}

TEST(BadInput, WeightsAreDamaged) {
  Daemon daemon;
  fs::resize_file(daemon.path("tiny.safetensors"), fs::file_size(daemon.path("tiny.safetensors")) - 100);
  expect_refusal(daemon, 78, {"tiny.safetensors", "short"});
  daemon.write("tiny.safetensors", "this is no weight file at all");
  expect_refusal(daemon, 78, {"tiny.safetensors"});
}

TEST(BadInput, SocketDirectoryHasTheWrongRights) {
  Daemon daemon;
  ASSERT_EQ(::chmod(daemon.path().c_str(), 0777), 0);
  expect_refusal(daemon, 77, {"writable by everyone", "chmod o-w"});
}

TEST(BadInput, SocketsPlaceIsTaken) {
  Daemon daemon;
  daemon.write("query.sock", "a file");
  expect_refusal(daemon, 78, {"query.sock", "not a socket", "remove it"});
}

TEST(BadInput, DatabaseIsCorrupt) {
  Daemon daemon;
  daemon.write("a.log", "one\ntwo\n");
  daemon.start();
  ASSERT_TRUE(daemon.has_learned("a.log", 2));
  daemon.signal(SIGTERM);
  ASSERT_EQ(daemon.wait().exit_code, 0);
  int damaged = 0;
  for (const auto& file : fs::recursive_directory_iterator(daemon.path("state"))) {
    if (file.path().filename().string().rfind("MANIFEST", 0) != 0) continue;
    std::ofstream(file.path(), std::ios::binary) << std::string(200, '\x5a');
    ++damaged;
  }
  ASSERT_EQ(damaged, 1);
  expect_refusal(daemon, 74, {daemon.path("state")});
}

TEST(BadInput, AnotherSiltdHasTheStore) {
  Daemon daemon;
  daemon.write("a.log", "one\n");
  daemon.start();
  ASSERT_TRUE(daemon.has_learned("a.log", 1));
  const Outcome second = run({SILTD_BINARY, "--config", daemon.path("siltd.toml")});
  EXPECT_NE(second.exit_code, 0);
  EXPECT_NE(second.err.find("another siltd"), std::string::npos) << second.err;
  EXPECT_EQ(daemon.silt({"status"}).exit_code, 0);  // the first is not harmed
}

// Whoever may create a file in a watched folder chooses its name; it is listed, asked, explained and
// reset by the name that is printed.
TEST(BadInput, AFilesNameNeedNotBeText) {
  Daemon daemon;
  daemon.write("bad\xff\xfe.log", "gate opened for quokka\ngate closed\n");
  daemon.write("good.log", "one\n");
  daemon.start();
  ASSERT_TRUE(daemon.has_learned("bad\xff\xfe.log", 2)) << daemon.silt({"sources"}).err;
  const std::string name = daemon.source("bad\xff\xfe.log");
  EXPECT_NE(name.find("bad\\xff\\xfe.log"), std::string::npos);
  EXPECT_NE(daemon.silt({"sources"}).out.find(name), std::string::npos);
  const Outcome asked = daemon.silt({"ask", "--json", "-s", name, "which lines mention quokka?"});
  ASSERT_EQ(asked.exit_code, 0) << asked.err;
  const json::value answer = json::parse(asked.out);
  EXPECT_EQ(answer.at("evidence").as_array().at(0).at("source").as_string(), name);
  EXPECT_EQ(daemon.silt({"explain", name, "1"}).exit_code, 0);
  EXPECT_EQ(daemon.silt({"state", "reset", name, "--yes"}).exit_code, 0);
}

TEST(BadInput, BinaryGarbageIsALogLikeAnyOther) {
  Daemon daemon;
  std::string garbage;
  std::uint32_t value = 1;
  for (int i = 0; i < 20'000; ++i) {
    value = value * 1'664'525U + 1'013'904'223U;
    garbage.push_back(static_cast<char>(value >> 24));
  }
  std::uint64_t lines = 0;
  for (const char c : garbage) lines += c == '\n';
  if (garbage.back() != '\n') ++lines, garbage.push_back('\n');
  daemon.write("garbage.log", garbage);
  daemon.write("good.log", "2026-11-21T09:00:00Z lamp 7 is on\n");
  daemon.start();
  EXPECT_TRUE(daemon.has_learned("garbage.log", lines));
  EXPECT_TRUE(daemon.has_learned("good.log", 1));
  const Outcome outcome = daemon.silt({"ask", "--json", "is lamp 7 on?"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("lamp 7 is on"), std::string::npos) << outcome.out;
  const Outcome shown = daemon.silt({"explain", daemon.source("garbage.log"), "1"});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  for (const char c : shown.out) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20 || c == '\t');
}

TEST(BadInput, AnUnreadableFileIsReportedAndTheOthersAreRead) {
  constexpr uid_t kNobody = 65534;
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to run siltd as someone who may not read everything";
  if (run({"/usr/bin/setpriv", "--reuid=65534", "--clear-groups", SILTD_BINARY, "--version"}).exit_code !=
      0) {
    GTEST_SKIP() << "the build folder is closed to other users";
  }
  Daemon daemon;
  daemon.write("secret.log", "hidden\n");
  daemon.write("open.log", "visible\n");
  ASSERT_EQ(::chmod(daemon.path("secret.log").c_str(), 0600), 0);
  ASSERT_EQ(::chown(daemon.path().c_str(), kNobody, kNobody), 0);
  daemon.start(kNobody);
  ASSERT_TRUE(daemon.has_learned("open.log", 1));
  const Outcome status = daemon.silt({"status", "--json"});
  ASSERT_EQ(status.exit_code, 0) << status.err;
  const json::value input = json::parse(status.out).at("connectors").as_array().at(0);
  EXPECT_GE(input.at("read_errors").to_number<int>(), 1);
  const std::string error(input.at("last_error").as_string());
  EXPECT_NE(error.find("secret.log"), std::string::npos) << error;
  EXPECT_NE(error.find("adm"), std::string::npos) << error;
}

}  // namespace
}  // namespace silt::e2e
