// Digest: what is new, gone, louder, quieter and slower since a time, in a few lines: records from then on are held against
// as long a time before. What only differs in certificates, times and identifiers is folded to a number.
//
// Reads the store only: patterns, what came when, and a sample of the records that tell of durations. Pure but for that.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/store/evidence_store.h"
#include "daemon/store/fold_store.h"
#include "daemon/store/record_log.h"

namespace silt::watch {

enum class Trend : std::uint8_t { kNew, kGone, kLouder, kQuieter, kSlower };
std::string_view trend_name(Trend trend);  // "new"

struct DigestLine {
  Trend trend = Trend::kNew;
  std::string pattern;                   // its text; empty: of the source as a whole
  std::vector<store::SourceRef> sources;  // that have it
  store::Seq seq = 0;                    // of a record that shows it, in the first source
  double before = 0, after = 0;          // records; milliseconds in the middle, of what is slower
  double score = 0;
};

struct Digest {
  std::vector<DigestLine> lines;  // the most telling first
  std::uint64_t lines_total = 0;
  std::uint64_t noise = 0;        // patterns that are but identifiers, times or encoded bytes
  bool cut = false;               // there were more records than are looked at
};

struct DigestStores {
  const store::RecordLog& log;
  const store::FoldStore& folds;
  const store::EvidenceStore& evidence;
};

struct DigestSpan {
  std::int64_t since_us = 0;
  std::int64_t until_us = 0;
};

inline constexpr std::size_t kDigestLines = 18;  // with a head and an end, twenty
inline constexpr std::uint64_t kDigestRecordsMax = 4'000'000;

// kUnavailable: `cancelled`. A source that cannot be read, as one deleted meanwhile, is left out.
Result<Digest> make_digest(const DigestStores& stores, std::span<const store::SourceRef> sources, DigestSpan span,
                           const std::atomic<bool>& cancelled);

// Whether a pattern says nothing in words.
bool is_noise(std::string_view pattern);
// The first duration that a line tells, in milliseconds; negative: it tells none.
double duration_ms(std::string_view line);

}  // namespace silt::watch
