#include "daemon/answer/surface_repair.h"

#include <algorithm>
#include <array>
#include <vector>

#include "daemon/answer/copied_text.h"
#include "daemon/answer/plan.h"
#include "daemon/answer/question.h"
#include "daemon/answer/surface_plan.h"
#include "daemon/answer/words.h"

namespace silt::answer {
namespace {

using namespace std::string_view_literals;

// Words before what a question leaves out, which no plan can say.
constexpr std::array kExclusions = {"not"sv,   "except"sv,  "without"sv, "nicht"sv,    "außer"sv,
                                    "ohne"sv,  "sauf"sv,    "excepté"sv, "hormis"sv,   "sans"sv,
                                    "salvo"sv, "excepto"sv, "sin"sv,     "excluding"sv};

enum class Naming { kNothing, kNumber, kName, kQuotation };

// The digits at the beginning of `text`.
std::string_view digits_of(std::string_view text) {
  const auto* const end = std::find_if_not(text.begin(), text.end(), is_digit);
  return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}

// "top5", "Top-5": a rank, written like a name.
bool is_ranking(std::string_view lower) {
  if (!lower.starts_with("top")) return false;
  lower.remove_prefix(3);
  if (lower.starts_with('-')) lower.remove_prefix(1);
  return !lower.empty() && digits_of(lower) == lower;
}

// What a token of a question names by itself: one thing (10.1.2.3, db-3, /dev/sda1), or a number with a sign
// before it (#42). Times begin with a digit.
Naming naming_of(const QuestionToken& token) {
  if (token.kind == QuestionTokenKind::kQuoted) return Naming::kQuotation;
  const std::string& text = token.lower;
  if (token.kind == QuestionTokenKind::kWord || std::none_of(text.begin(), text.end(), is_digit))
    return Naming::kNothing;
  if (is_digit(text.front()))
    return std::count(text.begin(), text.end(), '.') == 3 ? Naming::kName : Naming::kNothing;
  if (is_ranking(text)) return Naming::kNothing;
  return is_letter(text.front()) || text.front() == '/' ? Naming::kName : Naming::kNumber;
}

// The token less an article before it (d'10.1.2.3) and the 's behind it.
std::string bare_name(const QuestionToken& token) {
  std::string_view name = token.raw;
  if (name.ends_with("'s")) name.remove_suffix(2);
  const std::size_t apostrophe = name.find('\'');
  if (apostrophe <= 2) name.remove_prefix(apostrophe + 1);
  return std::string(name);
}

bool excludes(const std::vector<QuestionToken>& tokens) {
  return std::any_of(tokens.begin(), tokens.end(), [](const QuestionToken& token) {
    return std::find(kExclusions.begin(), kExclusions.end(), token.lower) != kExclusions.end();
  });
}

bool takes_a_name(std::string_view kind) {
  return kind != kind_name(PlanKind::kBetween) && kind != kind_name(PlanKind::kExplain) &&
         kind != kind_name(PlanKind::kDigest);
}

// Numbers within addresses and names say nothing about time.
bool has_number(std::string_view question, std::string_view number) {
  for (const QuestionToken& token : split_question(question)) {
    if (naming_of(token) == Naming::kName) continue;
    const std::string_view text = token.raw;
    for (std::size_t at = 0; at < text.size(); ++at) {
      const std::string_view digits = digits_of(text.substr(at));
      if (digits == number) return true;
      at += digits.size();
    }
  }
  return false;
}

}  // namespace

std::optional<std::string> with_all_names(std::string_view question, std::string_view surface,
                                          std::span<const std::string> sources) {
  const std::vector<QuestionToken> tokens = split_question(question);
  const CopiedText said(lower_ascii(surface));
  std::optional<std::string> missing;
  for (const QuestionToken& token : tokens) {
    const Naming naming = naming_of(token);
    if (naming == Naming::kNothing) continue;
    std::string name = naming == Naming::kQuotation ? token.raw : bare_name(token);
    if (naming == Naming::kNumber) name.erase(0, name.find_first_of("0123456789"));
    if (said.has(lower_ascii(name), /*whole=*/true) || name == missing) continue;
    if (naming != Naming::kName || missing || known_source(name, sources)) return std::nullopt;
    missing = std::move(name);
  }
  if (!missing) return std::string(surface);
  const std::size_t kind_end = std::min(surface.find(' '), surface.size());
  const std::string_view kind = surface.substr(0, kind_end), clauses = surface.substr(kind_end);
  if (!takes_a_name(kind) || clauses.find(" id:") != clauses.npos || excludes(tokens)) return std::nullopt;
  return std::string(kind) + " id:" + *missing + std::string(clauses);
}

bool reaches_back_by_itself(std::string_view question, std::string_view surface) {
  const bool ago = surface.find(" until:now") != surface.npos;
  for (std::size_t at = surface.find(":-"); at != surface.npos; at = surface.find(":-", at + 1)) {
    const std::string_view number = digits_of(surface.substr(at + 2));
    if (!number.empty() && (ago || number != "1") && !has_number(question, number)) return true;
  }
  return false;
}

}  // namespace silt::answer
