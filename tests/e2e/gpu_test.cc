// siltd with GPUs of tests (tests/model/fake_cuda.cc), whose arithmetic is the processor's: sources spread over two of
// them, their loss, and states that cross between paths.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <csignal>
#include <filesystem>

#include "tests/e2e/processes.h"

namespace silt::e2e {
namespace {

namespace json = boost::json;

constexpr int kLines = 120;

std::string lines(int first, int count) {
  std::string out;
  for (int i = first; i < first + count; ++i)
    out += "2026-11-21T09:" + std::to_string(10 + i % 50) + ":00Z gate[7]: opened door south for badge " + std::to_string(1000 + i % 5) + "\n";
  return out;
}

class Gpu : public ::testing::Test {
 protected:
  // Another start with these GPUs; `lost`: D:N. Small commits, and no state is stored.
  void configure(const std::string& model, const std::string& lost = "", const std::string& learn = "") {
    daemon_.configure("", model, "commit_ms = 10\nreplay_ms_max = " + replay_ms_ + "\non_digest_mismatch = \"stop\"\n" + learn);
    daemon_.use(SILTD_GPU_BINARY, lost.empty() ? std::vector<std::string>{} : std::vector<std::string>{"SILT_FAKE_GPU_LOST=" + lost});
  }
  void learn(const std::vector<std::string>& logs, int count = kLines) {
    daemon_.start();
    for (const std::string& log : logs) ASSERT_TRUE(daemon_.has_learned(log, static_cast<std::uint64_t>(count))) << log << daemon_.silt({"status"}).out;
  }
  void stop(int signal = SIGTERM) {
    daemon_.signal(signal);
    const int code = daemon_.wait().exit_code;
    EXPECT_EQ(code, signal == SIGTERM ? 0 : 128 + signal);
  }
  json::value status() const { return json::parse(daemon_.silt({"status", "--json"}).out); }
  json::value source(const std::string& log) const { return json::parse(daemon_.source_json(log)); }
  std::string digest(const std::string& log) const { return std::string(source(log).at("state_digest").as_string()); }
  std::string backend() const { return std::string(status().at("backend").as_string()); }
  std::size_t exported() const {
    const Outcome all = run({SILTD_GPU_BINARY, "--export", daemon_.path("state")});
    EXPECT_EQ(all.exit_code, 0) << all.err;
    return static_cast<std::size_t>(std::count(all.out.begin(), all.out.end(), '\n'));
  }
  // Nothing is stored of a state, so a start replays its whole journal, and siltd ends when that gives another digest.
  void expect_same_after_replay(const std::vector<std::string>& logs, const std::string& model) {
    std::vector<std::string> digests;
    for (const std::string& log : logs) digests.push_back(digest(log));
    stop(SIGKILL);
    configure(model);
    daemon_.start();
    const auto replayed = [&] {
      const Outcome now = daemon_.silt({"status", "--json"});
      return now.exit_code == 0 && json::parse(now.out).at("resident_states").to_number<std::size_t>() == logs.size();
    };
    ASSERT_TRUE(until(replayed)) << daemon_.silt({"status"}).out;
    for (std::size_t i = 0; i < logs.size(); ++i) EXPECT_EQ(digest(logs[i]), digests[i]) << logs[i];
  }
  std::string replay_ms_ = "600000";
  Daemon daemon_;
};

const std::vector<std::string> kLogs = {"a.log", "b.log", "c.log", "d.log"};

TEST_F(Gpu, TwoLearnWhatOneLearns) {
  configure("backend = \"cuda\"\ndevices = 2\n");
  for (const std::string& log : kLogs) daemon_.write(log, lines(0, kLines));
  learn(kLogs);
  const json::value now = status();
  EXPECT_EQ(now.at("backend").as_string(), "cuda-fake");
  EXPECT_NE(now.at("backends_built").as_string().find("cuda of tests"), std::string::npos);
  ASSERT_EQ(now.at("devices").as_array().size(), 2U);
  for (const json::value& device : now.at("devices").as_array()) {
    EXPECT_EQ(device.at("lost").as_string(), "");
    EXPECT_GT(device.at("states").to_number<int>(), 0) << device;
    EXPECT_GT(device.at("learned_tokens").to_number<int>(), 0) << device;
  }
  EXPECT_NE(daemon_.silt({"status"}).out.find("cuda:1: "), std::string::npos);
  // Read where they are.
  for (const std::string& log : kLogs) EXPECT_EQ(daemon_.silt({"explain", daemon_.source(log), "8"}).exit_code, 0) << log;
  expect_same_after_replay(kLogs, "backend = \"cuda\"\n");
  stop();
  configure("backend = \"cuda\"\ndevices = 3\n");
  daemon_.start();
  const Outcome refused = daemon_.wait();
  EXPECT_EQ(refused.exit_code, 78);
  EXPECT_NE(refused.err.find("there is no GPU 2 here"), std::string::npos) << refused.err;
}

// Sources of the lost one go back to their last commit and on to the other: with its bits.
TEST_F(Gpu, OneOfTwoIsLost) {
  for (const int call : {1, 40}) {
    configure("backend = \"cuda\"\ndevices = 2\n", "1:" + std::to_string(call));
    for (const std::string& log : kLogs) daemon_.write(log, lines(0, kLines));
    learn(kLogs);
    EXPECT_EQ(backend(), "cuda-fake");
    const json::value now = status();
    const json::array& devices = now.at("devices").as_array();
    EXPECT_EQ(devices.at(0).at("lost").as_string(), "");
    EXPECT_NE(devices.at(1).at("lost").as_string(), "") << call;
    for (const std::string& log : kLogs) EXPECT_EQ(daemon_.silt({"explain", daemon_.source(log), "8"}).exit_code, 0) << log;
    expect_same_after_replay(kLogs, "backend = \"cuda\"\n");
    stop();
    EXPECT_EQ(exported(), kLogs.size() * kLines);
    std::filesystem::remove_all(daemon_.path("state"));
  }
}

// At one call or another: everything is learned in the end, on the processor, and a restart finds it so.
TEST_F(Gpu, LearningGoesOnOnTheProcessor) {
  int losses = 0;
  for (int call = 1; call < 500; call = 4 * call + 3) {
    configure("backend = \"cuda\"\n", "0:" + std::to_string(call));
    daemon_.write("a.log", lines(0, kLines));
    learn({"a.log"});
    const bool lost = status().at("devices").as_array().at(0).at("lost").as_string() != "";
    losses += lost ? 1 : 0;
    EXPECT_EQ(backend().starts_with("cpu-"), lost) << call;
    EXPECT_EQ(source("a.log").at("learned_lines").to_number<int>(), kLines);
    EXPECT_EQ(daemon_.silt({"explain", daemon_.source("a.log"), "8"}).exit_code, 0);
    expect_same_after_replay({"a.log"}, lost ? "backend = \"cpu\"\n" : "backend = \"cuda\"\n");
    daemon_.append("a.log", lines(kLines, 30));
    ASSERT_TRUE(daemon_.has_learned("a.log", kLines + 30));
    EXPECT_EQ(source("a.log").at("learned_lines").to_number<int>(), kLines + 30);
    stop();
    EXPECT_EQ(exported(), static_cast<std::size_t>(kLines) + 30);
    std::filesystem::remove_all(daemon_.path("state"));
    if (!lost) break;
  }
  EXPECT_GT(losses, 2);
}

// Told to end, siltd ends, and says why; with a sound GPU the next start goes on from its last commit.
TEST_F(Gpu, ItEndsWhenToldSo) {
  for (const int call : {1, 11, 25}) {
    configure("backend = \"cuda\"\non_device_loss = \"exit\"\n", "0:" + std::to_string(call));
    daemon_.write("a.log", lines(0, kLines));
    daemon_.start();
    const Outcome ended = daemon_.wait();
    EXPECT_EQ(ended.exit_code, 75) << call;
    EXPECT_NE(ended.err.find("the device was lost"), std::string::npos) << ended.err;
    configure("backend = \"cuda\"\non_device_loss = \"exit\"\n");
    learn({"a.log"});
    expect_same_after_replay({"a.log"}, "backend = \"cuda\"\n");
    stop();
    EXPECT_EQ(exported(), static_cast<std::size_t>(kLines));
    std::filesystem::remove_all(daemon_.path("state"));
  }
}

// Learned on the processor, carried to the GPU, learned on there, and back.
TEST_F(Gpu, AStateCrossesAndComesBack) {
  replay_ms_ = "0";  // every state is stored: only stored ones are converted
  const std::string convert = "on_other_backend = \"convert\"\n";
  configure("backend = \"cpu\"\n", "", convert);
  daemon_.write("a.log", lines(0, kLines));
  learn({"a.log"});
  const std::string file = daemon_.path("a.state"), name = daemon_.source("a.log");
  int steps = source("a.log").at("steps").to_number<int>();
  EXPECT_GT(steps, 0);
  const auto carry = [&](const std::string& backend, const std::string& expected, int more) {
    ASSERT_EQ(daemon_.silt({"state", "export", name, file}).exit_code, 0);
    stop();
    std::filesystem::remove_all(daemon_.path("state"));
    configure("backend = \"" + backend + "\"\n", "", convert);
    daemon_.write("a.log", lines(0, more));
    learn({"a.log"}, more);
    const Outcome imported = daemon_.silt({"state", "import", name, file, "--yes", "--json"});
    ASSERT_EQ(imported.exit_code, 0) << imported.err;
    EXPECT_TRUE(json::parse(imported.out).at("converted").as_bool()) << imported.out;
    EXPECT_EQ(source("a.log").at("steps").to_number<int>(), steps);
    daemon_.append("a.log", lines(more, 60));
    ASSERT_TRUE(daemon_.has_learned("a.log", static_cast<std::uint64_t>(more) + 60));
    EXPECT_TRUE(this->backend().starts_with(expected)) << this->backend();
    EXPECT_GT(source("a.log").at("steps").to_number<int>(), steps);
    steps = source("a.log").at("steps").to_number<int>();
  };
  carry("cuda", "cuda-fake", 8);
  carry("cpu", "cpu-", 8);
  stop();
  // The same store under the other backend: converted at once, and said.
  configure("backend = \"cuda\"\n", "", convert);
  daemon_.append("a.log", lines(0, 30));
  learn({"a.log"}, 98);
  EXPECT_GT(source("a.log").at("steps").to_number<int>(), steps);
  daemon_.signal(SIGTERM);
  EXPECT_NE(daemon_.wait().err.find("state_converted"), std::string::npos);
  // Told nothing, another backend does not go on from it; what was imported is pinned, so it is not dropped either.
  configure("backend = \"cpu\"\n");
  learn({"a.log"}, 98);
  daemon_.signal(SIGTERM);
  EXPECT_NE(daemon_.wait().err.find("learning_held"), std::string::npos);
}

}  // namespace
}  // namespace silt::e2e
