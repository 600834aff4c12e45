// RecallGate: decides, by what it has learned, how far to trust RecallMemory against the net.
//
// The memory's hints name up to kRecallCandidates different tokens. They are asked one after the other:
// is it this one? Each answer is a probability p, mixed from what the net says (given that it was none
// of those asked before) and from what each context says (how often hints of this kind were right):
//   ln(p / (1 - p)) = sum over the inputs i of weight_i ln(p_i / (1 - p_i)).
// Weights are the sum of three sets, chosen by which context agrees, by what the net says, and by how
// many contexts agree after how many right ones. If it is none of the candidates, the net decides among
// all other tokens. So the probabilities of all tokens add up to 1, whatever the gate has learned.
//
// Learning is online: a gradient step on the answer's surprise for the weights, counting for the
// contexts. All is float32 in a fixed order. What is learned is one vector of floats, with which a
// weight file may begin (tensor recall.gate). Copyable; one thread.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"
#include "model/recall_memory.h"

namespace silt::model {

constexpr int kRecallCandidates = 6;

// What the net says about one token of the stream.
struct NetSurprise {
  std::span<const float> candidate_nats;  // of each candidate
  float rest_nats;                        // of all tokens that are no candidates together
  float target_nats;                      // of the token that came
};

class RecallGate {
 private:
  static constexpr std::size_t kInputs = kRecallContexts + 2;  // the contexts, the net, a constant
  static constexpr std::size_t kAgreements = kRecallContexts + 1;
  static constexpr std::size_t kNetLevels = 12;
  static constexpr std::size_t kStreaks = 4;
  static constexpr std::size_t kRoles = 3;  // the candidate is the newest, the older, or no hint of a context
  static constexpr std::size_t kWeightSets = 3 * kAgreements + 2 * kNetLevels + kStreaks * kAgreements;
  static constexpr std::size_t kWeights = kWeightSets * kInputs;
  static constexpr std::size_t kOdds = std::size_t{2} * kRecallContexts * kRoles * kRecallRecords;

 public:
  static constexpr std::size_t kSize = kWeights + 2 * kOdds;

  // Before any learning.
  RecallGate();
  // Continues from `values` [kSize] of another stream's gate, which valid() accepts.
  explicit RecallGate(std::vector<float> values);
  static bool valid(std::span<const float> values);
  const std::vector<float>& values() const { return values_; }
  bool operator==(const RecallGate&) const = default;  // what it has learned, and where in a streak it is

  // The different tokens of the hints, the most trusted first, then -1.
  void rank(const RecallHints& hints, std::span<Token> candidates) const;

  // The surprise of `target` in nats; learns from it. `candidates` come from rank() on these hints, now or
  // earlier, without the -1. What is not finite is passed on and teaches nothing.
  float score(const RecallHints& hints, std::span<const Token> candidates, const NetSurprise& net,
              Token target);

  void digest(Digester& digester) const;
  void encode(ByteWriter& writer) const;
  bool decode(ByteReader& reader);  // false when the bytes are no gate

 private:
  // The inputs of one question, and which parts of values_ they were made with.
  struct Question {
    std::array<float, kInputs> inputs;
    std::array<std::size_t, 3> sets;                // where the weights begin
    std::array<std::size_t, kRecallContexts> odds;  // index of each context's odds; kOdds: it said nothing
    float logit;
  };
  static std::size_t odds_index(bool first_question, std::size_t context, std::size_t role, int record);
  Question ask(const RecallHints& hints, Token candidate, std::size_t rank, double net_logit) const;
  void learn(const Question& question, bool yes);
  float& probability(std::size_t odds) { return values_[kWeights + odds]; }
  float probability(std::size_t odds) const { return values_[kWeights + odds]; }
  float& count(std::size_t odds) { return values_[kWeights + kOdds + odds]; }

  std::vector<float> values_;  // weights [kWeightSets][kInputs], probabilities [kOdds], their counts [kOdds]
  std::size_t streak_ = 0;     // how many tokens in a row, at most 3, were candidates
};

}  // namespace silt::model
