#include "model/recall_gate.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace silt::model {
namespace {

// Set by hand; half or double of most changes the bits by less than a hundredth.
constexpr float kWeightStep = 0.004F;
constexpr float kCountMax = 250;         // a context's odds forget over so many answers
constexpr float kCountCarriedOver = 10;  // what another stream's odds count for
constexpr float kCountPrior = 1.5F;
constexpr float kConstantInput = 0.4F;
constexpr float kProbabilityMin = 1e-5F;
constexpr double kNetLogitMax = 12;
constexpr float kLogitMax = 13.8F;  // no answer is surer than one in a million

float logit_of(float probability) {
  return std::log(probability / (1 - probability));
}

}  // namespace

RecallGate::RecallGate() : values_(kSize) {
  for (std::size_t set = 0; set < 3 * kAgreements; ++set) {
    float* weights = values_.data() + set * kInputs;
    std::fill_n(weights, kRecallContexts, 0.15F);
    weights[kRecallContexts] = 0.4F;
  }
  constexpr std::array<float, kRoles> kFirst = {0.5F, 0.2F, 0.05F};
  for (std::size_t odds = 0; odds < kOdds; ++odds) probability(odds) = kFirst[odds / kRecallRecords % kRoles];
}

RecallGate::RecallGate(std::vector<float> values) : values_(std::move(values)) {
  SILT_CHECK(valid(values_));
  for (std::size_t odds = 0; odds < kOdds; ++odds) count(odds) = std::min(count(odds), kCountCarriedOver);
}

bool RecallGate::valid(std::span<const float> values) {
  if (values.size() != kSize) return false;
  const auto finite = [](float value) { return std::isfinite(value); };
  const auto sure = [](float value) { return value >= kProbabilityMin && value <= 1 - kProbabilityMin; };
  const auto counted = [](float value) { return value >= 0 && value <= kCountMax; };
  const std::span<const float> probabilities = values.subspan(kWeights, kOdds);
  const std::span<const float> counts = values.subspan(kWeights + kOdds);
  return std::all_of(values.begin(), values.begin() + kWeights, finite) &&
         std::all_of(probabilities.begin(), probabilities.end(), sure) &&
         std::all_of(counts.begin(), counts.end(), counted);
}

std::size_t RecallGate::odds_index(bool first_question, std::size_t context, std::size_t role, int record) {
  const std::size_t kind = ((first_question ? 0 : 1) * kRecallContexts + context) * kRoles + role;
  return kind * kRecallRecords + static_cast<std::size_t>(record);
}

void RecallGate::rank(const RecallHints& hints, std::span<Token> candidates) const {
  struct Named {
    float trust;
    Token token;
  };
  std::array<Named, std::size_t{2} * kRecallContexts> named;
  std::size_t count = 0;
  for (std::size_t i = 0; i < hints.size(); ++i) {
    const RecallHint& hint = hints[i];
    if (hint.newest < 0) continue;
    named[count++] = {probability(odds_index(true, i, 0, hint.record)), hint.newest};
    if (hint.older >= 0) named[count++] = {probability(odds_index(true, i, 1, hint.record)), hint.older};
  }
  std::stable_sort(named.begin(), named.begin() + static_cast<std::ptrdiff_t>(count),
                   [](const Named& a, const Named& b) { return a.trust > b.trust; });
  std::fill(candidates.begin(), candidates.end(), -1);
  auto end = candidates.begin();
  for (std::size_t i = 0; i < count && end != candidates.end(); ++i) {
    if (std::find(candidates.begin(), end, named[i].token) == end) *end++ = named[i].token;
  }
}

RecallGate::Question RecallGate::ask(const RecallHints& hints, Token candidate, std::size_t rank,
                                     double net_logit) const {
  Question question;
  std::size_t longest = 0;
  std::size_t agreeing = 0;
  for (std::size_t i = 0; i < hints.size(); ++i) {
    const RecallHint& hint = hints[i];
    question.inputs[i] = 0;
    question.odds[i] = kOdds;
    if (hint.newest < 0) continue;
    const std::size_t role = hint.newest == candidate ? 0 : hint.older == candidate ? 1 : 2;
    if (role == 0) {
      longest = i + 1;
      ++agreeing;
    }
    question.odds[i] = odds_index(rank == 0, i, role, hint.record);
    question.inputs[i] = logit_of(probability(question.odds[i]));
  }
  const double net = std::clamp(net_logit, -kNetLogitMax, kNetLogitMax);
  question.inputs[kRecallContexts] = static_cast<float>(net);
  question.inputs[kRecallContexts + 1] = kConstantInput;
  const auto level = static_cast<std::size_t>(std::clamp((net + 8) * 0.75, 0.0, kNetLevels - 1.0));
  question.sets = {longest + kAgreements * std::min<std::size_t>(rank, 2),
                   3 * kAgreements + level + (rank == 0 ? 0 : kNetLevels),
                   3 * kAgreements + 2 * kNetLevels + agreeing + kAgreements * streak_};
  for (std::size_t& set : question.sets) set *= kInputs;
  question.logit = 0;
  for (std::size_t i = 0; i < kInputs; ++i) {
    const float weight =
        values_[question.sets[0] + i] + values_[question.sets[1] + i] + values_[question.sets[2] + i];
    question.logit += weight * question.inputs[i];
  }
  question.logit = std::clamp(question.logit, -kLogitMax, kLogitMax);
  return question;
}

void RecallGate::learn(const Question& question, bool yes) {
  const float answer = yes ? 1.0F : 0.0F;
  const float step = kWeightStep * (answer - 1 / (1 + std::exp(-question.logit)));
  for (const std::size_t set : question.sets) {
    for (std::size_t i = 0; i < kInputs; ++i) values_[set + i] += step * question.inputs[i];
  }
  for (const std::size_t odds : question.odds) {
    if (odds == kOdds) continue;
    count(odds) = std::min(count(odds) + 1, kCountMax);
    float& p = probability(odds);
    p = std::clamp(p + (answer - p) / (count(odds) + kCountPrior), kProbabilityMin, 1 - kProbabilityMin);
  }
}

float RecallGate::score(const RecallHints& hints, std::span<const Token> candidates, const NetSurprise& net,
                        Token target) {
  const auto finite = [](float value) { return std::isfinite(value); };
  if (!finite(net.target_nats) ||
      !std::all_of(net.candidate_nats.begin(), net.candidate_nats.end(), finite)) {
    return net.target_nats;
  }
  // What the net leaves for the tokens that are not asked yet, the candidate included.
  std::array<double, kRecallCandidates + 1> left{};
  left[candidates.size()] = std::exp(-static_cast<double>(net.rest_nats));
  for (std::size_t i = candidates.size(); i-- > 0;) {
    left[i] = left[i + 1] + std::exp(-static_cast<double>(net.candidate_nats[i]));
  }
  double nats = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const double net_logit = -static_cast<double>(net.candidate_nats[i]) - std::log(left[i + 1]);
    const Question question = ask(hints, candidates[i], i, net_logit);
    const bool yes = candidates[i] == target;
    nats += std::log1p(std::exp(static_cast<double>(yes ? -question.logit : question.logit)));
    learn(question, yes);
    if (!yes) continue;
    streak_ = std::min(streak_ + 1, kStreaks - 1);
    return static_cast<float>(nats);
  }
  streak_ = 0;
  return static_cast<float>(nats + std::max(0.0F, net.target_nats - net.rest_nats));
}

void RecallGate::digest(Digester& digester) const {
  ByteWriter bytes;
  encode(bytes);
  digester.update(bytes.bytes());
}

void RecallGate::encode(ByteWriter& writer) const {
  writer.u8(static_cast<std::uint8_t>(streak_));
  writer.raw(values_.data(), values_.size() * sizeof(float));
}

bool RecallGate::decode(ByteReader& reader) {
  streak_ = reader.u8();
  return reader.raw(values_.data(), values_.size() * sizeof(float)) && streak_ < kStreaks && valid(values_);
}

}  // namespace silt::model
