// PowerLossEnv: a RocksDB Env over the real one whose machine can lose power.
//
// It remembers how much of each file was synced, and which directory entries were. Nothing is really
// synced: a sync only moves the remembered length, so tests with thousands of syncs are quick.
// cut() is the moment of the loss; settle() leaves on disk what a disk may leave: all that was synced,
// and of the rest, by chance, more or less. A file that was created or renamed since its directory was
// synced may have its old name again, or none. What was deleted stays deleted.
//
// Files that were there before are taken for durable: a reopened store gets an Env of its own.
// Safe from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <random>

namespace rocksdb {
class Env;
}

namespace silt::testing {

class PowerLossEnv {
 public:
  PowerLossEnv();
  ~PowerLossEnv();
  PowerLossEnv(const PowerLossEnv&) = delete;
  PowerLossEnv& operator=(const PowerLossEnv&) = delete;

  rocksdb::Env* env() const { return env_.get(); }

  // From here on every write fails, from whichever thread.
  void cut();
  // The same, by itself, when so many more writes and syncs have been made.
  void cut_after(std::uint64_t writes);
  // After cut(); nobody may have files open that will be written to again.
  void settle(std::mt19937_64& random);

  std::uint64_t syncs() const;  // of files

 private:
  class FileSystem;
  std::shared_ptr<FileSystem> files_;
  std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace silt::testing
