// The unit file, as systemd itself reads it. Skipped where systemd-analyze is not installed.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace silt {
namespace {

constexpr char kAnalyze[] = "/usr/bin/systemd-analyze";

struct Outcome {
  int exit_code = -1;
  std::string output;
};

Outcome run(std::vector<std::string> arguments) {
  int out[2];
  EXPECT_EQ(::pipe(out), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(out[1], STDERR_FILENO);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(out[1]);
  Outcome outcome;
  char buffer[4096];
  for (ssize_t size = 0; (size = ::read(out[0], buffer, sizeof buffer)) > 0;) {
    outcome.output.append(buffer, static_cast<std::size_t>(size));
  }
  ::close(out[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

class SystemdUnit : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kAnalyze)) GTEST_SKIP() << "systemd-analyze is not installed";
    std::string pattern = (std::filesystem::temp_directory_path() / "silt-unit-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    // The binary need not be installed for this: a program that exists stands in for it.
    std::ostringstream text;
    text << std::ifstream(SILT_UNIT_FILE).rdbuf();
    unit_ = text.str();
    const std::size_t at = unit_.find("ExecStart=") + 10;
    ASSERT_LT(at, unit_.size());
    unit_.replace(at, unit_.find(' ', at) - at, "/bin/true");
    std::ofstream(folder_ / "siltd.service") << unit_;
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::filesystem::path folder_;
  std::string unit_;
};

TEST_F(SystemdUnit, HasNoMistakes) {
  const Outcome outcome = run({kAnalyze, "verify", "--man=no", (folder_ / "siltd.service").string()});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_EQ(outcome.output.find("siltd.service:"), std::string::npos) << outcome.output;  // unknown keys
}

TEST_F(SystemdUnit, IsConfined) {
  const Outcome outcome =
      run({kAnalyze, "security", "--offline=yes", "--threshold=15", (folder_ / "siltd.service").string()});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
}

// As whoever listens on a network, or has inputs that do, installs it.
TEST_F(SystemdUnit, TheNetworksPartsFitAndOpenNoMore) {
  std::filesystem::create_directory(folder_ / "siltd.service.d");
  const std::filesystem::path installed = folder_ / "siltd.service.d" / "network.conf";
  const std::string unit = (folder_ / "siltd.service").string();
  for (const char* const part : {SILT_SOURCE_DIR "/systemd/siltd-network.conf", SILT_SOURCE_DIR "/systemd/siltd-inputs.conf"}) {
    SCOPED_TRACE(part);
    std::filesystem::copy_file(part, installed, std::filesystem::copy_options::overwrite_existing);
    ASSERT_EQ(::setenv("SYSTEMD_UNIT_PATH", (folder_.string() + ":").c_str(), 1), 0);
    const Outcome verified = run({kAnalyze, "verify", "--man=no", unit});
    EXPECT_EQ(verified.exit_code, 0) << verified.output;
    EXPECT_EQ(verified.output.find("network.conf:"), std::string::npos) << verified.output;
    const Outcome confined = run({kAnalyze, "security", "--offline=yes", "--threshold=15", unit});
    EXPECT_EQ(confined.exit_code, 0) << confined.output;
    const Outcome open = run({kAnalyze, "security", "--offline=yes", "--threshold=1", unit});
    ::unsetenv("SYSTEMD_UNIT_PATH");
    EXPECT_NE(open.output.find("PrivateNetwork="), std::string::npos);
    const std::size_t family = open.output.find("RestrictAddressFamilies=~AF_(INET|INET6)");
    ASSERT_NE(family, std::string::npos) << open.output;
    EXPECT_EQ(open.output.compare(open.output.rfind('\n', family) + 1, 3, "\xe2\x9c\x97"), 0) << "the drop-in was not read";
    EXPECT_NE(open.output.find("allow list with only localhost entries"), std::string::npos) << open.output;
  }
}

TEST_F(SystemdUnit, IsReloadedByAProgramThatItMayRun) {
  EXPECT_NE(unit_.find("\nExecReload=/bin/kill -HUP $MAINPID\n"), std::string::npos);
  const std::size_t allowed = unit_.find("\nExecPaths=");
  ASSERT_NE(allowed, std::string::npos);
  EXPECT_NE(unit_.substr(allowed, unit_.find('\n', allowed + 1) - allowed).find(" /bin/kill "), std::string::npos);
}

TEST_F(SystemdUnit, IsWatchedAndNotified) {
  for (const char* line : {"\nType=notify\n", "\nWatchdogSec=", "\nStateDirectory=silt\n",
                           "\nRuntimeDirectory=silt\n", "\nRestart=on-failure\n"}) {
    EXPECT_NE(unit_.find(line), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace silt
