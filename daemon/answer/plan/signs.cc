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
    {1.77F, 1.17F}, {3.19F, 3.08F}, {3.42F, 2.26F}, {2.53F, 0.85F}, {1.65F, 1.74F}, {0.99F, 0.68F}, {1.04F, 1.01F}, {2.23F, 1.54F},
    {-5.62F, -4.91F}, {-0.85F, -0.86F}, {-2.78F, -3.08F}, {14.09F, 12.82F}, {0, 2.74F}, {0, 0.17F}, {0, -0.71F},
}};
constexpr Table kOfWords = {{
    {2.30F, 1.54F}, {4.00F, 3.72F}, {3.16F, 1.70F}, {3.43F, 1.27F}, {2.44F, 2.46F}, {1.42F, 1.06F}, {1.32F, 1.27F}, {2.11F, 1.50F},
    {-5.59F, -5.07F}, {-0.43F, -0.46F}, {-2.11F, -2.58F}, {0, 0}, {0, 3.20F}, {0, 0.19F}, {0, -0.81F},
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
