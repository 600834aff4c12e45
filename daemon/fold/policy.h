// The learn policy: decides for each record of a source whether it is learned, scored or counted.
//
// A pure function of (log, config, state): it reads no clock and no random source, so a replay of
// the journal decides the same. Time is the arrival stamp stored with each record. How often it met a
// pattern it counts itself: whatever patterns were there before, to a fresh policy all are new.
// A token bucket holds what may be learned:
//   - the first `new_pattern_learn_count` lines of a pattern are learned always, on credit of up to one
//     bucket;
//   - while the bucket is at least a quarter full, everything is learned;
//   - below, each pattern has a share: what the rate gives in one window, times how full that quarter
//     is. Patterns that were taught fewer tokens lately (halved every window) are learned whole,
//     those above are sampled with probability (share / taught)^4. The shares shrink until what is
//     learned fits the rate, so rare patterns go first and the frequent ones split the rest;
//   - an empty bucket learns no repeats.
// The draw is a hash of (text, seq). Not for concurrent use. Memory is bounded: patterns beyond
// kPatternsMax share what is remembered of the catch-all.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/status.h"
#include "daemon/fold/miner.h"

namespace silt::fold {

enum class SourceMode : std::uint8_t { kLearn, kScore, kCount };
enum class Action : std::uint8_t { kLearn, kScore, kCount };

// Why a record was counted as it was. Values are stored: append only.
enum class Outcome : std::uint8_t {
  kLearned,
  kOverBudget,  // counted only: the bucket was low
  kShed,        // counted only: inside a shed mark
  kModeScore,   // scored: the source is in mode score
  kModeCount,   // counted only: the source is in mode count
  kEmpty,       // nothing but white space
  kGap,         // stands for lines that were lost
  kDamaged,     // journalled, but its block fails its check
  kLeftOut,     // a rollback left it out: neither policy nor net is told of it
};
inline constexpr std::size_t kOutcomes = 9;
inline constexpr std::size_t kDecidedOutcomes = 8;  // that a policy knows: its bytes hold a count of each
std::string_view outcome_name(Outcome outcome);  // "learned", "over_budget", "shed", ...

struct PolicyConfig {
  SourceMode mode = SourceMode::kLearn;
  std::uint64_t learn_tokens_per_s = 1500;
  std::uint64_t burst_tokens = 4'000'000;  // the bucket's size; it starts full
  std::uint32_t new_pattern_learn_count = 8;
};

struct PolicyInput {
  std::string_view text;
  std::uint64_t seq = 0;
  std::int64_t arrival_us = 0;
  PatternId pattern = 0;
  std::uint64_t tokens = 0;  // exact cost; 0 = estimate from the bytes
  bool shed = false;
  bool gap = false;
};

struct Verdict {
  Action action = Action::kCount;
  Outcome outcome = Outcome::kEmpty;
};

struct OutcomeCount {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t tokens = 0;  // as charged, estimated or exact
  friend bool operator==(const OutcomeCount&, const OutcomeCount&) = default;
};

class Policy {
 public:
  static constexpr std::int64_t kWindowUs = 600'000'000;
  static constexpr std::size_t kPatternsMax = 8192;
  static std::uint64_t estimate_tokens(std::size_t bytes) { return bytes / 3 + 1; }

  explicit Policy(const PolicyConfig& config = {});

  Verdict decide(const PolicyInput& input);
  // From the next record on; a fuller bucket than the new one's size is cut to it.
  void set_config(const PolicyConfig& config);

  const OutcomeCount& count(Outcome outcome) const;
  std::int64_t bucket_tokens() const;  // negative while in debt

  // The state without the config; equal states give equal bytes.
  std::string serialize() const;
  static Result<Policy> deserialize(std::string_view bytes, const PolicyConfig& config = {});

 private:
  struct Met {
    std::uint64_t records = 0;  // ever, without shed ones
    std::uint64_t taught_tokens = 0;
    std::int64_t window = 0;  // journal_us_ / kWindowUs when last halved
  };
  void advance(std::int64_t arrival_us);
  Met& meet(PatternId pattern);
  bool admit(const PolicyInput& input, const Met& pattern) const;
  Verdict judge(const PolicyInput& input, std::uint64_t tokens);

  PolicyConfig config_;
  std::int64_t burst_micro_ = 0;  // micro-tokens, all three
  std::int64_t bucket_micro_ = 0;
  std::int64_t rate_micro_ = 0;  // per microsecond of journal time
  bool started_ = false;
  std::int64_t last_arrival_us_ = 0;
  std::int64_t journal_us_ = 0;  // sum of the forward steps of the arrival stamps
  std::map<PatternId, Met> met_;
  std::array<OutcomeCount, kDecidedOutcomes> counts_{};
};

}  // namespace silt::fold
