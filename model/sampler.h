// Choosing the next token from logits: greedy, or by temperature and top-p with an own generator, so
// that a seed gives the same text with every compiler and library.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/ops/backend.h"

namespace silt::model {

class Sampler {
 public:
  // temperature <= 0 is greedy: the highest logit, the lowest token among equals. top_p in (0, 1]
  // keeps the smallest set of most likely tokens whose probability reaches it.
  Sampler(float temperature, float top_p, std::uint64_t seed);

  // Nothing when no token is allowed. Logits that are not finite are never chosen.
  std::optional<Token> choose(std::span<const float> logits, const std::vector<bool>& allowed);

 private:
  double uniform();  // in [0, 1)

  float temperature_;
  float top_p_;
  std::uint64_t random_;
  struct Candidate {
    Token token;
    double weight;
  };
  std::vector<Candidate> candidates_;
};

}  // namespace silt::model
