#include "daemon/answer/language/reading.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "daemon/answer/language/frames.h"
#include "daemon/answer/language/one_of.h"
#include "daemon/answer/language/words.h"
#include "daemon/fold/scanner.h"

namespace silt::answer::language {
namespace {

using fold::TokenKind;

std::optional<Op> op_named(std::string_view name) {
  for (std::size_t i = 0; i < kOpNames.size(); ++i) {
    if (kOpNames[i] == name) return static_cast<Op>(i);
  }
  return std::nullopt;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// "warnings in the window manager's log?" is asked in no more words; more make a sentence.
constexpr std::size_t kNounPhraseMax = 10;

bool means_severity(std::string_view text) {
  return is_one_of(text, {"error", "errors", "warning", "warnings", "warn", "fatal", "critical", "severe", "info", "debug",
                          "fehler", "warnungen", "erreurs", "avertissements", "errores", "advertencias"});
}

std::optional<double> fraction(std::string_view text) {
  if (text == "half") return 0.5;
  if (text == "third") return 1.0 / 3;
  if (text == "quarter") return 0.25;
  if (text == "tenth") return 0.1;
  if (text == "hundredth") return 0.01;
  if (text == "thousandth") return 0.001;
  return std::nullopt;
}

class Reader {
 public:
  Reader(std::string_view question, const TimeContext& context) {
    reading_.question = question;
    reading_.words = cut_question(question, "en");
    reading_.language = Frames::standard().language_of(reading_.words);
    if (reading_.language != "en") reading_.words = cut_question(question, reading_.language);
    reading_.windows = take_times(reading_.words, context);
    reading_.impossible = impossible_times(reading_.words);
    split_hyphens();
    matches_ = Frames::standard().match(reading_.words, reading_.language);
    if (reading_.language != "en") {  // words of both languages meet in one question
      for (const FrameMatch& match : Frames::standard().match(reading_.words, "en")) matches_.push_back(match);
    }
  }

  Reading run() {
    take_values();
    take_bounds();
    take_unit();
    take_operations();
    take_percentile();
    take_negations();
    take_span();
    note_follow();
    mark_scope();
    take_operand();
    take_versus();
    take_filler();
    guess_operation();
    collect_topic();
    return std::move(reading_);
  }

 private:
  QuestionWord& word(std::size_t i) { return reading_.words[i]; }
  std::size_t size() const { return reading_.words.size(); }
  bool free(std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      if (word(i).taken != Taken::kNo) return false;
    }
    return true;
  }
  void take(std::size_t begin, std::size_t end, Taken as) {
    for (std::size_t i = begin; i < end && i < size(); ++i) word(i).taken = as;
  }

  void split_hyphens();
  void take_values();
  void take_unit();
  void take_percentile();
  void take_span();
  void note_follow();
  void mark_scope();
  std::string head_noun() const;
  std::optional<Bound> bound_at(std::size_t at, std::size_t& stop) const;
  void take_bounds();
  void take_negations();
  void take_operations();
  void take_operand();
  void take_operand_behind_operation();
  void take_operand_with_most(const OpGuess& guess);
  void take_versus();
  void take_filler();
  void guess_operation();
  void collect_topic();
  bool is_filler(std::size_t i) const;
  void note_bucket(std::string_view unit);
  std::size_t past_filler(std::size_t i) const;

  Reading reading_;
  std::vector<FrameMatch> matches_;
  std::vector<std::size_t> bucket_words_;
};

// "longest-lived" is said in two words, "blk_-12" and "ts-order-service" are names.
void Reader::split_hyphens() {
  for (std::size_t i = 0; i < reading_.words.size(); ++i) {
    const std::string raw = reading_.words[i].raw;
    const std::size_t hyphen = raw.find('-');
    if (hyphen == std::string::npos || hyphen == 0 || raw.find('-', hyphen + 1) != std::string::npos ||
        reading_.words[i].taken != Taken::kNo || raw.find_first_of("0123456789_./:\\") != std::string::npos ||
        !Frames::standard().is_operation_word(lower(raw.substr(0, hyphen))))
      continue;
    std::vector<QuestionWord> parts = cut_question(raw.substr(0, hyphen) + " " + raw.substr(hyphen + 1), reading_.language);
    if (parts.size() != 2) continue;
    parts[0].clause_start = reading_.words[i].clause_start;
    parts[1].clause_start = false;
    reading_.words[i] = parts[0];
    reading_.words.insert(reading_.words.begin() + static_cast<std::ptrdiff_t>(i) + 1, parts[1]);
  }
}

void Reader::take_values() {
  fold::ScannedLine scanned;
  for (QuestionWord& word : reading_.words) {
    if (word.taken != Taken::kNo) continue;
    if (word.quoted) {
      word.taken = Taken::kValue;
      reading_.values.push_back(word.raw);
      continue;
    }
    fold::scan_line(word.raw, scanned);
    const bool letters = std::any_of(word.text.begin(), word.text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    const bool digits = std::any_of(word.text.begin(), word.text.end(), [](char c) { return c >= '0' && c <= '9'; });
    const bool joined = word.text.find_first_of("-_./:@\\") != std::string::npos;
    const bool ordinal = word.text.size() <= 4 && digits &&
                         (word.text.ends_with("th") || word.text.ends_with("st") || word.text.ends_with("nd") ||
                          word.text.ends_with("rd") || word.text.ends_with("s"));
    bool typed = false;
    for (const fold::Token& token : scanned.tokens) {
      typed |= token.size() == word.raw.size() && token.kind != TokenKind::kWord && token.kind != TokenKind::kNumber &&
               token.kind != TokenKind::kTime && token.kind != TokenKind::kDuration && token.kind != TokenKind::kSize;
    }
    const bool path = typed && (word.raw.find('/') != std::string::npos || word.raw.find('\\') != std::string::npos);
    const bool slashed = path && !digits && word.raw.front() != '/' && word.raw.find(':') == std::string::npos;
    const bool dotted_digits = digits && !letters && word.text.find('.') != std::string::npos;
    if (ordinal || slashed || is_number(word.text)) continue;
    if (typed || (digits && letters && (joined || word.text.size() >= 4)) || (dotted_digits && word.text.size() > 4)) {
      word.taken = Taken::kValue;
      reading_.values.push_back(word.raw);
    }
  }
}

// The number at `at`, with its unit: "20", "95 percent", "half a second". Ends before word `stop`.
std::optional<Bound> Reader::bound_at(std::size_t at, std::size_t& stop) const {
  static const std::vector<std::string_view> kUnits = {
      "ms", "milliseconds", "s", "sec", "secs", "second", "seconds", "min", "minutes", "minute", "hours", "hour",
      "percent", "%", "kb", "mb", "gb", "kib", "mib", "gib", "bytes", "byte", "us", "microseconds", "ns",
      "sekunden", "minuten", "prozent", "degrees"};
  if (at >= size()) return std::nullopt;
  const auto text_at = [&](std::size_t i) { return i < size() ? std::string_view(reading_.words[i].text) : std::string_view(); };
  std::string text(text_at(at));
  text.erase(std::remove(text.begin(), text.end(), ','), text.end());
  Bound bound;
  bound.at = at;
  stop = at + 1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bound.number);
  if (error == std::errc()) {
    bound.unit = text.substr(static_cast<std::size_t>(end - text.data()));
  } else {
    if (const auto part = fraction(text)) {  // "half a second"
      bound.number = *part;
    } else if (is_one_of(text, {"a", "an", "one", "ein", "einer", "eine", "un", "une", "una"})) {
      const auto of = fraction(text_at(at + 1));  // "a tenth of a second"
      bound.number = of.value_or(1);
      stop += of ? 1 : 0;
    } else {
      return std::nullopt;
    }
    while (is_one_of(text_at(stop), {"of", "a", "an"})) ++stop;
  }
  if (bound.unit.empty() && std::find(kUnits.begin(), kUnits.end(), text_at(stop)) != kUnits.end()) bound.unit = text_at(stop++);
  if (error != std::errc() && bound.unit.empty()) return std::nullopt;
  return bound;
}

// "more than 20", "above 95 percent", "over a second", "20 or more", "warmer than 40 degrees"
void Reader::take_bounds() {
  for (const FrameMatch& match : matches_) {
    const std::string& what = match.frame->what;
    const bool known = what == "more" || what == "less" || what == "atleast" || what == "atmost";
    if (!known || !free(match.begin, match.end)) continue;
    const bool behind = match.frame->words[0] == "or";
    if (behind && match.begin == 0) continue;
    const std::size_t at = behind ? match.begin - 1 : match.end;
    std::size_t stop = 0;
    auto bound = bound_at(at, stop);
    if (!bound) continue;
    bound->compare = what == "more"      ? Compare::kMore
                     : what == "less"    ? Compare::kLess
                     : what == "atleast" ? Compare::kAtLeast
                                         : Compare::kAtMost;
    take(std::min(match.begin, at), std::max(match.end, stop), Taken::kCompare);
    reading_.bounds.push_back(*bound);
  }
  for (std::size_t i = 0; i + 2 < size(); ++i) {
    const std::string& text = word(i).text;
    if (word(i + 1).text != "than" || !text.ends_with("er") || !free(i, i + 3)) continue;
    std::size_t stop = 0;
    auto bound = bound_at(i + 2, stop);
    if (!bound) continue;
    const bool less = is_one_of(text, {"colder", "cooler", "younger", "earlier", "newer", "nearer", "cheaper", "lighter", "quicker", "thinner", "weaker"});
    bound->compare = less ? Compare::kLess : Compare::kMore;
    reading_.hints.push_back(text);
    take(i, stop, Taken::kCompare);
    reading_.bounds.push_back(*bound);
  }
}

bool Reader::is_filler(std::size_t i) const {
  return std::any_of(matches_.begin(), matches_.end(), [&](const FrameMatch& match) {
    return match.frame->what == "filler" && match.begin <= i && i < match.end;
  });
}

std::size_t Reader::past_filler(std::size_t i) const {
  while (i < size() && is_filler(i)) ++i;
  return i;
}

// "not for root", "except 10.0.0.1"
void Reader::take_negations() {
  for (const FrameMatch& match : matches_) {
    const bool set_apart = match.frame->what == "apart" && !reading_.ops.empty() && reading_.ops.front().op == Op::kNew;
    if ((match.frame->what != "not" && !set_apart) || (!free(match.begin, match.end) && !set_apart)) continue;
    std::size_t at = past_filler(match.end);
    while (set_apart && at < size() && word(at).light) at = past_filler(at + 1);
    if (at >= size() || (word(at).taken != Taken::kNo && word(at).taken != Taken::kValue)) continue;
    if (word(at).taken == Taken::kValue) std::erase(reading_.values, word(at).raw);
    reading_.not_words.push_back(word(at).text);
    take(match.begin, at + 1, Taken::kNegated);
  }
}

void Reader::note_bucket(std::string_view unit) {
  if (reading_.bucket.empty()) reading_.bucket = unit;
}

void Reader::take_operations() {
  std::vector<std::pair<std::size_t, std::size_t>> held;
  const auto overlaps = [&](const FrameMatch& match) {
    return std::any_of(held.begin(), held.end(),
                       [&](const auto& span) { return match.begin < span.second && match.end > span.first; });
  };
  for (const FrameMatch& match : matches_) {
    const auto op = op_named(match.frame->what);
    if (match.frame->what.starts_with("unit:") && free(match.begin, match.end)) {
      note_bucket(match.frame->what.substr(5));
      static const std::vector<std::string_view> kAsking = {"which", "what", "during", "in", "on", "busiest", "welche", "welcher", "an", "quel", "quelle", "qu\xc3\xa9"};
      reading_.bucket_asked |= std::find(kAsking.begin(), kAsking.end(), match.frame->words[0]) != kAsking.end();
      for (std::size_t i = match.begin; i < match.end; ++i) bucket_words_.push_back(i);
    }
    if (!op || !free(match.begin, match.end) || overlaps(match)) continue;
    const bool at_most = match.begin > 0 && word(match.begin - 1).text == "at" && match.frame->words == std::vector<std::string>{"most"};
    if (at_most) continue;
    held.emplace_back(match.begin, match.end);
    static const std::vector<std::string_view> kFrequent = {"often", "common", "frequent", "frequently", "popular", "rarest", "mostly", "noisiest", "busiest"};
    reading_.frequent |= std::find(kFrequent.begin(), kFrequent.end(), match.frame->words.back()) != kFrequent.end();
    OpGuess guess{*op, match.frame->strength + static_cast<int>(match.end - match.begin), match.begin, match.end};
    if (*op == Op::kRate && (match.frame->words[0] == "percent" || match.frame->words.back().starts_with("percent") ||
                             is_one_of(match.frame->words.back(), {"share", "fraction", "proportion", "prozent", "of", "pourcentage", "porcentaje", "anteil", "percent", "percentage"})))
      reading_.share = match.frame->words != std::vector<std::string>{"rate", "of"};
    if (*op == Op::kDuration && match.end - match.begin == 3 && match.frame->words[1] == "many")
      reading_.unit = match.frame->words[2];
    const bool ranks = *op == Op::kMax || *op == Op::kMin || *op == Op::kTop || *op == Op::kBottom;
    if (ranks) reading_.hints.insert(reading_.hints.end(), match.frame->words.begin(), match.frame->words.end());
    reading_.ops.push_back(guess);
  }
  std::stable_sort(reading_.ops.begin(), reading_.ops.end(),
                   [](const OpGuess& a, const OpGuess& b) { return a.strength > b.strength; });
  for (const OpGuess& guess : reading_.ops) {
    reading_.asks_time |= guess.op == Op::kWhen;
    const bool noun = guess.end - guess.begin == 1 && guess.op == Op::kDuration && guess.op != reading_.ops.front().op;
    if (!noun) take(guess.begin, guess.end, Taken::kOperation);
  }
}

// The words behind "which", up to a word that can be no part of a name.
void Reader::take_operand() {
  for (const FrameMatch& match : matches_) {
    const std::string& what = match.frame->what;
    if (what == "who" && word(match.begin).taken != Taken::kTime) reading_.who = true;
    if (what == "where") {
      reading_.where = true;
      reading_.from_where |= match.frame->words.size() > 1 && (match.frame->words[0] == "from" || match.frame->words[1] == "from");
    }
    if (what != "which" || !reading_.operand.empty()) continue;
    const bool time_only = word(match.begin).taken == Taken::kTime;
    if (time_only) continue;
    if (match.frame->words.back() == "of" && free(match.begin, match.end)) take(match.begin, match.end, Taken::kOperation);
    std::size_t at = match.end;
    while (at + 2 < size() && word(at + 1).text == "of" && is_one_of(word(at).text, {"type", "types", "kind", "kinds", "sort", "sorts"})) {
      take(at, at + 2, Taken::kOperation);
      at += 2;
    }
    while (at < size() && is_one_of(word(at).text, {"the", "of", "different", "distinct", "unique", "other", "is", "are", "was", "were"})) {
      const bool verb = is_one_of(word(at).text, {"is", "are", "was", "were"});
      if (verb && match.frame->words[0] != "what") break;
      ++at;
    }
    for (; at < size() && reading_.operand.size() < 3; ++at) {
      const bool noun = is_one_of(word(at).text, {"event", "events", "file", "files", "report", "message", "messages"}) ||
                        (reading_.operand.empty() && is_one_of(word(at).text, {"log", "logs"}));
      if (word(at).taken != Taken::kNo || (is_filler(at) && !noun) || (!reading_.operand.empty() && word(at).clause_start)) break;
      reading_.operand.push_back(at);
    }
    reading_.operand_leads = !reading_.operand.empty();
  }
  take_operand_behind_operation();
}

// "noisiest component", "average request duration", "what is the most common estimate"
void Reader::take_operand_behind_operation() {
  if (reading_.ops.empty()) return;
  const OpGuess& guess = reading_.ops.front();
  std::size_t first = guess.end;
  if (first < size() && is_one_of(word(first).text, {"number", "count"})) {  // "highest number of attempts"
    ++first;
    while (first < size() && is_one_of(word(first).text, {"of", "the"})) ++first;
  }
  for (std::size_t at = first; guess.end > 0 && at < size() && reading_.measured.size() < 2; ++at) {
    if (word(at).taken != Taken::kNo || is_filler(at) || (at > first && word(at).clause_start)) break;
    reading_.measured.push_back(at);
  }
  take_operand_with_most(guess);
  if (!reading_.operand.empty()) return;
  const bool wants = guess.op == Op::kTop || guess.op == Op::kBottom || guess.op == Op::kMax || guess.op == Op::kMin ||
                     guess.op == Op::kDistinct || guess.op == Op::kAverage || guess.op == Op::kSum;
  if (wants) reading_.operand = reading_.measured;
}

// "who is the |caller| with the most failures", "the host having the fewest"
void Reader::take_operand_with_most(const OpGuess& guess) {
  const bool ranks = guess.op == Op::kTop || guess.op == Op::kBottom;
  if (!ranks || !reading_.operand.empty() || guess.begin < 2) return;
  std::size_t with = guess.begin - 1;
  if (word(with).text == "the" && with > 0) --with;
  if (!is_one_of(word(with).text, {"with", "having", "mit", "avec", "con"})) return;
  for (std::size_t at = with; at-- > 0 && reading_.operand.size() < 2;) {
    if (word(at).taken != Taken::kNo || is_filler(at)) break;
    reading_.operand.insert(reading_.operand.begin(), at);
    if (word(at).clause_start) break;
  }
  reading_.operand_leads = !reading_.operand.empty();
}

// "on the Monday or on the Wednesday", "broker 1 or 2"
void Reader::take_versus() {
  reading_.comparing = std::any_of(reading_.words.begin(), reading_.words.end(), [](const QuestionWord& w) {
    return is_one_of(w.text, {"more", "less", "fewer", "worse", "better", "faster", "slower", "bigger", "longer", "mehr",
                              "weniger", "plus", "moins", "menos", "higher", "lower", "greater"});
  });
  for (std::size_t i = 1; i + 1 < size(); ++i) {
    if (!is_one_of(word(i).text, {"or", "oder", "ou", "o"}) || word(i).taken != Taken::kNo) continue;
    const std::size_t right = past_filler(i + 1);
    if (right >= size()) continue;
    const bool times = word(i - 1).taken == Taken::kTime && word(right).taken == Taken::kTime && reading_.windows.size() >= 2;
    if (!reading_.comparing && !times) {  // "by key or password": either will do, so neither is asked for
      const bool severities = means_severity(word(i - 1).text) && means_severity(word(right).text);
      if (!severities && word(i - 1).taken == Taken::kNo && word(right).taken == Taken::kNo) {
        word(i - 1).taken = word(right).taken = Taken::kFiller;
      }
      continue;
    }
    reading_.ops.insert(reading_.ops.begin(), OpGuess{Op::kCompare, 96, i, i + 1});
    take(i, i + 1, Taken::kOperation);
    if (times) return;
    reading_.versus = {word(i - 1).text, word(right).text};
    return;
  }
}

// "in ms", "in seconds": how the answer is wanted.
void Reader::take_unit() {
  for (std::size_t i = 0; i + 1 < size(); ++i) {
    if (!is_one_of(word(i).text, {"in", "as", "en"}) || !free(i, i + 2)) continue;
    if (!is_one_of(word(i + 1).text, {"ms", "milliseconds", "msecs", "s", "sec", "secs", "seconds", "minutes", "hours", "us",
                                      "microseconds", "bytes", "kb", "mb", "gb", "sekunden", "minuten", "stunden", "secondes",
                                      "segundos", "minutos", "millisekunden", "octets"}))
      continue;
    reading_.unit = word(i + 1).text;
    take(i, i + 2, Taken::kOperation);
  }
}

// "95th percentile", "p99", "percentile 90", "median"
void Reader::take_percentile() {
  if (reading_.ops.empty() || reading_.ops.front().op != Op::kPercentile) return;
  const OpGuess& guess = reading_.ops.front();
  const std::size_t from = guess.begin > 0 ? guess.begin - 1 : 0;
  for (std::size_t i = from; i < size() && i < guess.end + 2; ++i) {
    std::string_view text = word(i).text;
    if (text == "median") reading_.percentile = 50;
    if (text.starts_with('p')) text.remove_prefix(1);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
    if (error != std::errc() || !is_one_of(rest, {"", "th", "st", "nd", "rd", "."})) continue;
    while (value > 100) value /= 10;  // p999
    reading_.percentile = value;
    take(i, i + 1, Taken::kOperation);
    std::erase(reading_.values, word(i).raw);
    return;
  }
}

// "how long from boot to ready", "time between request and reply"
void Reader::take_span() {
  const bool measures = std::any_of(reading_.ops.begin(), reading_.ops.end(), [](const OpGuess& guess) {
    return guess.op == Op::kDuration || guess.op == Op::kAverage || guess.op == Op::kMax || guess.op == Op::kMin ||
           guess.op == Op::kPercentile || guess.op == Op::kSum;
  });
  const auto says = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end && i < size(); ++i) {
      if (word(i).taken == Taken::kNo && !is_filler(i)) return true;
    }
    return false;
  };
  for (std::size_t i = 0; measures && i < size(); ++i) {
    if (word(i).taken == Taken::kTime || !is_one_of(word(i).text, {"between", "from", "zwischen", "von", "vom", "entre", "de", "desde"})) continue;
    for (std::size_t k = i + 2; k + 1 < size(); ++k) {
      if (word(k).taken != Taken::kNo || !is_one_of(word(k).text, {"and", "to", "until", "till", "und", "bis", "et", "\xc3\xa0", "y", "a", "hasta"})) continue;
      if (!says(i + 1, k) || !says(k + 1, size())) continue;
      reading_.span_from = i + 1;
      reading_.span_to = k + 1;
      take(i, i + 1, Taken::kOperation);
      take(k, k + 1, Taken::kOperation);
      return;
    }
  }
}

// "and for db3?" at the beginning, "how many of those" anywhere.
void Reader::note_follow() {
  for (const FrameMatch& match : matches_) {
    const std::string& what = match.frame->what;
    const bool begins = (what == "follow" || what == "narrow") && match.begin == 0;
    const bool refers = what == "refer";
    reading_.goes_on |= begins || refers;
    reading_.narrows |= refers || (begins && what == "narrow");
  }
}

// "in the controller log", "from the crash report": the words between say which log, not which lines.
void Reader::mark_scope() {
  constexpr std::size_t kMost = 3;
  for (std::size_t i = 1; i < size(); ++i) {
    if (!is_one_of(word(i).text, {"log", "logs", "logfile", "file", "export", "trace", "console", "report", "dump", "csv", "protokoll", "journal", "registro"})) continue;
    for (std::size_t n = 1; n <= kMost && n <= i; ++n) {
      const std::string& text = word(i - n).text;
      if (is_one_of(text, {"the", "this", "that", "our", "my", "your", "der", "dem", "das", "diesem", "le", "ce", "el", "este"}) ||
          is_one_of(text, {"in", "of", "from", "on", "im", "dans", "en"})) {
        for (std::size_t k = i - n + 1; k < i; ++k) word(k).scope = word(k).taken == Taken::kNo;
        break;
      }
      if (word(i - n).taken != Taken::kNo || word(i - n).clause_start) break;
    }
  }
}

// The noun that a question without a verb asks for: "|errors| of broker 2 in that hour?"
std::string Reader::head_noun() const {
  std::string head;
  for (std::size_t i = 0; i < size(); ++i) {
    const QuestionWord& each = reading_.words[i];
    const bool preposition = is_one_of(each.text, {"in", "on", "of", "from", "by", "for", "with", "about", "to", "at", "during", "between", "over", "than", "that", "without", "von", "im", "in", "mit", "dans", "sur", "avec", "en", "con"});
    if (!head.empty() && (preposition || each.clause_start)) break;
    if (each.taken == Taken::kNo || each.taken == Taken::kOperand) head = each.text;
  }
  return head;
}

void Reader::take_filler() {
  for (const std::size_t i : bucket_words_) {
    if (word(i).taken == Taken::kNo) word(i).taken = Taken::kFiller;
  }
  std::erase_if(reading_.operand, [&](std::size_t i) { return word(i).taken != Taken::kNo; });
  for (const FrameMatch& match : matches_) {
    if (match.frame->what == "light") word(match.begin).light = true;
    if (match.frame->what == "decisive") word(match.begin).decisive = true;
    if (match.frame->what != "filler") continue;
    if (!free(match.begin, match.end)) continue;
    take(match.begin, match.end, Taken::kFiller);
    for (std::size_t i = match.begin; match.end - match.begin > 1 && i < match.end; ++i) word(i).said_apart = true;
  }
}

void Reader::guess_operation() {
  // "Which process died, and at what time?" asks for the process; its line has the time.
  if (!reading_.ops.empty() && reading_.ops.front().op == Op::kWhen && reading_.operand_leads &&
      !reading_.operand.empty() && reading_.operand.front() < reading_.ops.front().begin)
    reading_.ops.insert(reading_.ops.begin(), OpGuess{Op::kList, 73, 0, 0});
  static const std::vector<std::string_view> kAux = {
      "did", "was", "were", "is", "are", "do", "does", "has", "have", "can", "will", "had", "could"};
  std::size_t first = 0;
  while (first < size() && is_one_of(word(first).text, {"so", "and", "ok", "hi", "hello", "please", "well"})) ++first;
  reading_.yes_no = first < size() && std::find(kAux.begin(), kAux.end(), word(first).text) != kAux.end() && reading_.language == "en";
  if (reading_.yes_no) reading_.ops.push_back({Op::kExists, 30, 0, 0});
  if (!reading_.ops.empty()) return;
  const std::string head = head_noun();
  const bool plural = head.size() > 3 && head.ends_with("s") && !head.ends_with("ss") && !head.ends_with("us");
  const bool asked = reading_.who || reading_.where;
  if (plural && size() <= kNounPhraseMax && !asked) {
    reading_.ops.push_back({Op::kCount, 25, 0, 0});
  } else {
    reading_.ops.push_back({Op::kList, 20, 0, 0});
  }
}

void Reader::collect_topic() {
  for (std::size_t i = 0; i < size(); ++i) {
    QuestionWord& each = word(i);
    if (each.taken != Taken::kNo || each.text.empty()) continue;
    const bool tens = each.text.size() == 4 && each.text.back() == 's' && is_number(each.text.substr(0, 3));  // "500s"
    if (is_number(each.text) || tens) {
      reading_.numbers.push_back(tens ? each.text.substr(0, 3) : each.text);
      each.taken = Taken::kValue;
      continue;
    }
    reading_.topic.push_back(i);
  }
}

}  // namespace

Reading read_question(std::string_view question, const TimeContext& context) {
  return Reader(question, context).run();
}

}  // namespace silt::answer::language
