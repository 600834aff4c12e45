// What people see when a store cannot be opened: why, and what to do.
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "daemon/store/rocks_store.h"
#include "daemon/store/rows.h"
#include "tests/daemon/raw_rows.h"
#include "tests/daemon/store_world.h"
#include "tests/support/temp_dir.h"

namespace silt::store {
namespace {

class StoreOpenTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(world_.reopen().is_ok()); }
  // Of the next open, which must fail.
  Status failure() {
    const Status opened = world_.reopen();
    EXPECT_FALSE(opened.is_ok());
    EXPECT_EQ(opened.message().find('\n'), std::string::npos);
    EXPECT_NE(opened.message().find(world_.path()), std::string::npos);
    return opened;
  }
  void set_schema(std::uint32_t major) {
    world_.close();
    RawRows raw(world_.path());
    raw.put(Family::kMain, keys::schema(), rows::encode(keys::schema(), rows::Schema{major, 0}));
  }
  // Overwrites bytes of the largest file that `wanted` takes, `at` of its size.
  template <class Wanted>
  void damage_file(Wanted wanted, const std::function<std::uintmax_t(std::uintmax_t)>& at) {
    world_.close();
    std::filesystem::path largest;
    std::uintmax_t size = 0;
    for (const auto& entry : std::filesystem::directory_iterator(world_.path())) {
      if (!wanted(entry.path()) || entry.file_size() <= size) continue;
      largest = entry.path();
      size = entry.file_size();
    }
    ASSERT_GT(size, 40u);
    std::fstream file(largest, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at(size)));
    file.write("damage!!", 8);
  }

  StoreWorld world_{1};
};

bool says(const Status& status, std::string_view part) {
  return status.message().find(part) != std::string::npos;
}

TEST_F(StoreOpenTest, SecondProcessIsRefused) {
  const auto second = RocksStore::open(world_.options);
  ASSERT_FALSE(second.is_ok());
  EXPECT_EQ(second.status().code(), Code::kFailedPrecondition);
  EXPECT_TRUE(says(second.status(), "locked by another siltd")) << second.status().to_string();
}

TEST_F(StoreOpenTest, ReadersMayLookBesideADaemon) {
  SourceModel& source = world_.source("a");
  ASSERT_TRUE(world_.append(source, 5).is_ok());
  StoreOptions options = world_.options;
  options.database.read_only = true;
  const auto reader = RocksStore::open(options);
  ASSERT_TRUE(reader.is_ok()) << reader.status().to_string();
  EXPECT_EQ((*reader)->read(source.info.ref, 5)->text, source.records[4].record.text);
  EXPECT_EQ((*reader)->digests().value(), world_.store().digests().value());
}

TEST_F(StoreOpenTest, ANewerFormatIsRefused) {
  set_schema(3);
  const Status opened = failure();
  EXPECT_EQ(opened.code(), Code::kFailedPrecondition);
  EXPECT_TRUE(says(opened, "has format 3, this siltd knows 2; install the newer siltd")) << opened.message();
}

TEST_F(StoreOpenTest, AnOlderFormatIsRefused) {
  set_schema(1);
  const Status opened = failure();
  EXPECT_EQ(opened.code(), Code::kFailedPrecondition);
  EXPECT_TRUE(says(opened, "has format 1, this siltd knows 2; move the directory away")) << opened.message();
}

// The first format had other column families, which are met before its schema row.
TEST_F(StoreOpenTest, AStoreWithOtherFamiliesIsRefused) {
  world_.close();
  const std::string path = world_.path() + "-1";
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* db = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options, path, &db).ok());
  for (const char* name : {"journal", "index", "state"}) {
    rocksdb::ColumnFamilyHandle* family = nullptr;
    ASSERT_TRUE(db->CreateColumnFamily(rocksdb::ColumnFamilyOptions(), name, &family).ok());
    ASSERT_TRUE(db->DestroyColumnFamilyHandle(family).ok());
  }
  delete db;
  world_.options.database.path = path;
  const Status opened = failure();
  EXPECT_EQ(opened.code(), Code::kFailedPrecondition);
  EXPECT_TRUE(says(opened, "move the directory away to read the logs again")) << opened.message();
}

TEST_F(StoreOpenTest, DamageIsRefusedWithARemedy) {
  ASSERT_TRUE(world_.append(world_.source("a"), 1).is_ok());
  damage_file([](const auto& path) { return path.filename().string().starts_with("MANIFEST"); },
              [](auto) { return 20; });  // in its first record: a bad length would pass for a torn end
  const Status opened = failure();
  EXPECT_EQ(opened.code(), Code::kDataLoss);
  EXPECT_TRUE(says(opened, "damaged")) << opened.message();
  EXPECT_TRUE(says(opened, "restore a backup")) << opened.message();
}

// The library's default recovery mode would open this and silently lose what follows the damage.
TEST_F(StoreOpenTest, DamageInTheMiddleOfTheLogIsRefused) {
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(world_.append(world_.source("a"), 20).is_ok());
  // As after a crash: what is closed in good order has no long log.
  std::filesystem::copy(world_.path(), world_.path() + "-copy");
  world_.options.database.path += "-copy";
  damage_file([](const auto& path) { return path.extension() == ".log"; },
              [](auto size) { return size / 2; });
  EXPECT_EQ(failure().code(), Code::kDataLoss);
}

// A file that vanished is an error, not a shorter past.
TEST_F(StoreOpenTest, AMissingFileIsRefused) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(world_.append(world_.source("a"), 20).is_ok());
  ASSERT_TRUE(world_.reopen().is_ok());
  world_.close();
  std::size_t removed = 0;
  for (const auto& entry : std::filesystem::directory_iterator(world_.path()))
    removed += entry.path().extension() == ".sst" && std::filesystem::remove(entry.path()) ? 1 : 0;
  ASSERT_GT(removed, 0u);
  EXPECT_EQ(failure().code(), Code::kDataLoss);
}

// The log that was being written is not among those which the library misses.
TEST_F(StoreOpenTest, AVanishedLogIsRefused) {
  const auto remove_logs = [&] {
    for (const auto& entry : std::filesystem::directory_iterator(world_.path())) {
      if (entry.path().extension() == ".log") std::filesystem::remove(entry.path());
    }
  };
  ASSERT_TRUE(world_.reopen().is_ok());
  world_.close();
  ASSERT_TRUE(world_.reopen().is_ok());
  world_.close();
  remove_logs();
  const Status opened = failure();
  EXPECT_EQ(opened.code(), Code::kDataLoss);
  EXPECT_TRUE(says(opened, "write-ahead log (*.log) is gone") && says(opened, "restore a backup")) << opened.to_string();
}

TEST_F(StoreOpenTest, ThePathIsNoDirectoryOrHasNoParent) {
  world_.options.database.path = world_.path() + "/no/such/parent";
  EXPECT_TRUE(says(failure(), "store.path"));
  world_.options.database.path = world_.path() + ".file";
  std::ofstream(world_.path()) << "not a directory";
  (void)failure();
}

}  // namespace
}  // namespace silt::store
