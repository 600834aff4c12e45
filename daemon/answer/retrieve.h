// Retriever: which records of one source fit a plan's terms, by the store's index alone.
//
// A term becomes a group of index terms: the identifier itself, the forms of a word, a near spelling
// when no form occurs, the word's synonyms when nothing of that does. Groups are intersected, the
// rarest first. Everything here is exact and deterministic; limits are reported, never silent.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "daemon/answer/plan.h"
#include "daemon/answer/names.h"

namespace silt::answer {

// What one question may cost, and what it has cost so far. Shared by all its parts, on one thread.
class Budget {
 public:
  Budget(std::uint64_t examined_max, const std::atomic<bool>& cancelled)
      : examined_max_(examined_max), cancelled_(cancelled) {}

  // Accounts for `records` more; false when the limit is reached: stop and keep what there is.
  bool spend(std::uint64_t records = 1) {
    if (examined_ + records > examined_max_) {
      truncated_ = true;
      return false;
    }
    examined_ += records;
    return true;
  }
  Status check() const;  // kCancelled when the asker has gone
  void truncate() { truncated_ = true; }
  std::uint64_t left() const { return examined_max_ - examined_; }
  std::uint64_t examined() const { return examined_; }
  bool truncated() const { return truncated_; }

 private:
  std::uint64_t examined_max_;
  const std::atomic<bool>& cancelled_;
  std::uint64_t examined_ = 0;
  bool truncated_ = false;
};

enum class MatchLevel { kNone, kDirect, kSpelling, kSynonym };

struct TermGroup {
  PlanTerm term;
  std::vector<std::string> words;  // index terms that stand for it, in this source
  MatchLevel level = MatchLevel::kNone;
  std::size_t count = 0;  // records with any of them, an upper bound
  double idf = 0;
};

class Retriever {
 public:
  Retriever(const RecordLog& log, const EvidenceStore& evidence, SourceRef source, Seq learned_seq,
            Budget& budget)
      : log_(log), evidence_(evidence), source_(source), learned_seq_(learned_seq), budget_(budget) {}

  // The index terms that stand for a term, by at most these means: kDirect only its forms, kSpelling
  // also near spellings when no form occurs, kSynonym also synonyms when nothing else does.
  Result<TermGroup> expand(const PlanTerm& term, MatchLevel most) const;

  // Seqs with any of the group's words, ascending.
  Status postings(const TermGroup& group, SeqRange range, std::vector<Seq>& out) const;

  // The seqs of a time range.
  Result<SeqRange> range_of(const TimeRange& time) const;

  // Records that have all groups, all phrases, the pattern and the time, ascending by seq. Without
  // groups: all records of the range that fit the rest.
  Status matches(const std::vector<TermGroup>& groups, const QueryPlan& plan, const TimeRange& time,
                 std::vector<Seq>& out) const;

  // Records with any of the groups, ascending. Groups that are so common that they select nothing are
  // left out while there are rarer ones.
  Status any_of(const std::vector<TermGroup>& groups, const QueryPlan& plan, const TimeRange& time,
                std::vector<Seq>& out) const;

  // Keeps at most `limit` of the seqs: the largest summed idf of the groups, then the newest.
  Status keep_best(const std::vector<TermGroup>& groups, std::size_t limit, std::vector<Seq>& seqs) const;

  Result<Evidence> evidence(Seq seq) const { return evidence_.evidence(source_, seq); }
  Result<JournalRecord> record(Seq seq) const { return log_.read(source_, seq); }
  SourceRef source() const { return source_; }
  Seq learned_seq() const { return learned_seq_; }
  const EvidenceStore& store() const { return evidence_; }

 private:
  Result<std::shared_ptr<const std::vector<Seq>>> postings_of(const std::string& word) const;
  Status forms(const PlanTerm& term, TermGroup& group) const;
  Status spellings(const PlanTerm& term, TermGroup& group) const;
  Status count(TermGroup& group) const;
  Status intersect(std::vector<TermGroup> groups, SeqRange range, std::vector<Seq>& out) const;
  Status filter(const QueryPlan& plan, const TimeRange& time, std::vector<Seq>& seqs) const;
  Status scan_all(const QueryPlan& plan, const TimeRange& time, SeqRange range, std::vector<Seq>& out) const;

  const RecordLog& log_;
  const EvidenceStore& evidence_;
  SourceRef source_;
  Seq learned_seq_;
  Budget& budget_;
  mutable std::map<std::string, std::shared_ptr<const std::vector<Seq>>> postings_;
};

// As whole words; ASCII case is ignored.
bool contains_phrase(std::string_view text, std::string_view phrase);

}  // namespace silt::answer
