#include "tests/support/power_loss_env.h"

#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <filesystem>

#include "tests/support/temp_dir.h"

namespace silt::testing {
namespace {

// The library's threads outlive the loss: what they still do to files that they hold open (closing one
// sets its length to what they wrote) must not change what the disk was left with.
TEST(PowerLossEnvTest, AFileClosedAfterTheLossStaysAsItWasLeft) {
  TempDir dir;
  const std::string path = dir.path("file");
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    PowerLossEnv power;
    std::unique_ptr<rocksdb::FSWritableFile> file;
    const rocksdb::IOOptions io;
    const auto& files = power.env()->GetFileSystem();
    ASSERT_TRUE(files->NewWritableFile(path, rocksdb::FileOptions(), &file, nullptr).ok());
    std::unique_ptr<rocksdb::FSDirectory> directory;
    ASSERT_TRUE(files->NewDirectory(dir.path(), io, &directory, nullptr).ok());
    ASSERT_TRUE(directory->Fsync(io, nullptr).ok());
    file->SetPreallocationBlockSize(1 << 16);
    file->PrepareWrite(0, 1000, io, nullptr);
    ASSERT_TRUE(file->Append(std::string(600, 'x'), io, nullptr).ok());
    ASSERT_TRUE(file->Sync(io, nullptr).ok());
    ASSERT_TRUE(file->Append(std::string(400, 'x'), io, nullptr).ok());
    power.cut();
    std::mt19937_64 random(seed);
    power.settle(random);
    const auto left = std::filesystem::file_size(path);
    EXPECT_GE(left, 600);
    EXPECT_LE(left, 1000);
    (void)file->Close(io, nullptr);
    EXPECT_EQ(std::filesystem::file_size(path), left) << "seed " << seed;
  }
}

}  // namespace
}  // namespace silt::testing
