// Signs: what speaks for a source as the one that a question is about. They are weighed twice: before anything
// is looked for, to choose the few sources that are worth a look, and then with what was found in them.
//
// The weights are those of a conditional logit over the development questions (tests/answer/fit_sources.py);
// both sums are logarithms of odds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace silt::answer::plan {

enum class Sign : std::uint8_t {
  kTogether,    // words of the question that one pattern holds, each by its rarity among the sources
  kFields,      // words that are values of its fields, by rarity
  kNouns,       // words for its records: "tickets"
  kOperand,     // how well a slot fits what is asked for, 0 to 1
  kNumbers,     // numbers of the question that one of its slots has, less those that none has
  kName,        // words that name it, by rarity
  kKind,        // words for the kind of software that its name or its programs say, by rarity
  kValues,      // identifiers of the question that it has, in its name or its records, by rarity
  kOutside,     // 1: it has no record in the time asked about
  kPatterns,    // logarithm of how many there are: in many something fits by chance
  kComputed,    // 1: numbers over lines are asked of a text
  kMeaning,     // nearness of the patterns that mean most nearly what the question does; 0: not known of all
  kConfidence,  // from here on known when it was searched
  kFound,       // logarithm of how many records were found
  kLost,        // words of the question that the query does not hold
};
inline constexpr std::size_t kSigns = 15;
using Signs = std::array<float, kSigns>;
inline float& of(Signs& signs, Sign sign) { return signs[static_cast<std::size_t>(sign)]; }
extern const std::array<std::string_view, kSigns> kSignNames;

float odds_before(const Signs& signs);
float odds_after(const Signs& signs);
// The share of the first of several, from logarithms of odds.
float share_of_first(std::span<const float> odds);

}  // namespace silt::answer::plan
