#include "daemon/fold/policy.h"

#include <algorithm>
#include <limits>

#include "base/bytes.h"
#include "base/digest.h"

namespace silt::fold {
namespace {

constexpr std::uint8_t kStateVersion = 2;
constexpr std::int64_t kMicro = 1'000'000;
constexpr std::uint64_t kMostTaught = std::uint64_t{1} << 62;
constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max() / 4;

std::int64_t saturate(std::uint64_t tokens, std::int64_t unit) {
  const std::uint64_t limit = static_cast<std::uint64_t>(kLargest / unit);
  return static_cast<std::int64_t>(std::min(tokens, limit)) * unit;
}

// Uniform in [0, 1), a function of the record alone.
double draw(std::string_view text, std::uint64_t seq) {
  return static_cast<double>(digest_of(text, seq).low >> 11) * 0x1p-53;
}

bool is_blank(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) <= ' '; });
}

}  // namespace

std::string_view outcome_name(Outcome outcome) {
  constexpr std::array<std::string_view, kOutcomes> kNames = {
      "learned", "over_budget", "shed", "mode_score", "mode_count", "empty", "gap", "damaged", "left_out"};
  return kNames[static_cast<std::size_t>(outcome)];
}

Policy::Policy(const PolicyConfig& config) : bucket_micro_(kLargest) {
  set_config(config);
}

void Policy::set_config(const PolicyConfig& config) {
  config_ = config;
  burst_micro_ = saturate(config.burst_tokens, kMicro);
  rate_micro_ = saturate(config.learn_tokens_per_s, 1);
  bucket_micro_ = std::clamp(bucket_micro_, -burst_micro_, burst_micro_);
}

Verdict Policy::decide(const PolicyInput& input) {
  advance(input.arrival_us);
  const std::uint64_t tokens = input.tokens != 0 ? input.tokens : estimate_tokens(input.text.size());
  const Verdict decision = judge(input, tokens);
  OutcomeCount& count = counts_[static_cast<std::size_t>(decision.outcome)];
  ++count.records;
  count.bytes += input.text.size();
  count.tokens += tokens;
  return decision;
}

Verdict Policy::judge(const PolicyInput& input, std::uint64_t tokens) {
  if (input.gap) return {Action::kCount, Outcome::kGap};
  if (is_blank(input.text)) return {Action::kCount, Outcome::kEmpty};
  if (config_.mode == SourceMode::kCount) return {Action::kCount, Outcome::kModeCount};
  if (input.shed) return {Action::kCount, Outcome::kShed};
  Met& pattern = meet(input.pattern);
  if (!admit(input, pattern)) return {Action::kCount, Outcome::kOverBudget};
  pattern.taught_tokens += std::min(tokens, kMostTaught - pattern.taught_tokens);
  // A debt never grows past one bucket: a source of nothing but novelties recovers in bounded time.
  bucket_micro_ = std::max(bucket_micro_ - saturate(tokens, kMicro), -burst_micro_);
  if (config_.mode == SourceMode::kScore) return {Action::kScore, Outcome::kModeScore};
  return {Action::kLearn, Outcome::kLearned};
}

bool Policy::admit(const PolicyInput& input, const Met& pattern) const {
  if (pattern.records <= config_.new_pattern_learn_count) return true;
  if (bucket_micro_ <= 0) return false;
  const std::int64_t low_micro = burst_micro_ / 4;
  if (bucket_micro_ >= low_micro) return true;
  // Only quotients and products: the same bits on every machine.
  const double fullness = static_cast<double>(bucket_micro_) / static_cast<double>(low_micro);
  const double window_tokens = static_cast<double>(rate_micro_) * (static_cast<double>(kWindowUs) / kMicro);
  const double share = fullness * window_tokens;
  const double taught = static_cast<double>(pattern.taught_tokens);
  if (taught <= share) return true;
  const double ratio = share / taught;
  return draw(input.text, input.seq) < ratio * ratio * ratio * ratio;
}

// A stamp that goes back starts a new count of time from there: it neither refills nor freezes.
void Policy::advance(std::int64_t arrival_us) {
  if (started_ && arrival_us > last_arrival_us_) {
    const std::uint64_t step =
        static_cast<std::uint64_t>(arrival_us) - static_cast<std::uint64_t>(last_arrival_us_);
    const std::int64_t step_us = static_cast<std::int64_t>(std::min<std::uint64_t>(step, kLargest));
    journal_us_ += std::min(step_us, kLargest - journal_us_);
    const std::int64_t room = burst_micro_ - bucket_micro_;
    // rate_micro_ tokens a second are as many micro-tokens a microsecond.
    if (rate_micro_ > 0) bucket_micro_ += step_us > room / rate_micro_ ? room : step_us * rate_micro_;
  }
  started_ = true;
  last_arrival_us_ = arrival_us;
}

// What is remembered of a pattern, this record included, brought to the present window.
Policy::Met& Policy::meet(PatternId pattern) {
  const std::int64_t window = journal_us_ / kWindowUs;
  auto found = met_.find(pattern);
  if (found == met_.end()) found = met_.try_emplace(met_.size() < kPatternsMax ? pattern : 0).first;
  Met& met = found->second;
  ++met.records;
  met.taught_tokens >>= std::min<std::int64_t>(window - met.window, 63);
  met.window = window;
  return met;
}

const OutcomeCount& Policy::count(Outcome outcome) const {
  return counts_[static_cast<std::size_t>(outcome)];
}

std::int64_t Policy::bucket_tokens() const {
  return bucket_micro_ / kMicro;
}

std::string Policy::serialize() const {
  ByteWriter out;
  out.u8(kStateVersion);
  out.i64(bucket_micro_);
  out.u8(started_ ? 1 : 0);
  out.i64(last_arrival_us_);
  out.i64(journal_us_);
  out.varint(met_.size());
  for (const auto& [pattern, met] : met_) {
    out.varint(pattern);
    out.varint(met.records);
    out.varint(met.taught_tokens);
    out.varint(static_cast<std::uint64_t>(met.window));
  }
  out.varint(counts_.size());
  for (const OutcomeCount& count : counts_) {
    out.varint(count.records);
    out.varint(count.bytes);
    out.varint(count.tokens);
  }
  return out.take();
}

Result<Policy> Policy::deserialize(std::string_view bytes, const PolicyConfig& config) {
  ByteReader in(bytes);
  if (in.u8() != kStateVersion) return data_loss("learn policy state: unknown version");
  Policy policy(config);
  policy.bucket_micro_ = std::clamp(in.i64(), -policy.burst_micro_, policy.burst_micro_);
  policy.started_ = in.u8() != 0;
  policy.last_arrival_us_ = in.i64();
  policy.journal_us_ = in.i64();
  const std::uint64_t patterns = in.varint();
  if (!in.ok() || patterns > in.remaining() || policy.journal_us_ < 0 || policy.journal_us_ > kLargest)
    return data_loss("learn policy state: damaged");
  const std::int64_t window = policy.journal_us_ / kWindowUs;
  for (std::uint64_t i = 0; i < patterns; ++i) {
    const PatternId pattern = static_cast<PatternId>(in.varint());
    Met met;
    met.records = in.varint();
    met.taught_tokens = std::min(in.varint(), kMostTaught);
    met.window = static_cast<std::int64_t>(in.varint());
    if (met.window < 0 || met.window > window) return data_loss("learn policy state: damaged");
    policy.met_[pattern] = met;
  }
  const std::uint64_t outcomes = in.varint();
  if (outcomes > kDecidedOutcomes) return data_loss("learn policy state: from a newer version");
  for (std::uint64_t i = 0; i < outcomes; ++i) {
    OutcomeCount& count = policy.counts_[i];
    count.records = in.varint();
    count.bytes = in.varint();
    count.tokens = in.varint();
  }
  if (!in.ok() || in.remaining() != 0) return data_loss("learn policy state: damaged");
  return policy;
}

}  // namespace silt::fold
