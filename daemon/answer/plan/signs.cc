#include "daemon/answer/plan/signs.h"

#include <cmath>

namespace silt::answer::plan {
namespace {

struct Weights {
  float before = 0;
  float after = 0;
};
using Table = std::array<Weights, kSigns>;

// In the order of Sign: with meaning, and by words alone.
constexpr Table kWithMeaning = {{
    {1.81F, 1.23F}, {2.13F, 1.60F}, {3.39F, 2.46F}, {2.73F, 1.25F}, {1.74F, 1.62F}, {1.04F, 0.70F}, {1.00F, 1.08F}, {2.09F, 1.50F},
    {-5.68F, -5.03F}, {-0.77F, -0.80F}, {-2.64F, -3.09F}, {13.33F, 12.60F}, {0, 3.16F}, {0, 0.13F}, {0, -0.35F},
}};
constexpr Table kOfWords = {{
    {2.33F, 1.61F}, {2.92F, 2.36F}, {3.32F, 2.29F}, {3.85F, 1.89F}, {2.40F, 1.93F}, {1.49F, 1.15F}, {1.25F, 1.35F}, {2.09F, 1.53F},
    {-5.47F, -4.77F}, {-0.33F, -0.38F}, {-2.28F, -3.02F}, {0, 0}, {0, 3.91F}, {0, 0.13F}, {0, -0.22F},
}};

float sum(const Signs& signs, float Weights::*weight) {
  const bool meaning = signs[static_cast<std::size_t>(Sign::kMeaning)] != 0;
  const Table& table = meaning ? kWithMeaning : kOfWords;
  float out = 0;
  for (std::size_t i = 0; i < kSigns; ++i) out += table[i].*weight * signs[i];
  return out;
}

}  // namespace

const std::array<std::string_view, kSigns> kSignNames = {"together", "fields", "nouns", "operand", "numbers", "name", "kind", "values",
                                                         "outside", "patterns", "computed", "meaning", "confidence", "found", "lost"};

float odds_before(const Signs& signs) {
  return sum(signs, &Weights::before);
}

float odds_after(const Signs& signs) {
  return sum(signs, &Weights::after);
}

float share_of_first(std::span<const float> odds) {
  float sum = 0;
  for (const float each : odds) sum += std::exp(each - odds.front());
  return sum > 0 ? 1 / sum : 0;
}

}  // namespace silt::answer::plan
