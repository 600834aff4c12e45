#include "daemon/fold/severity.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/word_lengths.h"

namespace silt::fold {
namespace {

constexpr std::size_t kLongest = 13;

struct Word {
  std::string_view text;  // in lower case
  std::string_view severity;
  enum Use { kAlone, kMarked, kKeyed } use;  // alone in a head; there only if marked; only behind a key
};

constexpr std::array kWords = {
    Word{"trace", "TRACE", Word::kAlone},       Word{"verbose", "TRACE", Word::kAlone},
    Word{"finest", "TRACE", Word::kKeyed},      Word{"debug", "DEBUG", Word::kAlone},
    Word{"dbg", "DEBUG", Word::kKeyed},         Word{"fine", "DEBUG", Word::kMarked},
    Word{"finer", "DEBUG", Word::kKeyed},       Word{"info", "INFO", Word::kAlone},
    Word{"information", "INFO", Word::kKeyed},  Word{"informational", "INFO", Word::kKeyed},
    Word{"config", "INFO", Word::kKeyed},       Word{"notice", "NOTICE", Word::kAlone},
    Word{"warn", "WARNING", Word::kAlone},         Word{"warning", "WARNING", Word::kAlone},
    Word{"wrn", "WARNING", Word::kKeyed},          Word{"error", "ERROR", Word::kAlone},
    Word{"err", "ERROR", Word::kAlone},         Word{"severe", "SEVERE", Word::kAlone},
    Word{"critical", "CRITICAL", Word::kAlone}, Word{"crit", "CRITICAL", Word::kAlone},
    Word{"fatal", "FATAL", Word::kAlone},       Word{"alert", "ALERT", Word::kAlone},
    Word{"emerg", "EMERGENCY", Word::kAlone},   Word{"emergency", "EMERGENCY", Word::kAlone},
    Word{"panic", "PANIC", Word::kMarked},      Word{"failure", "FAILURE", Word::kMarked},
    Word{"log", "LOG", Word::kMarked},
};

constexpr WordLengths kLengths(kWords);  // heads are full of words, and few are severities

bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

const Word* find_word(std::string_view word) {
  if (word.size() < 3 || word.size() > kLongest) return nullptr;
  if (!kLengths.may_hold(word[0], word.size())) return nullptr;
  std::array<char, kLongest> lowered;
  for (std::size_t i = 0; i < word.size(); ++i) {
    lowered[i] = static_cast<char>(word[i] | 32);
    if (lowered[i] < 'a' || lowered[i] > 'z') return nullptr;
  }
  const std::string_view text(lowered.data(), word.size());
  const auto found = std::find_if(kWords.begin(), kWords.end(), [&](const Word& each) { return each.text == text; });
  return found == kWords.end() ? nullptr : &*found;
}

// "I0507 12:04:17" of klog, " D WindowManager:" of Android.
std::string_view of_letter(char c) {
  switch (c) {
    case 'V': return "TRACE";
    case 'D': return "DEBUG";
    case 'I': return "INFO";
    case 'W': return "WARNING";
    case 'E': return "ERROR";
    case 'F': return "FATAL";
    default: return {};
  }
}

}  // namespace

std::string_view severity_of(std::string_view word) {
  if (word.size() == 1) return of_letter(word[0]);
  const Word* const found = find_word(word);
  return found == nullptr ? std::string_view() : found->severity;
}

Harm harm_of(std::string_view severity) {
  constexpr std::array<std::pair<std::string_view, Harm>, 13> kHarms = {{{"TRACE", Harm::kCalm},
                                                                         {"DEBUG", Harm::kCalm},
                                                                         {"INFO", Harm::kCalm},
                                                                         {"NOTICE", Harm::kCalm},
                                                                         {"WARNING", Harm::kWarns},
                                                                         {"ERROR", Harm::kFails},
                                                                         {"FAILURE", Harm::kFails},
                                                                         {"SEVERE", Harm::kStops},
                                                                         {"CRITICAL", Harm::kStops},
                                                                         {"FATAL", Harm::kStops},
                                                                         {"ALERT", Harm::kStops},
                                                                         {"EMERGENCY", Harm::kStops},
                                                                         {"PANIC", Harm::kStops}}};
  for (const auto& [name, harm] : kHarms) {
    if (name == severity) return harm;
  }
  return Harm::kNone;
}

bool is_severity(std::string_view word, bool marked) {
  const Word* const found = find_word(word);
  if (found == nullptr || found->use == Word::kKeyed) return false;
  return marked || (found->use == Word::kAlone && std::all_of(word.begin(), word.end(), is_upper));
}

bool names_severity(std::string_view field) {
  const std::size_t part = field.rfind('.');
  const std::string_view name = part == std::string_view::npos ? field : field.substr(part + 1);
  constexpr std::array<std::string_view, 6> kNames = {"level", "lvl", "severity", "loglevel", "log_level", "levelname"};
  return std::any_of(kNames.begin(), kNames.end(), [&](std::string_view one) {
    return one.size() == name.size() &&
           std::equal(one.begin(), one.end(), name.begin(), [](char a, char b) { return a == (b | 32) || a == b; });
  });
}

}  // namespace silt::fold
