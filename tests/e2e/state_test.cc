// What administrators do to states, from the command line to the files: forget, back up, restore, carry away.
#include <gtest/gtest.h>

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

constexpr char kPlanted[] = "walnut-9f3c-heartbeat";

std::string lines(int first, int count) {
  std::string out;
  for (int i = first; i < first + count; ++i)
    out += "2026-11-21T09:" + std::to_string(10 + i % 50) + ":00Z gate[7]: opened door south for badge " + std::to_string(1000 + i % 5) + "\n";
  return out;
}

class States : public ::testing::Test {
 protected:
  void begin() {
    daemon_.write("gate.log", lines(0, 40) + "visitor " + kPlanted + " at door north\n" + lines(40, 23));
    daemon_.start();
    ASSERT_TRUE(daemon_.has_learned("gate.log", 64)) << daemon_.silt({"sources"}).err;
  }
  json::value source() const { return json::parse(daemon_.source_json("gate.log")); }
  json::value json_of(const std::vector<std::string>& arguments) {
    const Outcome done = daemon_.silt(arguments);
    EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
    return done.exit_code == 0 ? json::parse(done.out) : json::value();
  }
  std::string text_of(const fs::path& path) const {
    std::stringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }
  std::vector<std::string> files_with(const std::string& bytes, const std::string& folder) const {
    std::vector<std::string> out;
    for (const auto& file : fs::recursive_directory_iterator(daemon_.path(folder))) {
      if (file.is_regular_file() && text_of(file.path()).find(bytes) != std::string::npos) out.push_back(file.path().filename());
    }
    return out;
  }
  static Outcome siltd(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), SILTD_BINARY);
    return e2e::run(arguments);
  }
  void stop() {
    daemon_.signal(SIGTERM);
    EXPECT_EQ(daemon_.wait().exit_code, 0);
  }
  std::string name() const { return daemon_.source("gate.log"); }

  Daemon daemon_;
};

TEST_F(States, AForgottenTextIsNowhere) {
  begin();
  EXPECT_FALSE(files_with(kPlanted, "state").empty());
  ASSERT_EQ(daemon_.silt({"search", kPlanted}).exit_code, 0);
  const std::vector<std::string> forget = {"state", "forget", "--all", "--containing", kPlanted, "--json", "--request-id", "f1"};
  const json::value dry = json_of(forget);
  EXPECT_TRUE(dry.at("dry_run").as_bool());
  ASSERT_EQ(dry.at("sources").as_array().size(), 1U);
  EXPECT_EQ(daemon_.silt({"search", kPlanted}).exit_code, 0);
  std::vector<std::string> yes = forget;
  yes.push_back("--yes");
  const json::value done = json_of(yes);
  EXPECT_TRUE(done.at("complete").as_bool()) << done;
  EXPECT_TRUE(done.at("files_searched").as_bool());
  EXPECT_EQ(done.at("sources").as_array().at(0).at("records").to_number<int>(), 1);
  EXPECT_EQ(json_of(yes), done);  // once
  EXPECT_TRUE(files_with(kPlanted, "state").empty());
  ASSERT_TRUE(daemon_.has_learned("gate.log", 64));
  EXPECT_EQ(daemon_.silt({"search", kPlanted}).exit_code, 1);
  EXPECT_EQ(daemon_.silt({"ask", std::string("what about ") + kPlanted + "?"}).out.find("at door north"), std::string::npos);
  EXPECT_EQ(daemon_.silt({"patterns"}).out.find("visitor"), std::string::npos);
  const Outcome audit = daemon_.silt({"audit"});
  EXPECT_NE(audit.out.find("Forget"), std::string::npos) << audit.out;
  EXPECT_EQ(audit.out.find(kPlanted), std::string::npos) << audit.out;
  EXPECT_EQ(json_of({"state", "forget", name(), "--whole", "--yes", "--json"}).at("sources").as_array().at(0).at("whole"), true);
  EXPECT_EQ(daemon_.silt({"sources"}).out.find("gate.log"), std::string::npos);
}

TEST_F(States, ForgettingWhatIsNotThereIsNoSuccess) {
  begin();
  EXPECT_EQ(daemon_.silt({"state", "forget", name(), "--records", "9000-9001", "--yes"}).exit_code, 1);
  EXPECT_EQ(daemon_.silt({"state", "forget", "--all", "--containing", "nothing-says-this"}).exit_code, 1);
}

TEST_F(States, ABackupIsWholeOrSaysSoAndAnOldOneIsRecognised) {
  begin();
  const json::value before = source();
  const std::string backup = daemon_.path("copy");
  EXPECT_EQ(json_of({"backup", backup, "--json"}).at("records").to_number<int>(), 64);
  EXPECT_EQ(daemon_.silt({"backup", backup}).exit_code, 2);  // it is there
  EXPECT_EQ(fs::status(backup).permissions(), fs::perms::owner_all);
  // A copy in the store would keep what is forgotten there.
  for (const char* inside : {"state/copy", "state/../state/copy"}) EXPECT_EQ(daemon_.silt({"backup", daemon_.path(inside)}).exit_code, 2) << inside;
  EXPECT_EQ(siltd({"--verify-backup", backup}).exit_code, 0);
  daemon_.append("gate.log", lines(64, 30));
  ASSERT_TRUE(daemon_.has_learned("gate.log", 94));
  stop();
  fs::rename(daemon_.path("state"), daemon_.path("old"));
  const std::vector<std::string> restore = {"--config", daemon_.path("siltd.toml"), "--restore", backup, "--told", daemon_.path("old/TOLD")};
  ASSERT_EQ(siltd(restore).exit_code, 0) << siltd(restore).err;
  EXPECT_NE(siltd(restore).exit_code, 0);  // a store is there
  daemon_.write("gate.log", "");           // what came since is lost
  daemon_.start();
  ASSERT_TRUE(daemon_.has_learned("gate.log", 64));
  EXPECT_EQ(source().at("state_digest"), before.at("state_digest"));
  EXPECT_NE(daemon_.silt({"audit"}).out.find("94 records were told of, and 64 are known"), std::string::npos) << daemon_.silt({"audit"}).out;
  stop();
  for (const auto& file : fs::directory_iterator(backup)) {
    if (file.path().extension() != ".sst") continue;
    std::string bytes = text_of(file.path());
    bytes[bytes.size() / 2] ^= 1;
    std::ofstream(file.path(), std::ios::binary) << bytes;
    break;
  }
  const Outcome damaged = siltd({"--verify-backup", backup});
  EXPECT_EQ(damaged.exit_code, 74);
  EXPECT_NE(damaged.err.find("is not what it was"), std::string::npos) << damaged.err;
}

TEST_F(States, AStateIsCarriedAway) {
  begin();
  const std::string file = daemon_.path("gate.state");
  const json::value exported = json_of({"state", "export", name(), file, "--json"});
  EXPECT_EQ(exported.at("bytes").to_number<std::uint64_t>(), fs::file_size(file));
  ASSERT_EQ(daemon_.silt({"state", "pin", name(), std::to_string(exported.at("version").to_number<int>()), "--off"}).exit_code, 0);
  ASSERT_EQ(daemon_.silt({"state", "reset", name(), "--yes"}).exit_code, 0);
  std::ofstream(daemon_.path("cut.state"), std::ios::binary) << text_of(file).substr(0, text_of(file).size() / 2);
  const Outcome cut = daemon_.silt({"state", "import", name(), daemon_.path("cut.state"), "--yes"});
  EXPECT_EQ(cut.exit_code, 2);
  EXPECT_NE(cut.err.find("the file is damaged"), std::string::npos) << cut.err;
  const json::value dry = json_of({"state", "import", name(), file, "--json"});
  EXPECT_TRUE(dry.at("dry_run").as_bool());
  const json::value done = json_of({"state", "import", name(), file, "--yes", "--json"});
  EXPECT_EQ(done.at("from_version"), exported.at("version"));
  const json::value imported = source();
  EXPECT_EQ(imported.at("state_version"), done.at("new_version"));
  daemon_.signal(SIGKILL);  // no replay brings it back, its version does
  daemon_.wait();
  daemon_.start();
  daemon_.append("gate.log", lines(64, 30));
  ASSERT_TRUE(daemon_.has_learned("gate.log", 94));
  EXPECT_GT(source().at("state_version").to_number<int>(), imported.at("state_version").to_number<int>());
  std::string bytes = text_of(file);
  bytes[bytes.size() / 2] ^= 1;
  std::ofstream(file, std::ios::binary) << bytes;
  EXPECT_EQ(daemon_.silt({"state", "import", name(), file, "--yes"}).exit_code, 2);
}

TEST_F(States, RecallTellsWhatWasLearned) {
  begin();
  daemon_.write("probe.txt", "2026-11-21T09:11:00Z gate[7]: opened door south for badge 1001\nzebra quartz 77 umbrella\n");
  const json::value recalled = json_of({"recall", name(), "--probe", daemon_.path("probe.txt"), "--json"});
  ASSERT_EQ(recalled.at("lines").as_array().size(), 2U);
  const auto saved = [&](std::size_t at) {
    const json::value& line = recalled.at("lines").as_array().at(at);
    return line.at("frozen_bits").to_number<double>() - line.at("adapted_bits").to_number<double>();
  };
  EXPECT_GT(saved(0), saved(1));
}

}  // namespace
}  // namespace silt::e2e
