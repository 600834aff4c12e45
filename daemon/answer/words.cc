#include "daemon/answer/words.h"

#include <algorithm>
#include <array>

namespace silt::answer {
namespace {

using namespace std::string_view_literals;

// Sorted, for binary search.
constexpr std::array kStopWords = {
    "a"sv,       "about"sv,    "above"sv,  "after"sv,     "again"sv,     "all"sv,       "alle"sv,
    "also"sv,    "am"sv,       "an"sv,     "and"sv,       "any"sv,       "anyone"sv,    "anything"sv,
    "are"sv,     "as"sv,       "at"sv,     "auf"sv,       "aus"sv,       "be"sv,        "because"sv,
    "been"sv,    "before"sv,   "bei"sv,    "being"sv,     "between"sv,   "big"sv,       "bis"sv,
    "both"sv,    "but"sv,      "by"sv,     "came"sv,      "can"sv,       "cause"sv,     "caused"sv,
    "come"sv,    "comes"sv,    "could"sv,  "das"sv,       "dem"sv,       "den"sv,       "der"sv,
    "des"sv,     "did"sv,      "die"sv,    "different"sv, "distinct"sv,  "do"sv,        "does"sv,
    "doing"sv,   "done"sv,     "during"sv, "each"sv,      "ein"sv,       "eine"sv,      "einen"sv,
    "er"sv,      "es"sv,       "every"sv,  "find"sv,      "for"sv,       "from"sv,      "für"sv,
    "gab"sv,     "get"sv,      "gets"sv,   "gibt"sv,      "give"sv,      "given"sv,     "got"sv,
    "grep"sv,    "haben"sv,    "had"sv,    "happen"sv,    "happened"sv,  "happening"sv, "happens"sv,
    "has"sv,     "hat"sv,      "have"sv,   "he"sv,        "her"sv,       "here"sv,      "him"sv,
    "his"sv,     "how"sv,      "i"sv,      "if"sv,        "im"sv,        "in"sv,        "ins"sv,
    "into"sv,    "is"sv,       "ist"sv,    "it"sv,        "its"sv,       "kam"sv,       "kamen"sv,
    "large"sv,   "last"sv,     "line"sv,   "lines"sv,     "list"sv,      "log"sv,       "logged"sv,
    "logs"sv,    "long"sv,     "look"sv,   "made"sv,      "make"sv,      "many"sv,      "match"sv,
    "matches"sv, "matching"sv, "me"sv,     "mention"sv,   "mentioned"sv, "mentions"sv,  "mit"sv,
    "more"sv,    "most"sv,     "much"sv,   "my"sv,        "nach"sv,      "name"sv,      "named"sv,
    "no"sv,      "not"sv,      "number"sv, "occur"sv,     "occurred"sv,  "occurs"sv,    "of"sv,
    "off"sv,     "often"sv,    "on"sv,     "one"sv,       "or"sv,        "our"sv,       "out"sv,
    "over"sv,    "please"sv,   "ran"sv,    "recently"sv,  "record"sv,    "records"sv,   "run"sv,
    "runs"sv,    "said"sv,     "same"sv,   "say"sv,       "says"sv,      "search"sv,    "see"sv,
    "seen"sv,    "seit"sv,     "she"sv,    "should"sv,    "show"sv,      "shows"sv,     "sich"sv,
    "since"sv,   "sind"sv,     "so"sv,     "some"sv,      "such"sv,      "take"sv,      "takes"sv,
    "tell"sv,    "than"sv,     "that"sv,   "the"sv,       "their"sv,     "them"sv,      "then"sv,
    "there"sv,   "these"sv,    "they"sv,   "this"sv,      "those"sv,     "through"sv,   "time"sv,
    "times"sv,   "to"sv,       "too"sv,    "took"sv,      "total"sv,     "tried"sv,     "try"sv,
    "trying"sv,  "um"sv,       "und"sv,    "unique"sv,    "until"sv,     "up"sv,        "us"sv,
    "use"sv,     "used"sv,     "using"sv,  "vom"sv,       "von"sv,       "vor"sv,       "wann"sv,
    "war"sv,     "waren"sv,    "was"sv,    "we"sv,        "welche"sv,    "welcher"sv,   "welches"sv,
    "went"sv,    "wer"sv,      "were"sv,   "what"sv,      "what's"sv,    "when"sv,      "where"sv,
    "which"sv,   "while"sv,    "who"sv,    "whom"sv,      "whose"sv,     "why"sv,       "wie"sv,
    "will"sv,    "wird"sv,     "with"sv,   "wo"sv,        "would"sv,     "wurde"sv,     "wurden"sv,
    "you"sv,     "your"sv,     "zeig"sv,   "zeige"sv,     "zu"sv,        "zum"sv,       "zur"sv,
    "zwischen"sv};

constexpr std::array kWeakWords = {
    "action"sv,  "activity"sv,  "address"sv,     "addresses"sv, "attempt"sv, "attempts"sv, "considered"sv,
    "current"sv, "currently"sv, "day"sv,         "days"sv,      "entries"sv, "entry"sv,    "event"sv,
    "events"sv,  "file"sv,      "files"sv,       "function"sv,  "group"sv,   "host"sv,     "hosts"sv,
    "hour"sv,    "hours"sv,     "incident"sv,    "incidents"sv, "ip"sv,      "issue"sv,    "issues"sv,
    "kind"sv,    "location"sv,  "lot"sv,         "lots"sv,      "main"sv,    "message"sv,  "messages"sv,
    "pattern"sv, "patterns"sv,  "place"sv,       "possible"sv,  "problem"sv, "problems"sv, "program"sv,
    "reason"sv,  "reasons"sv,   "responsible"sv, "result"sv,    "results"sv, "source"sv,   "sources"sv,
    "state"sv,   "status"sv,    "thing"sv,       "things"sv,    "type"sv,    "username"sv, "usual"sv,
    "usually"sv, "value"sv};

constexpr std::array kFail = {"fail"sv, "error"sv, "denied"sv, "invalid"sv, "refused"sv, "exception"sv};
constexpr std::array kError = {"error"sv, "fail"sv, "fatal"sv, "critical"sv, "exception"sv, "panic"sv};
constexpr std::array kLogin = {"login"sv,          "session"sv, "password"sv,
                               "authentication"sv, "logon"sv,   "logged"sv};
constexpr std::array kReboot = {"reboot"sv, "restart"sv, "boot"sv, "startup"sv};
constexpr std::array kRestart = {"restart"sv, "reboot"sv, "started"sv, "starting"sv};
constexpr std::array kDelete = {"delete"sv, "remove"sv, "purge"sv, "unlink"sv};
constexpr std::array kInstall = {"install"sv, "unpack"sv, "setup"sv};
constexpr std::array kUpgrade = {"upgrade"sv, "update"sv};
constexpr std::array kStop = {"stop"sv, "shutdown"sv, "terminate"sv, "exit"sv, "kill"sv};
constexpr std::array kStart = {"start"sv, "begin"sv, "open"sv, "launch"sv};
constexpr std::array kCrash = {"crash"sv, "segfault"sv, "panic"sv, "core"sv, "abort"sv, "oops"sv};
constexpr std::array kConnect = {"connect"sv, "connection"sv, "session"sv};
constexpr std::array kTimeout = {"timeout"sv, "timed"sv, "deadline"sv};
constexpr std::array kMemory = {"memory"sv, "oom"sv};
constexpr std::array kWarning = {"warning"sv, "warn"sv};
constexpr std::array kFehler = {"fehler"sv, "error"sv, "fail"sv};
constexpr std::array kAnmeldung = {"anmeldung"sv, "login"sv, "session"sv, "password"sv, "authentication"sv};

struct Family {
  std::string_view word;
  std::span<const std::string_view> words;
};
constexpr std::array kFamilies = {
    Family{"fail", kFail},
    Family{"failure", kFail},
    Family{"error", kError},
    Family{"login", kLogin},
    Family{"logon", kLogin},
    Family{"authenticate", kLogin},
    Family{"authentication", kLogin},
    Family{"reboot", kReboot},
    Family{"restart", kRestart},
    Family{"delete", kDelete},
    Family{"remove", kDelete},
    Family{"install", kInstall},
    Family{"upgrade", kUpgrade},
    Family{"update", kUpgrade},
    Family{"stop", kStop},
    Family{"terminate", kStop},
    Family{"shutdown", kStop},
    Family{"start", kStart},
    Family{"begin", kStart},
    Family{"crash", kCrash},
    Family{"connect", kConnect},
    Family{"timeout", kTimeout},
    Family{"memory", kMemory},
    Family{"warning", kWarning},
    Family{"warn", kWarning},
    Family{"fehler", kFehler},
    Family{"fehlgeschlagen", kFehler},
    Family{"anmeldung", kAnmeldung},
    Family{"anmeldungen", kAnmeldung},
    Family{"angemeldet", kAnmeldung},
    Family{"gestartet", kStart},
    Family{"gestoppt", kStop},
};

bool drop_suffix(std::string& word, std::string_view suffix, std::size_t keep) {
  if (word.size() < suffix.size() + keep || !word.ends_with(suffix)) return false;
  word.resize(word.size() - suffix.size());
  return true;
}

void undouble(std::string& word) {
  const std::size_t n = word.size();
  if (n > 4 && word[n - 1] == word[n - 2] &&
      std::string_view("bdgmnprt").find(word[n - 1]) != std::string_view::npos) {
    word.pop_back();
  }
}

}  // namespace

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

std::string stem(std::string_view text) {
  std::string word(text);
  if (word.size() > 3 && word.ends_with("s") && !word.ends_with("ss") && !word.ends_with("us") &&
      !word.ends_with("is")) {
    word.pop_back();
  }
  if (drop_suffix(word, "ing", 4) || (!word.ends_with("eed") && drop_suffix(word, "ed", 4))) {
    undouble(word);
  } else if (word.ends_with("ction") || word.ends_with("ation") || word.ends_with("ption")) {
    drop_suffix(word, "ion", 4);
  } else {
    drop_suffix(word, "ure", 4);
  }
  if (word.size() > 4 && word.ends_with("e")) word.pop_back();
  return word;
}

bool same_word(std::string_view stem_of_word, std::string_view term) {
  if (!term.starts_with(stem_of_word)) return false;
  return stem_of_word.size() >= 6 || stem(term) == stem_of_word;
}

bool is_stop_word(std::string_view word) {
  return std::binary_search(kStopWords.begin(), kStopWords.end(), word);
}
bool is_weak_word(std::string_view word) {
  return std::any_of(kWeakWords.begin(), kWeakWords.end(),
                     [word](std::string_view weak) { return word == weak || word == stem(weak); });
}

std::span<const std::string_view> synonyms(std::string_view word) {
  const std::string wanted = stem(word);
  for (const Family& family : kFamilies) {
    if (stem(family.word) == wanted) return family.words;
  }
  return {};
}

bool within_one_edit(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > 1) return false;
  std::size_t i = 0;
  while (i < a.size() && a[i] == b[i]) ++i;
  if (i == a.size()) return true;
  if (a.size() < b.size()) return a.substr(i) == b.substr(i + 1);
  if (a.substr(i + 1) == b.substr(i + 1)) return true;
  return i + 1 < a.size() && a[i] == b[i + 1] && a[i + 1] == b[i] && a.substr(i + 2) == b.substr(i + 2);
}

}  // namespace silt::answer
