#include "model/tools/bits_per_byte.h"

#include <chrono>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

namespace silt::model {
namespace {

// Fills the totals from the per-token surprises.
Status summarise(const Tokenizer& tokenizer, std::span<const Token> tokens, BitsPerByte& out) {
  std::array<double, BitsPerByte::kTenths> bits{};
  std::array<std::size_t, BitsPerByte::kTenths> bytes{};
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const double token_bits = static_cast<double>(out.nats[i]) / std::numbers::ln2;
    if (!std::isfinite(token_bits)) {
      return internal_error("the surprise of token " + std::to_string(i) + " is not finite");
    }
    const std::size_t tenth = i * BitsPerByte::kTenths / tokens.size();
    bits[tenth] += token_bits;
    bytes[tenth] += tokenizer.piece(tokens[i]).size();
  }
  double total_bits = 0;
  for (std::size_t i = 0; i < BitsPerByte::kTenths; ++i) {
    total_bits += bits[i];
    out.bytes += bytes[i];
    out.tenths[i] =
        bytes[i] == 0 ? std::numeric_limits<double>::quiet_NaN() : bits[i] / static_cast<double>(bytes[i]);
  }
  if (out.bytes == 0) return invalid_argument("the stream has no bytes");
  out.bits_per_byte = total_bits / static_cast<double>(out.bytes);
  return Status::ok();
}

}  // namespace

Result<BitsPerByte> measure_bits_per_byte(Learner& learner, const Tokenizer& tokenizer,
                                          std::span<const Token> tokens, LearnMode mode, RecallGate* gate) {
  if (tokens.empty()) return invalid_argument("the stream is empty");
  for (const Token token : tokens) {
    if (token < 0 || token >= learner.config().vocabulary) {
      return invalid_argument("token " + std::to_string(token) + " is outside the vocabulary of " +
                              std::to_string(learner.config().vocabulary));
    }
  }
  BitsPerByte out;
  out.tokens = tokens.size();
  std::vector<TokenScore> scores;
  scores.reserve(tokens.size());
  const auto start = std::chrono::steady_clock::now();
  AdaptedState state = learner.fresh(tokens.front());
  if (gate != nullptr && state.recall == nullptr) {
    return failed_precondition(
        "there is no recall to fit: add_recall.py gives it to a weight file, --no-recall leaves it out");
  }
  if (gate != nullptr) state.recall->gate = RecallGate(gate->values());
  SILT_ASSIGN(const AppendReport report, learner.append(state, tokens.subspan(1), mode, scores));
  SILT_TRY(learner.score_tail(state, scores));
  if (gate != nullptr) *gate = state.recall->gate;
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;

  out.tokens_per_s = static_cast<double>(tokens.size()) / std::max(elapsed.count(), 1e-9);
  out.skipped_steps = report.skipped_steps;
  out.nats.reserve(tokens.size());
  out.nats.push_back(std::log(static_cast<float>(learner.config().vocabulary)));
  for (const TokenScore& score : scores) out.nats.push_back(score.adapted_nats);
  SILT_TRY(summarise(tokenizer, tokens, out));
  return out;
}

}  // namespace silt::model
