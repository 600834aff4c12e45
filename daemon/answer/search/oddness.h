// Oddness: records that the source's weights did not expect, though they had learned its ways.
//
// Each record that was read has two surprises: in bits under the weights that have learned nothing (frozen) and
// under the source's own, as they were when it came (adapted). Learning leaves a share of the frozen bits: much of
// them where a pattern is noisy or the source young, little where lines are alike. A record is odd by the bits that
// it keeps beyond the share that is usual for its pattern, and for what came right before it, so that the beginning
// of a source and all but the first lines of a burst are not.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/status.h"
#include "daemon/answer/query.h"
#include "daemon/answer/search/execute.h"
#include "daemon/store/evidence_store.h"

namespace silt::answer::search {

struct OddRecord {
  std::size_t source = 0;     // index in the sources searched
  store::Seq seq = 0;
  std::int64_t event_us = 0;
  store::PatternId pattern = 0;
  double bits = 0;
  double frozen_bits = 0;
  double usual_bits = 0;      // what such lines leave of frozen_bits
  double oddness = 0;         // bits beyond the usual ones, in units of how far its pattern's records usually lie off

  double excess() const { return bits - usual_bits; }
  bool is_odd() const;
};

struct Oddness {
  std::vector<OddRecord> odd;  // the oddest first; of one pattern kOddOfPattern at most
  std::uint64_t scored = 0;    // records that have surprises
  bool complete = true;        // false: of a source older records were not compared, or the time was up
};

inline constexpr std::size_t kOddOfPattern = 2;
inline constexpr std::size_t kCompared = 200'000;  // records of a source, the newest ones

// Of scored records in seq order.
std::vector<OddRecord> hold_against_usual(std::span<const store::Evidence> scored);

// One record, held against those before it. Nothing where it has no surprise.
Result<std::optional<OddRecord>> oddness_of(const store::EvidenceStore& evidence, store::SourceRef source, store::Seq seq);

// The oddest `most` of the records that the query means.
Result<Oddness> find_odd(const store::RecordLog& log, const store::EvidenceStore& evidence, const Profiles& profiles,
                         const Query& query, std::size_t most, const Limits& limits);

}  // namespace silt::answer::search
