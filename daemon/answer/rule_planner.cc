#include "daemon/answer/rule_planner.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <optional>

#include "daemon/answer/focus.h"
#include "daemon/answer/question.h"
#include "daemon/answer/words.h"
#include "daemon/answer/names.h"

namespace silt::answer {
namespace {

constexpr std::int64_t kDayUs = 86'400'000'000;

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

class Planner {
 public:
  Planner(std::string_view question, const PlannerContext& context)
      : context_(context), tokens_(split_question(question)) {}

  QueryPlan make() {
    join_phrasal_verbs();
    take_sources();
    take_pattern();
    decide_kind();
    take_times_for_kind();
    take_limit();
    decide_slot();
    take_terms();
    settle();
    return std::move(plan_);
  }

 private:
  const std::string& word(std::size_t at) const {
    static const std::string kNothing;
    return at < tokens_.size() && tokens_[at].kind != QuestionTokenKind::kQuoted ? tokens_[at].lower
                                                                                 : kNothing;
  }
  // The words occur one after the other; where they start.
  std::optional<std::size_t> find(std::initializer_list<std::string_view> words) const {
    for (std::size_t at = 0; at + words.size() <= tokens_.size(); ++at) {
      std::size_t i = 0;
      for (const std::string_view wanted : words) {
        if (word(at + i) != wanted) break;
        ++i;
      }
      if (i == words.size()) return at;
    }
    return std::nullopt;
  }
  bool has(std::initializer_list<std::string_view> words) const { return find(words).has_value(); }
  bool take(std::initializer_list<std::string_view> words) {
    const auto at = find(words);
    if (!at) return false;
    for (std::size_t i = 0; i < words.size(); ++i) tokens_[*at + i].used = true;
    return true;
  }
  // Takes every occurrence of any of these single words; true when there was one.
  bool take_any(std::initializer_list<std::string_view> words) {
    bool found = false;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (tokens_[i].used || !is_one_of(word(i), words)) continue;
      tokens_[i].used = found = true;
    }
    return found;
  }

  void take_sources();
  void take_pattern();
  void decide_kind();
  bool is_explain();
  bool is_compare();
  bool is_digest();
  bool is_between();
  bool is_count();
  bool is_top();
  bool is_first_or_last();
  void take_times_for_kind();
  void take_limit();
  void join_phrasal_verbs();
  void decide_slot();
  void take_terms();
  void add_quoted(const QuestionToken& token);
  void add_identifier(const QuestionToken& token);
  void add_word(const QuestionToken& token, bool noun, bool alternative);
  bool names_a_user(std::size_t at) const;
  bool selects(const QuestionToken& token, bool noun) const;
  void settle();
  void settle_limit();

  const PlannerContext& context_;
  std::vector<QuestionToken> tokens_;
  QueryPlan plan_;
  Focus focus_;
  std::vector<bool> nouns_;        // tokens that name the focus
  bool limited_ = false;           // the question says how many
  bool distinct_ = false;          // count different values
  bool per_ = false;               // "... per user": the group is named
  std::size_t between_split_ = 0;  // the "and" of "between A and B"; 0: none
};

// "in auth.log", "from /var/log/dpkg.log", "source web": a token that is a source's name, its path's
// last component, or that without extension behind a word that says so.
void Planner::take_sources() {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const std::string& text = tokens_[i].lower;
    if (text.size() < 3 || (tokens_[i].kind == QuestionTokenKind::kWord && is_stop_word(text))) continue;
    const bool announced = i > 0 && is_one_of(word(i - 1), {"in", "from", "source", "log", "file", "aus"});
    bool found = false;
    for (const std::string& source : context_.sources) {
      const std::string name = lower_ascii(source);
      const std::string base = name.substr(name.find_last_of("/:") + 1);
      const bool whole =
          text == name || name.ends_with(":" + text) || (text == base && text.find('.') != std::string::npos);
      if (!whole && !(announced && text == base.substr(0, base.find('.')))) continue;
      plan_.sources.push_back(source);
      found = true;
    }
    if (found) {
      tokens_[i].used = true;
      if (i > 0 && is_one_of(word(i - 1), {"source", "log", "file"})) tokens_[i - 1].used = true;
    }
  }
}

void Planner::take_pattern() {
  for (std::size_t i = 0; i + 1 < tokens_.size(); ++i) {
    if (word(i) != "pattern") continue;
    std::string_view digits = word(i + 1);
    if (digits.starts_with("#")) digits.remove_prefix(1);
    PatternId id = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) continue;
    plan_.pattern = id;
    tokens_[i].used = tokens_[i + 1].used = true;
  }
}

bool Planner::is_explain() {
  if (take_any({"explain", "erkläre"})) {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (!is_one_of(word(i), {"record", "seq", "line", "#"})) continue;
      std::string_view digits = word(i + 1);
      if (digits.starts_with("#")) digits.remove_prefix(1);
      Seq seq = 0;
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seq);
      if (error != std::errc() || end != digits.data() + digits.size()) continue;
      plan_.seq = seq;
      tokens_[i].used = tokens_[i + 1].used = true;
    }
    return true;
  }
  return has({"why"}) && take_any({"surprising", "unusual", "anomalous", "suspicious", "strange"});
}

bool Planner::is_compare() {
  return take_any({"compare", "compared", "versus", "vs", "vergleiche"}) || take({"difference", "between"}) ||
         take({"what", "changed"}) || take({"what", "has", "changed"}) ||
         take({"was", "hat", "sich", "geändert"});
}

bool Planner::is_digest() {
  if (take_any({"digest", "summary", "summarize", "summarise", "overview", "zusammenfassung"})) return true;
  const bool news = take({"what", "is", "new"}) || take({"what's", "new"}) || take({"what", "new"}) ||
                    take({"what", "was", "new"}) || take({"anything", "new"}) ||
                    take({"was", "ist", "neu"}) || take({"was", "ist", "passiert"});
  const bool odd =
      !has({"most"}) && (has({"anything"}) || has({"what"}) || has({"something"})) &&
      take_any({"unusual", "surprising", "interesting", "strange", "suspicious", "weird", "abnormal"});
  return news || odd;
}

bool Planner::is_between() {
  const auto at = find({"between"});
  if (!at) return false;
  const auto range = TimeContext(context_.time);
  std::vector<QuestionToken> copy(tokens_.begin() + static_cast<std::ptrdiff_t>(*at), tokens_.end());
  if (take_times(copy, range).bounded() && copy.front().used) return false;  // two times
  for (std::size_t i = *at + 2; i + 1 < tokens_.size(); ++i) {
    if (word(i) != "and") continue;
    between_split_ = i;
    tokens_[*at].used = tokens_[i].used = true;
    return true;
  }
  return false;
}

bool Planner::is_count() {
  if (take({"how", "many", "times"}) || take({"how", "many"}) || take({"how", "often"}) ||
      take({"how", "much"}) || take({"number", "of", "times"}) || take({"total", "number", "of"}) ||
      take({"wie", "viele"}) || take({"wie", "oft"}) || take({"wieviele"}) || take_any({"anzahl"})) {
    distinct_ = take_any({"different", "distinct", "unique", "verschiedene"});
    return true;
  }
  if (!tokens_.empty() && word(0) == "count") {
    tokens_[0].used = true;
    return true;
  }
  for (std::size_t i = 0; i + 2 < tokens_.size(); ++i) {  // "what is the number of errors"
    if (word(i) != "number" || word(i + 1) != "of") continue;
    const std::size_t noun = word(i + 2) == "the" ? i + 3 : i + 2;
    if (!is_plural_noun(word(noun))) return false;
    tokens_[i].used = true;
    return true;
  }
  return false;
}

bool Planner::is_top() {
  if (has({"most", "recent"}) || has({"most", "recently"})) return false;
  if (take({"most", "frequent"}) || take({"most", "frequently"}) || take({"most", "common"}) ||
      take({"most", "often"}) || take_any({"busiest", "häufigsten", "häufigste", "meisten"})) {
    plan_.order = Order::kMost;
    return true;
  }
  if (take({"least", "frequent"}) || take({"least", "common"}) || take_any({"rarest", "fewest", "least"})) {
    plan_.order = Order::kLeast;
    return true;
  }
  if (has({"top"}) || (has({"most"}) && !has({"at", "most"}))) {
    take_any({"top", "most"});
    plan_.order = Order::kMost;
    return true;
  }
  for (std::size_t i = 0; i + 1 < tokens_.size(); ++i) {
    if (!is_one_of(word(i), {"per", "by", "pro"})) continue;
    const Slot slot = slot_of_noun(word(i + 1));
    if (slot == Slot::kNone || (word(i) == "by" && i + 2 < tokens_.size() && !is_stop_word(word(i + 2))))
      continue;
    plan_.slot = slot;
    per_ = true;
    plan_.order = Order::kMost;
    tokens_[i].used = tokens_[i + 1].used = true;
    take_any({"group", "grouped", "broken", "split", "count", "counts"});
    return true;
  }
  return false;
}

bool Planner::is_first_or_last() {
  if (take({"most", "recently"}) || take({"most", "recent"}) ||
      take_any({"latest", "newest", "zuletzt", "neueste"})) {
    plan_.kind = PlanKind::kLast;
    return true;
  }
  if (take_any({"first", "earliest", "oldest", "zuerst", "erste", "ersten"})) {
    plan_.kind = PlanKind::kFirst;
    return true;
  }
  for (std::size_t i = 0; i < tokens_.size(); ++i) {  // "last" was left over by the time expressions
    if (tokens_[i].used || !is_one_of(word(i), {"last", "letzte", "letzten"})) continue;
    tokens_[i].used = true;
    plan_.kind = PlanKind::kLast;
    return true;
  }
  const auto when = find({"when"});
  if (when && take_any({"start", "started", "begin", "began"})) {
    plan_.kind = PlanKind::kFirst;
    return true;
  }
  return false;
}

void Planner::decide_kind() {
  if (is_explain()) {
    plan_.kind = PlanKind::kExplain;
  } else if (is_compare()) {
    plan_.kind = PlanKind::kCompare;
  } else if (is_digest()) {
    plan_.kind = PlanKind::kDigest;
  } else if (is_between()) {
    plan_.kind = PlanKind::kBetween;
  } else if (is_count()) {
    // "how many packets were lost": a per-group count is a top list
    plan_.kind = is_top() ? PlanKind::kTop : PlanKind::kCount;
  } else if (is_top()) {
    plan_.kind = PlanKind::kTop;
  }
}

void Planner::take_times_for_kind() {
  if (plan_.kind == PlanKind::kCompare) {
    const std::vector<TimeRange> ranges = take_time_list(tokens_, context_.time);
    const std::int64_t now = context_.time.now_us;
    std::vector<QuestionToken> today = split_question("today yesterday");
    const std::vector<TimeRange> days = take_time_list(today, context_.time);
    plan_.time = ranges.empty() ? days[0] : ranges[0];
    if (ranges.size() > 1) {
      plan_.baseline = ranges[1];
      if (plan_.baseline.first_us > plan_.time.first_us) std::swap(plan_.baseline, plan_.time);
    } else if (ranges.empty()) {
      plan_.baseline = days[1];
    } else {  // the same length of time before it
      const std::int64_t last = plan_.time.last_us == TimeRange::kMax ? now : plan_.time.last_us;
      const std::int64_t first = plan_.time.first_us == TimeRange::kMin ? last - kDayUs : plan_.time.first_us;
      plan_.baseline = {first - std::max<std::int64_t>(last - first, 1), first - 1};
    }
    return;
  }
  plan_.time = take_times(tokens_, context_.time);
  if (plan_.kind == PlanKind::kFind) is_first_or_last();
}

void Planner::take_limit() {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const std::string& text = word(i);
    if (tokens_[i].used || text.empty() || text.size() > 3 || text.front() < '1' || text.front() > '9')
      continue;
    const bool after = i > 0 && is_one_of(word(i - 1), {"top", "last", "first", "latest", "the", "newest",
                                                        "letzten", "ersten", "show", "list"});
    const bool before = is_one_of(
        word(i + 1), {"most", "latest", "newest", "last", "first", "häufigsten", "least", "rarest"});
    if (!(after && (plan_.kind != PlanKind::kFind || word(i - 1) != "the")) && !before) continue;
    if (plan_.kind == PlanKind::kFind || plan_.kind == PlanKind::kCount) continue;
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) continue;
    plan_.limit = std::clamp(value, 1u, 1000u);
    tokens_[i].used = limited_ = true;
    return;
  }
}

// "log in", "logged on" and "log out" are one word each.
void Planner::join_phrasal_verbs() {
  for (std::size_t i = 0; i + 1 < tokens_.size(); ++i) {
    if (!is_one_of(word(i), {"log", "logs", "logged", "logging"})) continue;
    const bool in = is_one_of(word(i + 1), {"in", "on", "into"});
    if (!in && !is_one_of(word(i + 1), {"out", "off"})) continue;
    if (in && i > 0 && is_one_of(word(i - 1), {"the", "this", "that"})) continue;  // "in the log on Monday"
    tokens_[i].lower = in ? "login" : "logout";
    tokens_[i + 1].used = true;
  }
}

void Planner::decide_slot() {
  focus_ = find_focus(tokens_, nouns_);
  if (per_) return;
  plan_.slot = focus_.slot;
  plan_.near = focus_.near;
}

// "user chen", "account bob": a name, unless the word is one that questions use.
bool Planner::names_a_user(std::size_t at) const {
  if (at == 0 || !is_one_of(word(at - 1), {"user", "account", "username", "benutzer"})) return false;
  const std::string& text = word(at);
  if (nouns_[at - 1]) return false;  // "which user executed ..."
  return !is_stop_word(text) && !is_weak_word(text) && synonyms(text).empty() &&
         slot_of_noun(text) == Slot::kNone;
}

bool Planner::selects(const QuestionToken& token, bool noun) const {
  if (plan_.kind == PlanKind::kFind || plan_.kind == PlanKind::kExplain) return false;
  if (is_weak_word(token.lower)) return false;
  return !noun || !synonyms(token.lower).empty();  // "how many errors" must say "error"
}

void Planner::add_word(const QuestionToken& token, bool noun, bool alternative) {
  // A noun that names the slot finds its value by type, not by the word; "size" is in the record too.
  const Slot named = noun ? slot_of_noun(token.lower) : Slot::kNone;
  if (named != Slot::kNone && named != Slot::kPattern && named != Slot::kNumber) return;
  PlanTerm term{stem(token.lower), true, {}, {}};
  const std::string own = term.text;
  for (const std::string_view synonym : synonyms(token.lower)) {
    if (stem(synonym) != own) term.synonyms.push_back(stem(synonym));
  }
  auto& list = selects(token, noun) ? plan_.required : plan_.optional;
  if (alternative && !list.empty() && list.back().stemmed) {
    list.back().alternatives.push_back(std::move(term.text));
    return;
  }
  if (std::find(list.begin(), list.end(), term) == list.end()) list.push_back(std::move(term));
}

void Planner::add_identifier(const QuestionToken& token) {
  std::vector<std::string> terms;
  index_terms(token.raw, terms);
  if (terms.empty()) return;  // one character: too short for the index
  const auto whole = std::max_element(terms.begin(), terms.end(),
                                      [](const auto& a, const auto& b) { return a.size() < b.size(); });
  const bool small_number = whole->size() < 3 && whole->find_first_not_of("0123456789") == std::string::npos;
  PlanTerm term{*whole, false, {}, {}};
  auto& list = small_number && plan_.kind == PlanKind::kFind ? plan_.optional : plan_.required;
  if (std::find(list.begin(), list.end(), term) == list.end()) list.push_back(std::move(term));
}

void Planner::add_quoted(const QuestionToken& token) {
  std::vector<std::string> terms;
  index_terms(token.raw, terms);
  const bool whole = terms.size() == 1 && terms.front() == token.lower;
  // The two ends of a stretch are two records: no phrase is in both.
  if (!whole && between_split_ == 0) plan_.phrases.push_back(token.raw);
  for (std::string& term : terms) {
    if (token.lower.find(term) != std::string::npos)
      plan_.required.push_back({std::move(term), false, {}, {}});
  }
}

void Planner::take_terms() {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const QuestionToken& token = tokens_[i];
    if (between_split_ != 0 && i == between_split_) {
      std::swap(plan_.required, plan_.end_terms);  // collect the second half, swapped back in settle()
    }
    if (token.used) continue;
    if (token.kind == QuestionTokenKind::kQuoted) {
      add_quoted(token);
    } else if (token.kind == QuestionTokenKind::kIdentifier) {
      add_identifier(token);
    } else if (names_a_user(i)) {
      plan_.required.push_back({token.lower, false, {}, {}});
    } else if (token.lower.size() >= 2 && !is_stop_word(token.lower)) {
      add_word(token, nouns_[i], i > 0 && is_one_of(word(i - 1), {"or", "oder"}));
    }
  }
}

void Planner::settle() {
  if (between_split_ != 0) std::swap(plan_.required, plan_.end_terms);
  const bool no_terms =
      plan_.required.empty() && plan_.optional.empty() && plan_.phrases.empty() && !plan_.pattern;
  switch (plan_.kind) {
    case PlanKind::kFind:
      if (no_terms && (focus_.narrative || plan_.slot == Slot::kNone)) plan_.kind = PlanKind::kDigest;
      if (focus_.plural && plan_.kind == PlanKind::kFind) {
        plan_.kind = PlanKind::kTop;
        plan_.order = Order::kMost;
        // A list counts records, so its words select them.
        for (PlanTerm& term : plan_.optional) {
          if (!is_weak_word(term.text)) plan_.required.push_back(std::move(term));
        }
        plan_.optional.clear();
      }
      break;
    case PlanKind::kTop:
      if (plan_.slot == Slot::kNone || plan_.slot == Slot::kState || plan_.slot == Slot::kTime)
        plan_.slot = Slot::kPattern;
      break;
    case PlanKind::kCount:
      if (!(distinct_ || focus_.plural) || plan_.slot == Slot::kPattern || plan_.slot == Slot::kNumber ||
          plan_.slot == Slot::kTime) {
        plan_.slot = Slot::kNone;
      }
      plan_.near.clear();
      break;
    default: break;
  }
  const bool first_or_last = plan_.kind == PlanKind::kFirst || plan_.kind == PlanKind::kLast;
  if (plan_.kind != PlanKind::kFind && plan_.kind != PlanKind::kExplain && !first_or_last)
    plan_.optional.clear();
  if (plan_.kind == PlanKind::kDigest || plan_.kind == PlanKind::kCompare ||
      plan_.kind == PlanKind::kBetween || plan_.kind == PlanKind::kExplain ||
      (first_or_last && plan_.slot == Slot::kPattern)) {
    plan_.slot = Slot::kNone;
    plan_.near.clear();
  }
  // A digest without a time is of the last day.
  if (plan_.kind == PlanKind::kDigest && !plan_.time.bounded())
    plan_.time.first_us = context_.time.now_us - kDayUs;
  settle_limit();
}

void Planner::settle_limit() {
  if (limited_) return;
  const bool one = (plan_.kind == PlanKind::kTop && !focus_.plural && !per_) ||
                   plan_.kind == PlanKind::kExplain ||
                   ((plan_.kind == PlanKind::kFirst || plan_.kind == PlanKind::kLast) && !focus_.plural);
  const bool table =
      plan_.kind == PlanKind::kTop || plan_.kind == PlanKind::kDigest || plan_.kind == PlanKind::kCompare;
  plan_.limit = one ? 1 : table ? 10 : 5;
}

}  // namespace

QueryPlan plan_question(std::string_view question, const PlannerContext& context) {
  return Planner(question, context).make();
}

}  // namespace silt::answer
