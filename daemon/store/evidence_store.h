// EvidenceStore: read access to what is known of records, for the answer path. Safe from any thread.
// Every call is confined to one source, hence to one tenant.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/store/types.h"

namespace silt::store {

// A record's mark and score together.
struct Evidence {
  Seq seq = 0;
  PatternId pattern = 0;
  std::int64_t event_us = 0;
  bool new_pattern = false;
  Decision decision = Decision::kCounted;
  std::uint8_t reason = 0;
  std::uint32_t tokens = 0;
  float adapted_nats = 0;
  float frozen_nats = 0;
};

class EvidenceStore {
 public:
  virtual ~EvidenceStore() = default;

  // Calls `visit` for folded records in the range, in seq order, until it returns false. Scores are
  // left out of these (zero) unless `with_scores`.
  virtual Status scan(SourceRef source, SeqRange range, bool with_scores,
                      const std::function<bool(const Evidence&)>& visit) const = 0;
  virtual Result<Evidence> evidence(SourceRef source, Seq seq) const = 0;
  // The same for ascending seqs; those that are not folded or not there are left out.
  virtual Status look_up(SourceRef source, std::span<const Seq> seqs, bool with_scores,
                         const std::function<bool(const Evidence&)>& visit) const = 0;

  // Seqs of records with this exact lower-case term (fold/scanner.h index_terms), ascending. Segments
  // whose bloom filter knows the term are decoded, others are not looked at.
  virtual Status postings(SourceRef source, std::string_view term, SeqRange range, std::size_t limit,
                          std::vector<Seq>& out) const = 0;
  // Terms that start with `prefix`, at most `limit`: of all patterns, and of the newest records' values.
  virtual Status terms_with_prefix(SourceRef source, std::string_view prefix, std::size_t limit,
                                   std::vector<std::string>& out) const = 0;

  virtual Status patterns(SourceRef source, std::vector<PatternRow>& out) const = 0;
  virtual Result<PatternRow> pattern(SourceRef source, PatternId id) const = 0;

  // The smallest seq range that holds all records with first_us <= event time <= last_us. Clocks
  // jump, so the range may also hold others: filter by the evidence's event_us.
  virtual Result<SeqRange> seqs_between(SourceRef source, std::int64_t first_us,
                                        std::int64_t last_us) const = 0;
};

}  // namespace silt::store
