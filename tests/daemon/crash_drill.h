// CrashDrill: logs, and a store that pipeline_child reads them into while it dies again and again; and a
// twin of the store whose child never dies. Both must say the same.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "daemon/store/rocks_store.h"
#include "tests/support/temp_dir.h"

namespace silt::testing {

// One run of a program, pipeline_child most of the time.
class Child {
 public:
  explicit Child(const std::vector<std::string>& arguments, std::string program = SILT_PIPELINE_CHILD);
  ~Child();  // killed, if it still runs
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Waits for the next sign of progress, at most so long; false when there is none.
  bool progress_within(int timeout_ms);
  void kill_and_wait();
  int wait();  // the status, as waitpid() says it

 private:
  pid_t pid_ = -1;
  int output_ = -1;
};

class CrashDrill {
 public:
  explicit CrashDrill(std::uint64_t seed);

  // Lines of a few patterns, some rare, with values that the miner has to mask, and now and then a
  // private key, whose lines may lie in several batches.
  void write_lines(const std::string& file, int count);
  std::uint64_t lines() const { return lines_; }
  std::uint64_t lines_of_first() const { return of_first_; }  // of the file that was written to first

  // Of a run on `store`; extra ones are pipeline_child's key=value.
  std::vector<std::string> arguments(const std::string& store, std::vector<std::string> extra = {}) const;
  // Runs until a moment or point by chance, and dies there, with or without its machine's power, while
  // lines are written to the files.
  void round(const std::vector<std::string>& files);
  // Runs to the end of what was written and dies at the count-th passing of a point, if it comes to that.
  void die_at(const std::string& point, int count, bool power);

  // Resets the first source of both stores when they have read everything and made the changes that are due; the one
  // is killed meanwhile, at each passing of `point` or, without one, several times by chance, and asked again. Empty, or
  // what failed.
  std::string reset(const std::string& id, bool with_fold, const std::string& point = "", bool power = false);

  // Lets both stores read everything. Empty: they say the same; otherwise what differs first.
  std::string difference();

  // Set before the first run.
  std::int64_t stamp_step_us = 50'000;  // 0 with several files: their order differs from run to run
  std::uint64_t retention_bytes = 0;    // of the store, not of its twin
  // Once so many records of the first source are processed, these of it are left out or forgotten; of the twin when it
  // has read everything, in the other order. With retention a rollback may need what is gone: it is refused then, and not
  // made of the twin, either.
  struct Change {
    std::uint64_t at = 0;
    store::SeqRange range;
    std::string what = "rollback";  // or forget
  };
  std::vector<Change> changes;
  // Adds one that will be due some lines from now, of records that are read since the last reset (for forgetting: of
  // any).
  void plan(const std::string& what);
  bool backups = false;  // are made all the time, of the store

  std::mt19937_64 random;

  static const std::vector<std::string>& points();
  static const std::vector<std::string>& rollback_points();
  static const std::vector<std::string>& forget_points();

 private:
  struct Contents {
    std::vector<store::SourceDigest> digests;
    std::vector<store::Seq> floors;
    std::vector<std::string> cursors;
  };
  std::string finish(const std::string& store);
  Result<std::unique_ptr<store::RocksStore>> open(const std::string& store) const;

  TempDir dir_;
  std::uint64_t lines_ = 0;
  std::string first_;
  std::uint64_t of_first_ = 0;
  int key_lines_left_ = 0;
  std::uint64_t reset_at_ = 0;  // lines of the first file that there were
};

}  // namespace silt::testing
