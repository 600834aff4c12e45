// Backups: what they leave, and what is not of them.
#include "daemon/store/backup.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/daemon/store_world.h"
#include "tests/support/temp_dir.h"

namespace silt::store {
namespace {

namespace fs = std::filesystem;

class BackupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world_.reopen().is_ok());
    ASSERT_TRUE(world_.append(world_.source("a"), 20).is_ok());
  }
  Status back_up(const std::string& name) { return make_backup(world_.store(), dir_.path(name), {}, 7).status(); }

  testing::TempDir dir_;
  StoreWorld world_{1, dir_.path("store")};
};

TEST_F(BackupTest, AFileThatIsNotOfItIsNamed) {
  ASSERT_TRUE(back_up("monday").is_ok());
  ASSERT_TRUE(verify_backup(dir_.path("monday")).is_ok());
  std::ofstream(dir_.path("monday/000999.sst")) << "planted";
  const Status verified = verify_backup(dir_.path("monday")).status();
  EXPECT_EQ(verified.code(), Code::kDataLoss);
  EXPECT_NE(verified.message().find("000999.sst is not of it"), std::string::npos) << verified.message();
}

TEST_F(BackupTest, WhatAKilledOneLeftIsRemovedByTheNext) {
  for (const char* name : {"monday.part", "monday.part.tmp"}) fs::create_directory(dir_.path(name));
  std::ofstream(dir_.path("monday.part/000001.sst")) << "half";
  std::ofstream(dir_.path("store/BACKUP_UNDER_WAY")) << dir_.path("monday.part");
  fs::create_directory(dir_.path("mine.part"));
  ASSERT_TRUE(back_up("tuesday").is_ok());
  EXPECT_FALSE(fs::exists(dir_.path("monday.part")));
  EXPECT_FALSE(fs::exists(dir_.path("monday.part.tmp")));
  EXPECT_TRUE(fs::exists(dir_.path("mine.part"))) << "nobody knows whose that is";
  EXPECT_FALSE(fs::exists(dir_.path("store/BACKUP_UNDER_WAY")));
  EXPECT_FALSE(fs::exists(dir_.path("tuesday/BACKUP_UNDER_WAY")));
  EXPECT_TRUE(verify_backup(dir_.path("tuesday")).is_ok());
}

}  // namespace
}  // namespace silt::store
