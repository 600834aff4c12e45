#include "model/recall.h"

#include <algorithm>

namespace silt::model {

void RecallState::digest(Digester& digester) const {
  memory.digest(digester);
  gate.digest(digester);
}

std::uint64_t RecallState::bytes() const {
  return memory.bytes() + sizeof gate + gate.values().capacity() * sizeof(float);
}

Recall::Recall(int minibatch_tokens)
    : hints_(static_cast<std::size_t>(minibatch_tokens)),
      tokens_(hints_.size() * kRecallCandidates),
      nats_(tokens_.size()),
      rest_nats_(hints_.size()) {}

void Recall::read(RecallState& state, std::span<const Token> tokens, std::span<const std::uint8_t> marks) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    hints_[i] = state.memory.read(tokens[i], marks[static_cast<std::size_t>(tokens[i])]);
    state.gate.rank(hints_[i], std::span(tokens_).subspan(i * kRecallCandidates, kRecallCandidates));
  }
  const std::size_t places = tokens.size() * kRecallCandidates;
  candidates_ = {.per_row = kRecallCandidates,
                 .tokens = std::span(tokens_).first(places),
                 .nats = std::span(nats_).first(places),
                 .rest_nats = std::span(rest_nats_).first(tokens.size())};
}

void Recall::mix(RecallState& state, std::span<const Token> tokens, std::span<float> nats) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::size_t first = i * kRecallCandidates;
    const std::span<const Token> row = candidates_.tokens.subspan(first, kRecallCandidates);
    const auto count = static_cast<std::size_t>(std::find(row.begin(), row.end(), -1) - row.begin());
    const NetSurprise net{.candidate_nats = candidates_.nats.subspan(first, count),
                          .rest_nats = candidates_.rest_nats[i],
                          .target_nats = nats[i]};
    nats[i] = state.gate.score(hints_[i], row.first(count), net, tokens[i]);
  }
}

}  // namespace silt::model
