// StoreWorld: a real store beside a plain model of what must be in it.
//
// Records, marks and scores are random: functions of a seed, the source's name and the seq, so that two
// worlds of one seed hold the same however it came in. Whatever is done to the store is done to the
// model, and check() compares all that the store says with what the model says.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "daemon/store/rocks_store.h"
#include "tests/support/power_loss_env.h"
#include "tests/support/temp_dir.h"

namespace silt::store {

struct KeptRecord {
  JournalRecord record;
  FoldMark mark;
  std::optional<Score> score;
};

struct SourceModel {
  SourceInfo info;
  std::vector<KeptRecord> records;  // by seq - 1
  std::vector<Seq> chunk_ends;
  IntakeHead intake;
  FoldHead fold;  // segment_bytes is the store's
  NetHead net;
  std::vector<Score> tail;
  std::vector<std::pair<Seq, Seq>> lost;  // ranges whose bytes were damaged

  Seq end() const { return records.size(); }
  bool is_lost(Seq seq) const;
  // What the store should find for records in [first, last].
  bool is_known(Seq seq) const { return seq > fold.floor_seq && seq <= fold.folded_seq && !is_lost(seq); }
};

void expect_equal(const JournalRecord& got, const JournalRecord& wanted);

class StoreWorld {
 public:
  explicit StoreWorld(std::uint64_t seed, std::string path = "");

  // Options for the next open; `path` and terms are set.
  StoreOptions options;
  Status reopen();
  void close() { store_.reset(); }
  RocksStore& store() { return *store_; }
  const std::string& path() const { return options.database.path; }

  SourceModel& source(const std::string& name, const std::string& tenant = "default");
  std::vector<SourceModel*> sources();
  // All in one group. The model takes them unless the store says kAborted.
  Status append(std::vector<std::pair<SourceModel*, std::size_t>> counts,
                std::vector<CursorChange> cursors = {});
  Status append(SourceModel& source, std::size_t count) { return append({{&source, count}}); }

  // One fold commit: marks of the next `chunks` chunks in one row, and patterns.
  Status fold(SourceModel& source, std::size_t chunks = ~std::size_t{0});
  // A fold commit that seals all folded records from `from` on; 0: behind the last segment.
  Status seal(SourceModel& source, Seq from = 0);
  SealedSegment segment(const SourceModel& source, Seq first, Seq last) const;
  // One net commit: scores of the next `count` records, then a tail of `tail` more.
  Status score(SourceModel& source, std::size_t count, std::size_t tail = 0,
               std::optional<std::string> blob = {});

  // Compares everything: journal, stretches, marks, scores, evidence, postings, times.
  void check(SourceModel& source);
  void check_journal(SourceModel& source);
  void check_stretches(SourceModel& source);
  void check_evidence(SourceModel& source);
  void check_terms(SourceModel& source);
  void check_times(SourceModel& source);

  std::mt19937_64 random;  // of what is done and asked, not of what is stored

 private:
  std::mt19937_64 dice_of(const SourceModel& source, Seq seq) const;
  KeptRecord record(const SourceModel& source) const;
  Score score_of(const SourceModel& source, Seq seq) const;

  const std::uint64_t seed_;
  testing::TempDir dir_;
  testing::PowerLossEnv quick_;  // waits for no disk
  std::unique_ptr<RocksStore> store_;
  std::map<std::string, SourceModel> sources_;
};

}  // namespace silt::store
