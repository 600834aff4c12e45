// A store in memory over plain lines, folded as the daemon does it: for answers without a daemon.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/fold/miner.h"
#include "daemon/store/evidence_store.h"
#include "daemon/store/fold_store.h"
#include "daemon/store/record_log.h"

namespace silt::answer {

class LinesStore final : public store::RecordLog, public store::EvidenceStore, public store::FoldStore {
 public:
  // Lines that belong together are one record, as for a tailed file; their arrival is `arrival_us`.
  store::SourceRef add(const std::string& name, std::string_view text, std::int64_t arrival_us);

  // Records with attributes and places, as connectors give them; of one pattern, at the times that they are told.
  store::SourceRef add_records(const std::string& name, std::vector<store::JournalRecord> records);

  // What the record was to the net; those that are not told have no surprise.
  void set_surprise(store::SourceRef source, store::Seq seq, float adapted_nats, float frozen_nats);

  Result<store::SourceInfo> open_source(const std::string&, const std::string&, const std::string&) override;
  std::vector<store::SourceInfo> sources() const override;
  Result<store::SourceInfo> source(store::SourceRef ref) const override;
  Status append(const store::GroupAppend&) override;
  Result<std::vector<connectors::CursorRow>> cursors(const std::string&) const override;
  Result<store::BlockPtr> block_after(store::SourceRef source, store::Seq after) const override;
  Result<store::JournalRecord> read(store::SourceRef source, store::Seq seq) const override;
  Result<store::IntakeHead> intake_head(store::SourceRef source) const override;
  Result<std::vector<store::Gap>> gaps(store::SourceRef) const override { return std::vector<store::Gap>(); }
  Status append_shed_mark(store::SourceRef, const store::ShedMark&) override;
  Result<std::vector<store::ShedMark>> shed_marks(store::SourceRef, store::Seq) const override;

  Status scan(store::SourceRef source, store::SeqRange range, bool with_scores,
              const std::function<bool(const store::Evidence&)>& visit) const override;
  Result<store::Evidence> evidence(store::SourceRef, store::Seq) const override;
  Status look_up(store::SourceRef, std::span<const store::Seq>, bool,
                 const std::function<bool(const store::Evidence&)>&) const override;
  Status postings(store::SourceRef, std::string_view, store::SeqRange, std::size_t, std::vector<store::Seq>&) const override;
  Status terms_with_prefix(store::SourceRef, std::string_view, std::size_t, std::vector<std::string>&) const override;
  Status patterns(store::SourceRef source, std::vector<store::PatternRow>& out) const override;
  Result<store::PatternRow> pattern(store::SourceRef source, store::PatternId id) const override;
  Result<store::SeqRange> seqs_between(store::SourceRef, std::int64_t, std::int64_t) const override;

  Result<store::FoldHead> fold_head(store::SourceRef source) const override;
  Status commit(std::span<const store::FoldCommit>) override;
  Result<std::vector<store::SegmentInfo>> segments(store::SourceRef) const override;
  Result<store::Seq> trim(store::SourceRef, store::Seq) override;
  Status reset_fold(store::SourceRef) override;
  Status forget(store::SourceRef, const std::vector<store::SeqRange>&) override;
  std::uint64_t fold_generation(store::SourceRef) const override { return 0; }

 private:
  struct Source {
    store::SourceInfo info;
    std::vector<store::BlockPtr> blocks;
    std::vector<store::PatternRow> patterns;
    std::map<store::Seq, store::Score> scores;
    store::Seq last = 0;
  };
  const Source* find(store::SourceRef ref) const;

  std::vector<Source> sources_;
  std::vector<std::unique_ptr<const std::vector<store::JournalRecord>>> kept_;  // what views of records point to
};

}  // namespace silt::answer
