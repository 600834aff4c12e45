// The audit log: what was written is found, and so is whatever was done to it since.
#include "daemon/access/audit_log.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/log.h"
#include "tests/support/temp_dir.h"

namespace silt::access {
namespace {

class Anchors final : public store::AuditAnchors {
 public:
  Result<store::AuditAnchor> audit_anchor() const override { return anchor; }
  Status put_audit_anchor(const store::AuditAnchor& next) override {
    anchor = next;
    return Status::ok();
  }
  store::AuditAnchor anchor;
};

class AuditLogTest : public ::testing::Test {
 protected:
  AuditLogTest() {
    log::set_sink([](log::Level, std::string_view) {});
  }
  std::unique_ptr<AuditLog> open() { return AuditLog::open(path_, anchors_, clock_).value(); }
  void write(int count) {
    const auto log = open();
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(log->append({.caller = "uid:7", .action = "ResetState", .tenant = "default",
                               .object = "web\t\n\xff" + std::to_string(++written_), .outcome = "OK"}).is_ok());
    }
  }
  std::vector<std::string> lines() const {
    std::ifstream file(path_);
    std::vector<std::string> out;
    for (std::string line; std::getline(file, line);) out.push_back(line);
    return out;
  }
  void put(const std::vector<std::string>& lines, const std::string& rest = "") const {
    std::ofstream file(path_, std::ios::trunc | std::ios::binary);
    for (const std::string& line : lines) file << line << "\n";
    file << rest;
  }
  AuditReading read() { return open()->read().value(); }

  testing::TempDir dir_;
  const std::string path_ = dir_.path("audit.log");
  Anchors anchors_;
  ManualClock clock_{1'700'000'000'000'000};
  int written_ = 0;
};

TEST_F(AuditLogTest, KeepsWhatWasWrittenOverRestarts) {
  write(3);
  write(2);
  const AuditReading reading = read();
  EXPECT_EQ(reading.damage, "");
  EXPECT_EQ(reading.verified, 5u);
  ASSERT_EQ(reading.entries.size(), 5u);
  EXPECT_EQ(reading.entries[4].number, 5u);
  EXPECT_EQ(reading.entries[4].object, "web\t\n\xff" "5");
  EXPECT_EQ(reading.entries[4].time_us, clock_.wall_us());
  EXPECT_EQ(lines().size(), 5u);  // an entry is a line, whatever its names hold
}

TEST_F(AuditLogTest, AChangedByteIsFoundWhereverItIs) {
  write(4);
  const auto whole = lines();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (std::size_t byte = 0; byte < whole[at].size(); byte += 7) {
      auto changed = whole;
      changed[at][byte] = changed[at][byte] == '1' ? '2' : '1';
      put(changed);
      const AuditReading reading = read_audit(([&] {
        std::ostringstream text;
        text << std::ifstream(path_).rdbuf();
        return text.str();
      })(), anchors_.anchor);
      EXPECT_NE(reading.damage, "") << at << " " << byte;
      EXPECT_EQ(reading.verified, at) << byte << " " << reading.damage;
    }
  }
}

TEST_F(AuditLogTest, ACutEndIsFoundAndStaysFound) {
  write(4);
  auto cut = lines();
  cut.pop_back();
  put(cut);
  EXPECT_NE(read().damage.find("ends with entry 3, but 4"), std::string::npos) << read().damage;
  write(1);  // what is written later does not hide it
  EXPECT_NE(read().damage.find("entries 4 to 4 are missing"), std::string::npos) << read().damage;
  put({});
  EXPECT_NE(read().damage, "");
}

TEST_F(AuditLogTest, MissingSwappedAndRepeatedLinesAreFound) {
  write(4);
  const auto whole = lines();
  put({whole[0], whole[2], whole[3]});
  EXPECT_NE(read().damage.find("entries 2 to 2 are missing"), std::string::npos);
  put({whole[1], whole[0], whole[2], whole[3]});
  EXPECT_NE(read().damage, "");
  put({whole[0], whole[1], whole[1], whole[2], whole[3]});
  EXPECT_NE(read().damage, "");
}

// Whoever writes the whole log anew, with hashes that fit, meets what the store remembers.
TEST_F(AuditLogTest, AnotherLogInItsPlaceIsFound) {
  write(3);
  const store::AuditAnchor remembered = anchors_.anchor;
  std::filesystem::remove(path_);
  anchors_.anchor = {};
  write(3);
  anchors_.anchor = remembered;
  EXPECT_NE(read().damage.find("not the one that the store remembers"), std::string::npos) << read().damage;
}

// Killed between file and store, or inside a line: nobody was told that it is written.
TEST_F(AuditLogTest, AKilledWriterLeavesItWhole) {
  write(2);
  const store::AuditAnchor before = anchors_.anchor;
  write(1);
  anchors_.anchor = before;
  put(lines(), "4\t170");
  EXPECT_EQ(read().damage, "");
  write(1);
  EXPECT_EQ(read().damage, "");
  EXPECT_EQ(read().verified, 4u);
}

TEST_F(AuditLogTest, OfRefusalsOneASecondIsWritten) {
  const auto log = open();
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(log->append_refused({.caller = "uid:9", .action = "ResetState"}).is_ok());
  ASSERT_TRUE(log->append_refused({.caller = "uid:8", .action = "ResetState"}).is_ok());
  clock_.advance_us(AuditLog::kRefusalsEveryUs);
  ASSERT_TRUE(log->append_refused({.caller = "uid:9", .action = "ResetState"}).is_ok());
  const AuditReading reading = log->read().value();
  ASSERT_EQ(reading.entries.size(), 3u);
  EXPECT_NE(reading.entries[2].detail.find("999 more"), std::string::npos) << reading.entries[2].detail;
}

TEST_F(AuditLogTest, NothingIsWrittenToAFileThatIsNoLongerTheLog) {
  const auto log = open();
  ASSERT_TRUE(log->append({.caller = "uid:7"}).is_ok());
  const std::vector<std::string> kept = lines();
  std::filesystem::rename(path_, path_ + ".away");
  const Status gone = log->append({.caller = "uid:7"});
  EXPECT_NE(gone.message().find("removed, replaced or changed"), std::string::npos) << gone.to_string();
  EXPECT_NE(log->read().value().damage, "") << "all entries are missing";
  put(kept);  // another file with the same bytes
  EXPECT_FALSE(log->append({.caller = "uid:7"}).is_ok());
  std::filesystem::rename(path_ + ".away", path_);
  EXPECT_TRUE(log->append({.caller = "uid:7"}).is_ok()) << "put back, it is the log again";
  put({});  // emptied in place
  EXPECT_FALSE(log->append({.caller = "uid:7"}).is_ok());
  EXPECT_EQ(anchors_.anchor.number, 2u);
}

TEST_F(AuditLogTest, WithoutRoomNothingIsTakenForWritten) {
  const auto log = open();
  ASSERT_TRUE(log->append({.caller = "uid:7"}).is_ok());
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const auto old_action = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{20, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_FALSE(log->append({.caller = "uid:7"}).is_ok());
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  std::signal(SIGXFSZ, old_action);
  EXPECT_FALSE(log->append({.caller = "uid:7"}).is_ok());  // final
  EXPECT_EQ(anchors_.anchor.number, 1u);
}

}  // namespace
}  // namespace silt::access
