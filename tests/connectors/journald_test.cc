// The journal, in files that systemd-journal-remote makes: read once, whatever rotation, vacuuming, damage and ends of
// siltd do meanwhile.
#include "connectors/journald/journald_connector.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "base/clock.h"
#include "connectors/json.h"
#include "tests/connectors/journal_of.h"
#include "tests/support/temp_dir.h"

namespace silt::connectors {
namespace {

namespace fs = std::filesystem;

constexpr char kRemote[] = "/usr/lib/systemd/systemd-journal-remote";
constexpr char kBoot[] = "11111111111111111111111111111111";

// Waits for nothing: tests poll.
class NoWaiter final : public Waiter {
 public:
  void wait(int, std::chrono::milliseconds, std::function<void()>) override {}
};

class JournaldTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kRemote)) GTEST_SKIP() << "systemd-journal-remote is not installed";
    fs::create_directory(dir.path("journal"));
    options.input = "host";
    options.place.directory = dir.path("journal");
  }
  std::string file(const std::string& name) const { return dir.path("journal/" + name + ".journal"); }

  // Adds entries numbered from `first` to a journal file, a second apart. `more`: further fields, a line each.
  void write(const std::string& name, int first, int count, const std::string& more = "_SYSTEMD_UNIT=ssh.service\n") const {
    std::ofstream out(dir.path("export"), std::ios::trunc);
    for (int i = first; i < first + count; ++i) {
      out << "__REALTIME_TIMESTAMP=" << 1'796'058'000'000'000 + i * 1'000'000ll << "\n__MONOTONIC_TIMESTAMP=" << 1'000'000 + i * 1'000'000ll
          << "\n_BOOT_ID=" << kBoot << "\nMESSAGE=entry " << i << "\nPRIORITY=3\nSYSLOG_FACILITY=4\n_PID=812\nSYSLOG_IDENTIFIER=sshd\n" << more << "\n";
    }
    out.close();
    const std::string command = std::string(kRemote) + " --output=" + file(name) + " " + dir.path("export") + " 2>/dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  void start() {
    connector = std::make_unique<JournaldConnector>(options, clock, waiter);
    journal.resume(*connector);
  }
  void read_all() {
    while (journal.take(*connector)) continue;
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> out;
    for (const Kept& kept : journal.records) out.push_back(kept.text);
    return out;
  }
  static std::vector<std::string> entries(int first, int count) {
    std::vector<std::string> out;
    for (int i = first; i < first + count; ++i) out.push_back("entry " + std::to_string(i));
    return out;
  }

  silt::testing::TempDir dir;
  SystemClock clock;
  NoWaiter waiter;
  JournaldOptions options;
  std::unique_ptr<JournaldConnector> connector;
  Journal journal;
};

TEST_F(JournaldTest, EntriesHaveTheirFields) {
  write("system", 0, 1, "_SYSTEMD_UNIT=ssh.service\n_HOSTNAME=db3\n_UID=0\n_CMDLINE=sshd -D\nCODE_FILE=auth.c\n_TRANSPORT=syslog\nUSER_NAME=eli\n");
  start();
  read_all();
  ASSERT_EQ(texts(), entries(0, 1));
  const Kept& kept = journal.records[0];
  EXPECT_EQ(kept.attributes, (std::map<std::string, std::string>{{"host", "db3"}, {"unit", "ssh.service"}, {"app", "sshd"}, {"pid", "812"},
                                                                  {"severity", "err"}, {"facility", "auth"}, {"uid", "0"}, {"transport", "syslog"},
                                                                  {"boot", kBoot}, {"code_file", "auth.c"}, {"user_name", "eli"}}));
  EXPECT_EQ(kept.told_us, 1'796'058'000'000'000);
  EXPECT_EQ(kept.place, "journald:ssh.service");
}

#ifndef SILT_JOURNAL_ENTRIES
#define SILT_JOURNAL_ENTRIES 3000
#endif

// Each entry once, with the fields that journalctl tells of it.
TEST_F(JournaldTest, EntriesAreThoseThatJournalctlShows) {
  constexpr int kEntries = SILT_JOURNAL_ENTRIES;
  {
    std::ofstream out(dir.path("export"));
    for (int i = 0; i < kEntries; ++i) {
      out << "__REALTIME_TIMESTAMP=" << 1'796'058'000'000'000 + i * 1000ll << "\n__MONOTONIC_TIMESTAMP=" << 1'000'000 + i * 1000ll << "\n_BOOT_ID=" << kBoot
          << "\nMESSAGE=" << (i % 7 == 0 ? "Grüße \\\"" : "session opened for user u") << i % 997 << (i % 11 == 0 ? std::string(300, 'x') : "") << " of " << i
          << "\nPRIORITY=" << i % 8 << "\nSYSLOG_FACILITY=4\n_PID=" << 800 + i % 50 << "\nSYSLOG_IDENTIFIER=app" << i % 5 << "\n_SYSTEMD_UNIT=app" << i % 5 << ".service\n\n";
    }
  }
  const std::string to_json = "journalctl -a -q -o json --directory=" + dir.path("journal") + " > " + dir.path("json");
  ASSERT_EQ(std::system((std::string(kRemote) + " --output=" + file("system") + " " + dir.path("export") + " 2>/dev/null").c_str()), 0);
  ASSERT_EQ(std::system(to_json.c_str()), 0);
  std::vector<std::size_t> wanted, got;  // hashes: there may be millions
  const auto add = [](std::vector<std::size_t>& to, std::string_view text, std::int64_t us, std::string_view pid, std::string_view app, std::string_view unit, std::string_view severity) {
    const std::string all = std::string(text) + '|' + std::to_string(us) + '|' + std::string(pid) + '|' + std::string(app) + '|' + std::string(unit) + '|' + std::string(severity);
    to.push_back(std::hash<std::string>()(all));
  };
  constexpr std::array<std::string_view, 8> kSeverities = {"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};
  std::ifstream shown(dir.path("json"));
  for (std::string line; std::getline(shown, line);) {
    const auto entry = JsonDocument::parse(line);
    ASSERT_TRUE(entry.is_ok()) << line;
    const auto text = [&](const char* field) { return std::string(entry->root()[field].text()); };
    add(wanted, text("MESSAGE"), std::stoll(text("__REALTIME_TIMESTAMP")), text("_PID"), text("SYSLOG_IDENTIFIER"), text("_SYSTEMD_UNIT"),
        kSeverities.at(std::stoul(text("PRIORITY"))));
  }
  start();
  while (journal.take(*connector)) {
    for (const Kept& kept : journal.records) {
      const auto& of = kept.attributes;
      add(got, kept.text, kept.told_us, of.at("pid"), of.at("app"), of.at("unit"), of.at("severity"));
    }
    journal.records.clear();
  }
  EXPECT_EQ(wanted.size(), static_cast<std::size_t>(kEntries));
  std::ranges::sort(wanted);
  std::ranges::sort(got);
  EXPECT_TRUE(got == wanted) << got.size() << " records of " << wanted.size() << " entries";
}

TEST_F(JournaldTest, UnitsBecomeStreams) {
  write("system", 0, 2);
  write("system", 2, 1, "_SYSTEMD_UNIT=session-12.scope\n");
  write("system", 3, 1, "_TRANSPORT=kernel\n");
  write("system", 4, 1, "_SYSTEMD_UNIT=../x y\n");
  start();
  Batch batch;
  ASSERT_TRUE(connector->poll({}, batch).is_ok());
  std::map<std::string, std::size_t> counts;
  for (const StreamBatch& each : batch.streams) counts[each.stream] = each.records.size();
  EXPECT_EQ(counts, (std::map<std::string, std::size_t>{{"host:ssh.service", 2}, {"host:session.scope", 1}, {"host:kernel", 1}, {"", 1}}));
  EXPECT_EQ(lasting_unit("docker-0f3a9bc1d2.scope"), "docker.scope");
  EXPECT_EQ(lasting_unit("run-u42.service"), "run.service");
  EXPECT_EQ(lasting_unit("user@1000.service"), "user@1000.service");
  EXPECT_EQ(lasting_unit("systemd-logind.service"), "systemd-logind.service");
}

TEST_F(JournaldTest, GoesOnWhereItStood) {
  write("system", 0, 50);
  start();
  read_all();
  write("system", 50, 50);
  read_all();
  EXPECT_EQ(texts(), entries(0, 100)) << "while it runs";
  connector.reset();
  write("system", 100, 50);
  start();
  read_all();
  EXPECT_EQ(texts(), entries(0, 150)) << "over a stop";
}

TEST_F(JournaldTest, ABatchThatWasNotStoredIsReadAgain) {
  write("system", 0, 100);
  start();
  ReadLimits limits;
  limits.batch_records_max = 30;
  Batch batch;
  ASSERT_TRUE(*connector->poll(limits, batch));
  EXPECT_EQ(batch.records, 30U);
  ASSERT_TRUE(*connector->poll(limits, batch));  // the same
  connector->confirm();
  EXPECT_EQ(batch.streams[0].records[0].text, "entry 0");
  ASSERT_TRUE(*connector->poll(limits, batch));
  EXPECT_EQ(batch.streams[0].records[0].text, "entry 30");
  ASSERT_TRUE(connector->poll(limits, batch).is_ok());
  EXPECT_EQ(batch.streams[0].records[0].text, "entry 30");
}

TEST_F(JournaldTest, RotationAndVacuumingWhileItReadsLoseNothing) {
  write("system", 0, 100);
  start();
  ReadLimits limits;
  limits.batch_records_max = 30;
  Batch batch;
  ASSERT_TRUE(*connector->poll(limits, batch));
  connector->confirm();
  fs::rename(file("system"), file("system@0001"));
  write("system", 100, 20);
  fs::remove(file("system@0001"));
  read_all();
  EXPECT_EQ(texts(), entries(30, 90));
}

TEST_F(JournaldTest, WhatWasVacuumedWhileItStoodIsAGap) {
  write("a", 0, 10);
  start();
  read_all();
  connector.reset();
  fs::remove(file("a"));
  write("b", 20, 10);
  start();
  read_all();
  ASSERT_EQ(journal.records.size(), 21U);
  EXPECT_TRUE(journal.records[10].attributes.contains("cause")) << journal.records[10].text;
  EXPECT_EQ(journal.records[11].text, "entry 20");
  connector.reset();
  start();
  read_all();
  EXPECT_EQ(journal.records.size(), 21U) << "it is said once";
}

TEST_F(JournaldTest, ADamagedFileCostsNoOther) {
  write("a", 0, 200);
  write("b", 200, 10);
  {
    std::fstream damaged(file("a"), std::ios::in | std::ios::out | std::ios::binary);
    damaged.seekp(static_cast<std::streamoff>(fs::file_size(file("a")) / 2));
    damaged << std::string(4096, 'X');
  }
  std::ofstream(file("c")) << "this is no journal";
  start();
  read_all();
  const std::vector<std::string> read = texts();
  ASSERT_GE(read.size(), 10U);
  EXPECT_EQ(std::vector<std::string>(read.end() - 10, read.end()), entries(200, 10));
  write("b", 210, 10);
  read_all();
  EXPECT_EQ(texts().back(), "entry 219");
}

TEST_F(JournaldTest, FromTheEndMeansWhatComes) {
  write("system", 0, 10);
  options.from_end = true;
  start();
  read_all();
  EXPECT_TRUE(texts().empty());
  connector.reset();
  write("system", 10, 5);
  start();
  read_all();
  EXPECT_EQ(texts(), entries(10, 5));
}

TEST_F(JournaldTest, AFolderThatIsNotThereIsSaidAndTriedAgain) {
  fs::remove(dir.path("journal"));
  start();
  Batch batch;
  const auto polled = connector->poll({}, batch);
  ASSERT_FALSE(polled.is_ok());
  EXPECT_NE(polled.status().message().find("group systemd-journal"), std::string::npos) << polled.status().message();
  fs::create_directory(dir.path("journal"));
  write("system", 0, 3);
  read_all();
  EXPECT_EQ(texts(), entries(0, 3));
}

TEST(JournalCursors, CountWhatIsBetween) {
  EXPECT_EQ(entries_between("s=a1;i=10;b=c;m=d;t=e;x=f", "s=a1;i=13;b=c;m=d;t=e;x=f"), 2);
  EXPECT_EQ(entries_between("s=a1;i=10;b=c", "s=a1;i=11;b=c"), 0);
  EXPECT_EQ(entries_between("s=a1;i=10;b=c", "s=b2;i=11;b=c"), -1);
  EXPECT_EQ(entries_between("s=a1;i=10;b=c", "s=a1;i=9;b=c"), -1);
  EXPECT_EQ(entries_between("nonsense", "s=a1;i=9"), -1);
}

// A host with two of them: another /var/log, which only a child of the test sees. It is where systemd looks.
TEST_F(JournaldTest, NamespacesAreJournalsOfTheirOwn) {
  std::string machine;
  std::ifstream("/etc/machine-id") >> machine;
  if (::geteuid() != 0 || machine.size() != 32) GTEST_SKIP() << "needs root, and a host with a machine id";
  write("default", 0, 3);
  write("web", 10, 4);
  const pid_t child = ::fork();
  if (child == 0) {
    const bool apart = ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                       ::mount("tmpfs", "/var/log", "tmpfs", 0, nullptr) == 0;
    if (!apart) ::_exit(77);
    for (const auto& [folder, name] : {std::pair(machine, "default"), std::pair(machine + ".web", "web")}) {
      fs::create_directories("/var/log/journal/" + folder);
      fs::copy(file(name), "/var/log/journal/" + folder + "/system.journal");
    }
    options.place.directory.clear();
    bool good = true;
    for (const auto& [name_space, wanted] : {std::pair("", entries(0, 3)), std::pair("web", entries(10, 4)), std::pair("*", entries(0, 3))}) {
      options.place.name_space = name_space;
      journal = {};
      start();
      read_all();
      std::vector<std::string> all = wanted;
      if (std::string(name_space) == "*") all.insert(all.end(), {"entry 10", "entry 11", "entry 12", "entry 13"});
      std::vector<std::string> got = texts();
      std::sort(got.begin(), got.end());
      std::sort(all.begin(), all.end());
      good = good && got == all;
    }
    ::_exit(good ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) GTEST_SKIP() << "no mounts of its own are allowed here";
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace silt::connectors
