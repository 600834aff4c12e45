#include "daemon/watch/glance.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/word_lengths.h"
#include "daemon/fold/severity.h"
#include "daemon/store/hash64.h"

namespace silt::watch {
namespace {

constexpr std::size_t kHeadBytes = 160;  // in which a severity stands
constexpr std::size_t kWordMin = 3, kWordMax = 16;
constexpr float kStrong = 1, kWeak = 0.6F, kShouted = 1.6F, kWordsMax = 3, kWordsShare = 0.7F;

struct Word {
  std::string_view text;
  float weight;
};

// Sorted. What stops programs, and what goes wrong in their work.
constexpr std::array kWords = {
    Word{"abort", kStrong},      Word{"aborted", kStrong},     Word{"aborting", kStrong},  Word{"assert", kStrong},
    Word{"assertion", kStrong},  Word{"broken", kWeak},        Word{"cannot", kWeak},      Word{"corrupt", kStrong},
    Word{"corrupted", kStrong},  Word{"corruption", kStrong},  Word{"crash", kStrong},     Word{"crashed", kStrong},
    Word{"critical", kStrong},   Word{"dead", kWeak},          Word{"deadlock", kStrong},  Word{"denied", kWeak},
    Word{"down", kWeak},         Word{"emergency", kStrong},   Word{"error", kWeak},       Word{"errors", kWeak},
    Word{"exceeded", kWeak},     Word{"exception", kStrong},     Word{"fail", kWeak},        Word{"failed", kWeak},
    Word{"failing", kWeak},      Word{"fails", kWeak},         Word{"failure", kWeak},     Word{"failures", kWeak},
    Word{"fatal", kStrong},      Word{"hang", kStrong},        Word{"hanging", kStrong},   Word{"hung", kStrong},
    Word{"invalid", kWeak},      Word{"killed", kStrong},      Word{"leak", kStrong},      Word{"leaked", kStrong},
    Word{"leaking", kStrong},    Word{"lost", kWeak},          Word{"missing", kWeak},     Word{"oom", kStrong},
    Word{"overflow", kStrong},   Word{"panic", kStrong},       Word{"panicked", kStrong},  Word{"refused", kWeak},
    Word{"rejected", kWeak},     Word{"segfault", kStrong},    Word{"severe", kStrong},    Word{"sigabrt", kStrong},
    Word{"sigsegv", kStrong},    Word{"terminated", kWeak},    Word{"timed", kWeak},       Word{"timeout", kWeak},
    Word{"unable", kWeak},       Word{"unavailable", kWeak},   Word{"unexpected", kStrong}, Word{"unreachable", kWeak},
    Word{"unrecoverable", kStrong}, Word{"warn", kWeak},       Word{"warning", kWeak},
};

constexpr bool by_text(const Word& a, const Word& b) {
  return a.text < b.text;
}
static_assert(std::is_sorted(kWords.begin(), kWords.end(), by_text));

std::optional<std::size_t> find_word(std::string_view lower) {
  const auto found = std::lower_bound(kWords.begin(), kWords.end(), Word{lower, 0}, by_text);
  if (found == kWords.end() || found->text != lower) return std::nullopt;
  return static_cast<std::size_t>(found - kWords.begin());
}

// Of a field that says how bad a line is.
std::optional<float> weight_of(std::string_view word) {
  switch (fold::harm_of(fold::severity_of(word))) {
    case fold::Harm::kNone: return std::nullopt;
    case fold::Harm::kCalm: return 0;
    case fold::Harm::kWarns: return 1;
    case fold::Harm::kFails: return 2.5F;
    case fold::Harm::kStops: return 3;
  }
  return std::nullopt;
}

enum Class : std::uint8_t { kLetter = 1, kDigit = 2, kHex = 4, kJoiner = 8 };
constexpr std::uint8_t kPiece = kLetter | kDigit | kJoiner;  // what an identifier is made of

constexpr auto kClasses = [] {
  std::array<std::uint8_t, 256> classes{};
  for (int c = 'a'; c <= 'z'; ++c) classes[c] = classes[c - 'a' + 'A'] = kLetter | (c <= 'f' ? kHex : 0);
  for (int c = '0'; c <= '9'; ++c) classes[c] = kDigit | kHex;
  classes['_'] = classes['-'] = kJoiner;
  return classes;
}();

constexpr std::uint8_t class_of(char c) {
  return kClasses[static_cast<unsigned char>(c)];
}
bool is_letter(char c) {
  return (class_of(c) & kLetter) != 0;
}

constexpr WordLengths kLengths(kWords);  // nearly all words of a log fail here

// A word of a line, with what stands before and behind it ('\0' at its ends).
struct Found {
  std::array<char, kWordMax> lower_bytes{};
  std::size_t size = 0;
  bool capitals = true;
  char before = 0, behind = 0, next = 0;
  std::string_view lower() const { return {lower_bytes.data(), size}; }
};

bool is_in(char c, std::string_view set) {
  return c != 0 && set.find(c) != std::string_view::npos;
}

// As part of a name, a path or an assignment it is no word of prose.
bool is_prose(const Found& word) {
  if (is_in(word.before, "_./\\='-") && !word.capitals) return false;
  return !is_in(word.behind, "_/=\\") && !(word.behind == '.' && is_letter(word.next));
}

class Reading {
 public:
  // Whether a word at `at` may say anything.
  bool wants(char first, std::size_t size, std::size_t at) const {
    return (!severity_ && at < kHeadBytes) || kLengths.may_hold(first, size);
  }
  void take(const Found& word, std::size_t at) {
    if (!severity_ && at < kHeadBytes) {
      const bool marked = is_in(word.before, "[<(=:\"") || is_in(word.behind, "]>:)");
      if (word.capitals || marked) severity_ = weight_of(word.lower());
      if (severity_) {
        words_ = 0;  // what stood before was its head
        seen_ = 0;
        return;
      }
    }
    const auto found = find_word(word.lower());
    if (!found || (seen_ >> *found & 1) != 0 || !is_prose(word)) return;
    seen_ |= std::uint64_t{1} << *found;
    words_ += kWords[*found].weight * (word.capitals ? kShouted : 1);
  }
  float trouble() const { return severity_.value_or(0) + kWordsShare * std::min(words_, kWordsMax); }

 private:
  static_assert(kWords.size() <= 64);
  std::optional<float> severity_;
  float words_ = 0;
  std::uint64_t seen_ = 0;  // of kWords
};

Found word_at(std::string_view line, std::size_t begin, std::size_t size) {
  Found word;
  word.size = size;
  for (std::size_t i = 0; i < size; ++i) {
    word.lower_bytes[i] = static_cast<char>(line[begin + i] | 0x20);
    word.capitals = word.capitals && line[begin + i] <= 'Z';
  }
  const std::size_t end = begin + size;
  if (begin > 0) word.before = line[begin - 1];
  if (end < line.size()) word.behind = line[end];
  if (end + 1 < line.size()) word.next = line[end + 1];
  return word;
}

float trouble_of(std::string_view line) {
  Reading reading;
  for (std::size_t at = 0; at < line.size(); ++at) {  // what ends a word is no letter
    const std::size_t begin = at;
    while (at < line.size() && is_letter(line[at])) ++at;
    const std::size_t size = at - begin;
    if (size < kWordMin || size > kWordMax) continue;
    if (reading.wants(line[begin], size, begin)) reading.take(word_at(line, begin, size), begin);
  }
  return reading.trouble();
}

// Letters, digits, '_' and '-' in one piece.
bool is_identifier(std::string_view piece) {
  constexpr std::size_t kHexMin = 16, kDigitsMin = 6;
  std::size_t hex = 0, digits = 0, tail = 0;
  for (const char c : piece) {
    const bool digit = (class_of(c) & kDigit) != 0;
    hex += (class_of(c) & kHex) != 0 ? 1 : 0;
    digits += digit ? 1 : 0;
    tail = digit ? tail + 1 : 0;
  }
  const auto dashes = static_cast<std::size_t>(std::count(piece.begin(), piece.end(), '-'));
  if (hex >= kHexMin && hex + dashes == piece.size() && digits >= 4 && digits < hex) return true;
  const bool separated = tail < piece.size() && is_in(piece[piece.size() - tail - 1], "_-");
  return tail >= kDigitsMin && separated && is_letter(piece.front());
}

}  // namespace

std::string_view identifier_in(std::string_view line) {
  constexpr std::size_t kSizeMin = 9;
  line = line.substr(0, kGlanceBytes);
  for (std::size_t at = 0; at < line.size(); ++at) {
    const std::size_t begin = at;
    std::uint8_t classes = 0;
    for (; at < line.size() && (class_of(line[at]) & kPiece) != 0; ++at) classes |= class_of(line[at]);
    if (at - begin < kSizeMin || (classes & kDigit) == 0) continue;
    if (is_identifier(line.substr(begin, at - begin))) return line.substr(begin, at - begin);
  }
  return {};
}

Glance glance(std::string_view line) {
  const std::string_view identifier = identifier_in(line);
  return {trouble_of(line.substr(0, kGlanceBytes)), identifier.empty() ? 0 : store::hash64(identifier) | 1};
}

}  // namespace silt::watch
