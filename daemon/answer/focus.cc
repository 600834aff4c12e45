#include "daemon/answer/focus.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "daemon/answer/words.h"

namespace silt::answer {
namespace {

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

struct SlotNoun {
  std::string_view word;  // singular
  Slot slot;
};

// A noun phrase takes the first of this table that it holds, so "port number" is a port and "IP
// address of the server" stops at "of" and is an address.
constexpr std::array kSlotNouns = {
    SlotNoun{"ip", Slot::kIp},
    SlotNoun{"address", Slot::kIp},
    SlotNoun{"addresse", Slot::kIp},
    SlotNoun{"adresse", Slot::kIp},
    SlotNoun{"adressen", Slot::kIp},
    SlotNoun{"port", Slot::kPort},
    SlotNoun{"user", Slot::kUser},
    SlotNoun{"benutzer", Slot::kUser},
    SlotNoun{"nutzer", Slot::kUser},
    SlotNoun{"username", Slot::kUser},
    SlotNoun{"account", Slot::kUser},
    SlotNoun{"host", Slot::kHost},
    SlotNoun{"hostname", Slot::kHost},
    SlotNoun{"machine", Slot::kHost},
    SlotNoun{"server", Slot::kHost},
    SlotNoun{"client", Slot::kHost},
    SlotNoun{"node", Slot::kHost},
    SlotNoun{"device", Slot::kHost},
    SlotNoun{"rechner", Slot::kHost},
    SlotNoun{"url", Slot::kUrl},
    SlotNoun{"email", Slot::kEmail},
    SlotNoun{"file", Slot::kPath},
    SlotNoun{"datei", Slot::kPath},
    SlotNoun{"dateien", Slot::kPath},
    SlotNoun{"path", Slot::kPath},
    SlotNoun{"directory", Slot::kPath},
    SlotNoun{"package", Slot::kPackage},
    SlotNoun{"paket", Slot::kPackage},
    SlotNoun{"pakete", Slot::kPackage},
    SlotNoun{"block", Slot::kId},
    SlotNoun{"id", Slot::kId},
    SlotNoun{"uuid", Slot::kId},
    SlotNoun{"duration", Slot::kDuration},
    SlotNoun{"latency", Slot::kDuration},
    SlotNoun{"size", Slot::kNumber},
    SlotNoun{"byte", Slot::kNumber},
    SlotNoun{"number", Slot::kNumber},
    SlotNoun{"code", Slot::kNumber},
    SlotNoun{"pid", Slot::kNumber},
    SlotNoun{"location", Slot::kPlace},
    SlotNoun{"place", Slot::kPlace},
    SlotNoun{"time", Slot::kTime},
    SlotNoun{"date", Slot::kTime},
    SlotNoun{"hour", Slot::kHour},
    SlotNoun{"stunde", Slot::kHour},
    SlotNoun{"day", Slot::kDay},
    SlotNoun{"tag", Slot::kDay},
    SlotNoun{"pattern", Slot::kPattern},
    SlotNoun{"message", Slot::kPattern},
    SlotNoun{"error", Slot::kPattern},
    SlotNoun{"failure", Slot::kPattern},
    SlotNoun{"warning", Slot::kPattern},
    SlotNoun{"event", Slot::kPattern},
    SlotNoun{"reason", Slot::kPattern},
    SlotNoun{"problem", Slot::kPattern},
    SlotNoun{"issue", Slot::kPattern},
    SlotNoun{"fehler", Slot::kPattern},
    SlotNoun{"source", Slot::kSource},
    SlotNoun{"status", Slot::kState},
    SlotNoun{"state", Slot::kState},
    SlotNoun{"result", Slot::kState},
    SlotNoun{"outcome", Slot::kState},
    SlotNoun{"action", Slot::kState},
    SlotNoun{"function", Slot::kComponent},
    SlotNoun{"component", Slot::kComponent},
    SlotNoun{"process", Slot::kComponent},
    SlotNoun{"daemon", Slot::kComponent},
    SlotNoun{"service", Slot::kComponent},
    SlotNoun{"program", Slot::kComponent},
};

std::string singular(std::string_view word) {
  if (word.size() > 4 && word.ends_with("sses")) return std::string(word.substr(0, word.size() - 2));
  if (word.size() > 4 && word.ends_with("ies")) return std::string(word.substr(0, word.size() - 3)) + "y";
  if (word.size() > 2 && word.ends_with("s") && !word.ends_with("ss") && !word.ends_with("us")) {
    return std::string(word.substr(0, word.size() - 1));
  }
  return std::string(word);
}

int rank_of_noun(std::string_view word) {
  for (std::size_t i = 0; i < kSlotNouns.size(); ++i) {
    if (kSlotNouns[i].word == word || kSlotNouns[i].word == singular(word)) return static_cast<int>(i);
  }
  return -1;
}

class FocusFinder {
 public:
  FocusFinder(std::span<const QuestionToken> tokens, std::vector<bool>& nouns)
      : tokens_(tokens), nouns_(nouns) {}

  Focus find() {
    nouns_.assign(tokens_.size(), false);
    wh_ = wh_word();
    if (wh_ == tokens_.size()) return yes_or_no();
    const std::string& wh = word(wh_);
    if (is_one_of(wh, {"when", "wann"})) {
      focus_.slot = Slot::kTime;
    } else if (is_one_of(wh, {"where", "wo"})) {
      focus_.slot = Slot::kPlace;
      preposition();
    } else if (is_one_of(wh, {"who", "whom", "wer", "wen"})) {
      focus_.slot = Slot::kUser;
      focus_.plural = true;
    } else if (wh == "how") {
      if (is_one_of(word(wh_ + 1), {"long", "lange"})) focus_.slot = Slot::kDuration;
      if (is_one_of(word(wh_ + 1), {"big", "large"})) number_near("size");
    } else if (wh != "why" && !narrative()) {
      noun_phrase();
      if (focus_.slot == Slot::kNone) subject_of_verb();
      if (focus_.slot == Slot::kNone) object_of_failure();
      preposition();
    }
    return std::move(focus_);
  }

 private:
  const std::string& word(std::size_t at) const {
    static const std::string kNothing;
    return at < tokens_.size() && tokens_[at].kind != QuestionTokenKind::kQuoted ? tokens_[at].lower
                                                                                 : kNothing;
  }

  std::size_t wh_word() const {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (is_one_of(word(i), {"which", "what",  "whose", "welche", "welcher", "welches", "welchen",
                              "many",  "viele", "when",  "wann",   "where",   "who",     "whom",
                              "wer",   "why",   "list",  "show",   "top",     "count"})) {
        return i;
      }
      if (i == 0 && word(0) == "wo") return 0;
      if (word(i) == "how" && is_one_of(word(i + 1), {"long", "big", "large"})) return i;
      if (is_one_of(word(i),
                    {"häufigsten", "frequent", "common", "latest", "newest", "first", "last", "busiest"}))
        return i;
    }
    return tokens_.size();
  }

  Focus yes_or_no() {
    if (is_one_of(word(0), {"did", "was", "were", "is", "are", "has", "have", "does", "do"}))
      focus_.slot = Slot::kState;
    return std::move(focus_);
  }

  // "what happened to X", "what did I do with X", "what is going on"
  bool narrative() {
    const std::string& next = word(wh_ + 1);
    const bool happened = is_one_of(next, {"happened", "happens", "happen", "passierte"}) ||
                          (next == "is" && is_one_of(word(wh_ + 2), {"happening", "going"})) ||
                          (next == "did" && is_one_of(word(tokens_.size() - 1), {"do", "happen"})) ||
                          (next == "did" && is_one_of(word(wh_ + 3), {"do"}));
    if (!happened) return false;
    focus_.slot = Slot::kState;
    focus_.narrative = next != "did";
    return true;
  }

  void number_near(std::string_view noun) {
    focus_.slot = Slot::kNumber;
    focus_.near = noun;
  }

  void noun_phrase() {
    std::size_t at = wh_ + 1, taken = 0, best = tokens_.size();
    int best_rank = -1;
    std::string last;
    for (; at < tokens_.size() && taken < 5; ++at) {
      const std::string& text = word(at);
      if (taken == 0 && is_one_of(text, {"is", "was", "are", "were", "ist", "war", "sind", "of"})) continue;
      if (skipped(at, taken)) continue;
      if (ends_phrase(at)) break;
      ++taken;
      last = text;
      const int rank = rank_of_noun(text);
      if (rank >= 0 && (best_rank < 0 || rank < best_rank)) {
        best_rank = rank;
        best = at;
      }
      if (rank >= 0) nouns_[at] = true;
    }
    // "what was block X served to": the block is known, not asked for.
    const bool named = at < tokens_.size() && at == best + 1 && tokens_[at].kind != QuestionTokenKind::kWord;
    if (named && copula_question()) {
      nouns_[best] = false;
      return;
    }
    if (best_rank < 0) {
      if (taken == 1 && copula_question() && word(at) == "of") {
        focus_.slot = Slot::kWord;  // "what is the src of ..."
        focus_.near = last;
      }
      return;
    }
    focus_.slot = kSlotNouns[static_cast<std::size_t>(best_rank)].slot;
    focus_.plural = is_plural_noun(word(best)) || is_one_of(word(wh_), {"welche", "häufigsten"});
    if (focus_.slot == Slot::kNumber) number_noun(best, at);
  }

  bool skipped(std::size_t at, std::size_t taken) const {
    if (tokens_[at].used && tokens_[at].kind == QuestionTokenKind::kIdentifier) return true;  // "top 5 users"
    return is_one_of(word(at),
                     {"the",      "a",          "an",       "all",    "current", "der",   "die",
                      "das",      "different",  "distinct", "unique", "most",    "least", "common",
                      "frequent", "frequently", "main",     "recent", "total",   "me",    "häufigsten",
                      "latest",   "newest",     "first",    "last",   "top"}) ||
           (taken == 0 && is_one_of(word(at), {"name", "names", "of"}));
  }

  bool ends_phrase(std::size_t at) const {
    const std::string& text = word(at);
    return text.empty() || tokens_[at].kind == QuestionTokenKind::kIdentifier ||
           is_one_of(text, {"of",    "for",    "did",  "do",   "does",  "was",    "were", "is",
                            "are",   "has",    "have", "had",  "from",  "to",     "on",   "that",
                            "who",   "with",   "in",   "when", "by",    "come",   "came", "hat",
                            "haben", "caused", "used", "and",  "since", "during", "whose"});
  }

  bool copula_question() const {
    return is_one_of(word(wh_ + 1), {"is", "was", "are", "were", "ist", "war"});
  }

  // "the size ..." is a number near "size"; "the number of X" one near X.
  void number_noun(std::size_t noun, std::size_t end) {
    const std::string& text = word(noun);
    if (text != "number") {
      focus_.near = text == "bytes" ? "size" : singular(text);
      return;
    }
    if (word(end) != "of") return;
    std::size_t at = end + 1;
    while (is_one_of(word(at), {"the", "a", "an"})) ++at;
    if (at < tokens_.size()) focus_.near = tokens_[at].lower;
  }

  // "what succeeded for X", "what was closed by X": what stands in front of the verb
  void subject_of_verb() {
    const std::size_t verb = wh_ + (copula_question() ? 2 : 1);
    const std::string& text = word(verb);
    if (text.size() < 5 || !text.ends_with("ed")) return;
    focus_.slot = Slot::kSubject;
    focus_.near = text;
  }

  // "what did X fail to send", "what did X not have": what comes behind the word that says so
  void object_of_failure() {
    for (std::size_t i = wh_ + 1; i < tokens_.size(); ++i) {
      if (!is_one_of(word(i), {"fail", "failed", "fails", "not"})) continue;
      focus_.slot = Slot::kWord;
      focus_.near = "fail";
      return;
    }
  }

  // "from which address", "where was it received from", "what was it served to"
  void preposition() {
    if (!is_one_of(std::string(slot_name(focus_.slot)), {"ip", "host", "place", "port", "path", "none"}))
      return;
    const auto fits = [](std::string_view text) {
      return is_one_of(text, {"from", "to", "by", "on", "at", "von", "aus"});
    };
    std::size_t last = tokens_.size() - 1;
    if (last == wh_ && last > 0) --last;  // "is added to what"
    std::string found;
    if (wh_ > 0 && fits(word(wh_ - 1))) found = word(wh_ - 1);
    if (last > wh_ || wh_ == tokens_.size() - 1) {
      if (fits(word(last))) found = word(last);
    }
    if (found.empty()) return;
    focus_.near = is_one_of(found, {"von", "aus"}) ? "from" : found;
    if (focus_.slot == Slot::kNone) focus_.slot = Slot::kWord;
  }

  std::span<const QuestionToken> tokens_;
  std::vector<bool>& nouns_;
  std::size_t wh_ = 0;
  Focus focus_;
};

}  // namespace

Focus find_focus(std::span<const QuestionToken> tokens, std::vector<bool>& nouns) {
  return FocusFinder(tokens, nouns).find();
}

Slot slot_of_noun(std::string_view word) {
  const int rank = rank_of_noun(word);
  return rank < 0 ? Slot::kNone : kSlotNouns[static_cast<std::size_t>(rank)].slot;
}

bool is_plural_noun(std::string_view word) {
  return singular(word) != word || is_one_of(word, {"dateien", "pakete", "adressen"});
}

}  // namespace silt::answer
