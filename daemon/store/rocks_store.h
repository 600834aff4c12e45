// RocksStore: journal, fold, nets and evidence in one database, so that what belongs together moves
// in one batch. See keys.h for the tables and docs/formats.md for their bytes.
//
// Safe from any thread. A failure of a write is final (see database.h): the caller ends the process.
// A damaged row, chunk or segment costs itself: it is reported, and the rest is served.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemon/store/audit_anchor.h"
#include "daemon/store/block_cache.h"
#include "daemon/store/database.h"
#include "daemon/store/day_use.h"
#include "daemon/store/evidence_store.h"
#include "daemon/store/fold_store.h"
#include "daemon/store/forget_store.h"
#include "daemon/store/net_store.h"
#include "daemon/store/normal_store.h"
#include "daemon/store/outbox_store.h"
#include "daemon/store/record_log.h"
#include "daemon/store/segment_builder.h"
#include "daemon/store/token_store.h"
#include "daemon/store/vector_store.h"

namespace silt::store {

// One digest per kind of content of a source, independent of ids, batches, chunks and segments: two
// stores that read and learned the same have equal digests.
struct SourceDigest {
  std::string tenant;
  std::string name;
  Seq journal_seq = 0;
  Seq folded_seq = 0;
  Seq learned_seq = 0;
  Digest journal;
  Digest marks;
  Digest patterns;
  Digest net;  // the head, with the state's digest
  Digest scores;
  friend bool operator==(const SourceDigest&, const SourceDigest&) = default;
  std::string to_string() const;  // one line
};

struct StoreOptions {
  DatabaseOptions database;
  TermsOf terms_of;  // of a text: what postings() and terms_with_prefix() look for
  std::size_t versions_kept = 6;  // of a source's states, besides pinned ones
};

class RocksStore final : public RecordLog,
                         public FoldStore,
                         public NetStore,
                         public SourceStore,
                         public EvidenceStore,
                         public VectorStore,
                         public AuditAnchors,
                         public TokenStore,
                         public NormalStore,
                         public OutboxStore,
                         public ForgetStore {
 public:
  static Result<std::unique_ptr<RocksStore>> open(const StoreOptions& options);

  // RecordLog
  Result<SourceInfo> open_source(const std::string& tenant, const std::string& stream,
                                 const std::string& connector) override;
  std::vector<SourceInfo> sources() const override;
  Result<SourceInfo> source(SourceRef ref) const override;
  Status append(const GroupAppend& group) override;
  Result<std::vector<connectors::CursorRow>> cursors(const std::string& connector) const override;
  Result<BlockPtr> block_after(SourceRef source, Seq after) const override;
  Result<StretchPtr> stretch_after(SourceRef source, Seq after) const override;
  Result<JournalRecord> read(SourceRef source, Seq seq) const override;
  Result<IntakeHead> intake_head(SourceRef source) const override;
  Result<std::vector<Gap>> gaps(SourceRef source) const override;
  Status append_shed_mark(SourceRef source, const ShedMark& mark) override;
  Result<std::vector<ShedMark>> shed_marks(SourceRef source, Seq after) const override;

  // FoldStore; patterns() is EvidenceStore's, too
  Result<FoldHead> fold_head(SourceRef source) const override;
  Status patterns(SourceRef source, std::vector<PatternRow>& out) const override;
  Status commit(std::span<const FoldCommit> commits) override;
  Result<std::vector<SegmentInfo>> segments(SourceRef source) const override;
  Result<Seq> trim(SourceRef source, Seq floor) override;
  Status reset_fold(SourceRef source) override;
  Status forget(SourceRef source, const std::vector<SeqRange>& ranges) override;
  std::uint64_t fold_generation(SourceRef source) const override;

  // NetStore
  Result<std::optional<NetHead>> net_head(SourceRef source) const override;
  Result<std::optional<Checkpoint>> load(SourceRef source) const override;
  Status commit(std::vector<NetCommit> commits) override;
  Result<std::vector<StateVersionInfo>> versions(SourceRef source) const override;
  Result<std::string> blob(SourceRef source, Seq learned_seq) const override;
  Status pin(SourceRef source, Seq learned_seq, bool pinned, const RequestResult& request) override;
  Status scores(SourceRef source, Seq first, Seq last, std::vector<Score>& out) const override;
  Status reset_net(SourceRef source, const NetHead& new_head, const RequestResult& request) override;
  Status rewind(const NetRewind& rewind) override;
  Result<std::vector<SeqRange>> left_out(SourceRef source, Seq after) const override;
  Status put_request(TenantId tenant, const RequestResult& request) override;
  Result<std::optional<std::string>> request_result(TenantId tenant,
                                                    const std::string& request_id) const override;

  // SourceStore
  Status rename_source(SourceRef source, const std::string& name, const RequestResult& request) override;
  Status delete_source(SourceRef source, const RequestResult& request) override;

  // EvidenceStore
  Status scan(SourceRef source, SeqRange range, bool with_scores,
              const std::function<bool(const Evidence&)>& visit) const override;
  Result<Evidence> evidence(SourceRef source, Seq seq) const override;
  Status look_up(SourceRef source, std::span<const Seq> seqs, bool with_scores,
                 const std::function<bool(const Evidence&)>& visit) const override;
  Status postings(SourceRef source, std::string_view term, SeqRange range, std::size_t limit,
                  std::vector<Seq>& out) const override;
  Status terms_with_prefix(SourceRef source, std::string_view prefix, std::size_t limit,
                           std::vector<std::string>& out) const override;
  Result<PatternRow> pattern(SourceRef source, PatternId id) const override;
  Result<SeqRange> seqs_between(SourceRef source, std::int64_t first_us, std::int64_t last_us) const override;

  // VectorStore
  Status vectors(SourceRef source, std::uint64_t encoder, std::vector<VectorRow>& out) const override;
  Status put_vectors(SourceRef source, std::uint64_t encoder, std::span<const VectorRow> rows) override;

  // AuditAnchors
  Result<AuditAnchor> audit_anchor() const override;
  Status put_audit_anchor(const AuditAnchor& anchor) override;

  // TokenStore
  Result<std::vector<TokenRow>> tokens() const override;
  Status put_token(const TokenRow& row) override;
  Status remove_tokens(const std::vector<std::string>& ids) override;

  // NormalStore
  Result<std::vector<NormalRow>> normals() const override;
  Status put_normals(const std::vector<NormalRow>& rows) override;
  Status remove_normals(const std::vector<NormalRow>& rows) override;

  // OutboxStore
  Result<std::vector<OutboxHead>> outbox_heads() const override;
  Result<std::vector<OutboxRow>> outbox(const std::string& destination, std::size_t max) const override;
  Result<std::optional<WatchCursor>> watch_cursor(SourceRef source) const override;
  Status write_outbox(const OutboxWrite& changes) override;

  // ForgetStore
  Status put_plan(const ForgetPlan& plan) override;
  Result<std::vector<ForgetPlan>> plans() const override;
  Status finish_plan(const std::string& id, const std::string& result, std::int64_t now_us) override;
  Result<std::optional<std::string>> plan_result(const std::string& id) const override;
  Status forget_tenant(TenantId id, const std::string& tenant) override;
  Status forget_cursors(const std::string& connector) override;
  Status check_room_to_scrub() const override { return database_->check_room_to_rewrite(); }
  Result<Scrubbed> scrub() override { return database_->rewrite(); }
  void end_scrubs() override { database_->end_rewrites(); }
  Result<std::vector<std::string>> files_with(std::string_view bytes) const override { return database_->files_with(bytes); }

  // See Database.
  Status checkpoint(const std::string& path) const { return database_->checkpoint(path); }
  bool flush_when_quiet(std::uint64_t bytes_min) { return database_->flush_when_quiet(bytes_min); }
  const std::string& path() const { return database_->path(); }

  // Of each tenant that ever had records.
  std::vector<DayUse> day_uses() const;

  // By tenant and name. Reads everything.
  Result<std::vector<SourceDigest>> digests() const;

 private:
  struct Known {
    SourceInfo info;
    IntakeHead intake;
    FoldHead fold;
    std::optional<NetHead> net;
    std::uint64_t fold_generation = 0;
    bool stored = false;  // its row is written with its first records
  };
  // Of the newest row of scores, which still grows. The learner thread's alone.
  struct OpenScores {
    std::vector<Score> scores;
    bool tail_stored = true;
  };
  using SegmentPtr = std::shared_ptr<const OpenedSegment>;
  // True: go on. A damaged segment is reported and left out.
  using VisitSegment = std::function<Result<bool>(const OpenedSegment&)>;

  RocksStore(std::unique_ptr<Database> database, const StoreOptions& options)
      : database_(std::move(database)), terms_of_(options.terms_of), versions_kept_(options.versions_kept) {}
  Status check_schema(bool read_only);
  Status load_sources();
  Status load_day_uses();
  template <class Row>
  Status read_head(char table, SourceRef source, Row& row) const;
  Result<Known> known(SourceRef source) const;

  // What they are after the append.
  std::map<std::string, DayUse> day_uses_after(const GroupAppend& group) const;
  std::vector<std::string> day_uses_left_over(const std::map<std::string, DayUse>& written) const;
  static void put_gaps(const StreamAppend& stream, const IntakeHead& before, WriteSet& changes);
  Result<BlockPtr> chunk_after(SourceRef source, Seq sealed, Seq after) const;
  Result<BlockPtr> segment_after(SourceRef source, Seq folded, Seq after) const;
  Seq end_of_damage(SourceRef source, Seq first) const;
  Status marks_of(SourceRef source, const Block& block, std::vector<FoldMark>& out) const;
  Result<SegmentPtr> open_segment(SourceRef source, Seq first, std::string_view key) const;
  Result<StretchPtr> sealed_stretch(SourceRef source, Seq seq, Seq folded) const;
  Status each_segment(SourceRef source, SeqRange range, const VisitSegment& visit) const;
  // Folded blocks of what was not sealed when `head` was read, from `range.first` on. Whoever visits
  // segments, too, reads the head first: what is sealed meanwhile is then met twice rather than never.
  Status each_chunk(SourceRef source, const FoldHead& head, SeqRange range,
                    const std::function<bool(const Block&)>& visit) const;

  Status put_fold(const FoldCommit& commit, FoldHead& head, WriteSet& changes) const;
  Status put_sealed(SourceRef source, const SealedSegment& sealed, FoldHead& head, WriteSet& changes) const;
  Status start_fold_again(SourceRef source, WriteSet changes);
  Status forget_in_chunks(const Known& known, const std::vector<SeqRange>& ranges, WriteSet& changes) const;
  Status put_net(NetCommit& commit, WriteSet& changes);
  Result<OpenScores*> open_scores(SourceRef source);
  Status put_blob(const NetCommit& commit, WriteSet& changes) const;
  Status cut_scores(SourceRef source, Seq last, WriteSet& changes) const;
  Status put_left_out(const NetRewind& rewind, WriteSet& changes) const;
  Status put_request(TenantId tenant, const RequestResult& request, WriteSet& changes) const;
  Seq replay_base(SourceRef source) const;

  std::unique_ptr<Database> database_;
  const TermsOf terms_of_;
  const std::size_t versions_kept_;
  std::mutex change_mutex_;   // held by whoever changes rows of a source: append, delete, rename
  mutable std::mutex mutex_;  // of what follows; never held during a read or write
  std::map<SourceRef, Known> known_;
  std::map<std::string, DayUse> day_uses_;  // by tenant
  std::unordered_map<std::string, SourceRef> by_stream_;  // tenant 0x00 stream
  std::uint32_t last_source_ = 0;  // that were given out
  std::uint32_t last_tenant_ = 0;
  std::unordered_map<SourceRef, OpenScores> open_scores_;  // the learner thread's
  mutable BlockCache blocks_;
};

}  // namespace silt::store
