// RocksStore: journal, states and evidence in one database, so that what belongs together moves in
// one batch. See keys.h for the tables and rows.h for their content.
//
// Safe from any thread. A failure of a write is final (see database.h): the caller ends the process.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "daemon/store/database.h"
#include "daemon/store/evidence_store.h"
#include "daemon/store/record_log.h"
#include "daemon/store/state_store.h"

namespace silt::daemon {

// One digest per kind of row of a source, independent of ids, batches and file layout: two stores
// that read and learned the same have equal digests.
struct SourceDigest {
  std::string tenant;
  std::string name;
  Seq journal_seq = 0;
  Seq learned_seq = 0;
  Digest journal;
  Digest head;  // with the state digest
  Digest evidence;
  Digest patterns;
  Digest postings;
  Digest times;
  friend bool operator==(const SourceDigest&, const SourceDigest&) = default;
  std::string to_string() const;  // one line
};

class RocksStore final : public RecordLog, public StateStore, public EvidenceStore {
 public:
  static Result<std::unique_ptr<RocksStore>> open(const DatabaseOptions& options);

  // RecordLog
  Result<SourceInfo> open_source(const std::string& tenant, const std::string& name,
                                 const std::string& connector) override;
  std::vector<SourceInfo> sources() const override;
  Status append(JournalBatch& batch) override;
  Result<std::vector<connectors::CursorRow>> cursors(const std::string& connector) const override;
  Status read_after(SourceRef source, Seq after, std::uint64_t bytes_max, std::uint32_t records_max,
                    std::vector<JournalRecord>& out) const override;
  Result<JournalRecord> read(SourceRef source, Seq seq) const override;
  Result<IntakeHead> intake_head(SourceRef source) const override;
  Status append_shed_mark(SourceRef source, const ShedMark& mark) override;
  Result<std::vector<ShedMark>> shed_marks(SourceRef source, Seq after) const override;

  // StateStore
  Result<std::optional<Head>> head(SourceRef source) const override;
  Result<std::optional<Checkpoint>> load(SourceRef source) const override;
  Status commit(StepBatch batch) override;
  Result<std::vector<StateVersionInfo>> versions(SourceRef source) const override;
  Status reset(SourceRef source, const Head& new_head, const RequestResult& request) override;
  Result<std::optional<std::string>> request_result(TenantId tenant,
                                                    const std::string& request_id) const override;

  // EvidenceStore
  Status scan(SourceRef source, SeqRange range,
              const std::function<bool(const Evidence&)>& visit) const override;
  Result<Evidence> evidence(SourceRef source, Seq seq) const override;
  Status postings(SourceRef source, std::string_view term, SeqRange range, std::size_t limit,
                  std::vector<Seq>& out) const override;
  Result<std::size_t> posting_count(SourceRef source, std::string_view term,
                                    std::size_t limit) const override;
  Status terms_with_prefix(SourceRef source, std::string_view prefix, std::size_t limit,
                           std::vector<std::string>& out) const override;
  Status patterns(SourceRef source, std::vector<PatternRow>& out) const override;
  Result<PatternRow> pattern(SourceRef source, PatternId id) const override;
  Result<SeqRange> seqs_between(SourceRef source, std::int64_t first_us, std::int64_t last_us) const override;

  // By tenant and name. Reads everything.
  Result<std::vector<SourceDigest>> digests() const;

 private:
  struct Known {
    SourceInfo info;
    IntakeHead head;
    bool stored = false;  // its row is written with its first records
  };

  explicit RocksStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  Status check_schema(bool read_only);
  Status load_sources();
  template <class Row>
  Status read_row(Family family, const std::string& key, Row& row) const;
  Status drop_old_blobs(SourceRef source, WriteSet& changes) const;

  std::unique_ptr<Database> database_;
  mutable std::mutex mutex_;  // of the map; never held during a write
  std::map<std::pair<std::uint32_t, std::uint32_t>, Known> known_;
};

}  // namespace silt::daemon
