#include "daemon/answer/plan/fields.h"

#include <algorithm>

#include "daemon/answer/language/one_of.h"
#include "daemon/answer/language/time_words.h"
#include "daemon/answer/language/words.h"
#include "daemon/answer/plan/thesaurus.h"
#include "daemon/fold/severity.h"

namespace silt::answer::plan {
namespace {

using language::QuestionWord;
using language::Reading;
using search::Profile;
using search::Role;
using search::SlotProfile;

constexpr std::size_t kFewValues = 60;  // a slot with no more is one of categories

bool has(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// The severities that a word of a question means, as fold::severity_of names them.
std::vector<std::string> severities_meant(std::string_view word) {
  static const std::vector<std::pair<std::string_view, std::string_view>> kMeant = {
      {"errors", "ERROR"}, {"warnings", "WARNING"}, {"fatal", "FATAL"}, {"fatals", "FATAL"}, {"critical", "CRITICAL"}, {"severe", "SEVERE"},
      {"alerts", "ALERT"}, {"notices", "NOTICE"}, {"debug", "DEBUG"}, {"info", "INFO"}, {"trace", "TRACE"},
      {"error", "ERROR"}, {"warning", "WARNING"}, {"warn", "WARNING"}, {"alert", "ALERT"}, {"notice", "NOTICE"}, {"emergency", "EMERGENCY"},
      {"fehler", "ERROR"}, {"warnung", "WARNING"}, {"warnungen", "WARNING"}, {"erreur", "ERROR"}, {"erreurs", "ERROR"},
      {"d'erreurs", "ERROR"}, {"avertissements", "WARNING"}, {"errores", "ERROR"}, {"advertencias", "WARNING"}};
  for (const auto& [name, meant] : kMeant) {
    if (word == name) return {std::string(meant)};
  }
  // Who complains warns, at least.
  static const std::vector<std::string_view> kComplaints = {"complain", "complains", "complained", "complaining", "complaint", "complaints", "upset",
                                                            "unhappy", "grumble", "grumbles", "grumbling", "whine", "whines", "whining", "moan", "moaning",
                                                            "beschwert", "klagt", "plaint", "plaintes", "queja", "quejas"};
  if (std::find(kComplaints.begin(), kComplaints.end(), word) != kComplaints.end())
    return {"WARNING", "ERROR", "SEVERE", "FATAL", "CRITICAL", "ALERT", "EMERGENCY", "PANIC", "FAILURE"};
  for (const auto& [name, meant] : kMeant) {
    const int limit = name.size() < 6 ? 0 : name.size() < 8 ? 1 : 2;
    if (limit > 0 && word[0] == name[0] && language::edits(word, name, limit) <= limit) return {std::string(meant)};
  }
  return {};
}

class Grounder {
 public:
  Grounder(const Reading& reading, const Topic& topic, const Profile& profile)
      : reading_(reading), topic_(topic), profile_(profile) {}

  FieldGrounding run() {
    for (std::size_t t = 0; t < topic_.words.size(); ++t) {
      if (topic_.words[t].text.find(' ') != std::string::npos) continue;
      if (severity(t) || is_plain(t)) continue;
      note_named(t);
    }
    for (std::size_t t = 0; t < topic_.words.size(); ++t) {
      if (!out_.taken.contains(t) && !out_.plain.contains(t) && topic_.words[t].text.find(' ') == std::string::npos) value(t);
    }
    for (std::size_t t = 0; t < topic_.words.size(); ++t) {
      if (!out_.taken.contains(t)) number_alternative(t);
    }
    for (const std::string& number : reading_.numbers) this->number(number);
    for (std::size_t t = 0; t < topic_.words.size(); ++t) {
      if (!out_.taken.contains(t)) refusal(t);
    }
    empties();
    return std::move(out_);
  }

 private:
  bool severity(std::size_t t);
  bool is_plain(std::size_t t);
  void note_named(std::size_t t);
  void value(std::size_t t);
  void number_alternative(std::size_t t);
  const SlotProfile* status() const;
  void refusal(std::size_t t);
  void number(const std::string& text);
  void empties();
  bool mentioned(const SlotProfile& slot) const;
  std::uint64_t occurrences(const std::string& word) const;
  Test& test_of(const std::string& slot);

  const Reading& reading_;
  const Topic& topic_;
  const Profile& profile_;
  FieldGrounding out_;
};

Test& Grounder::test_of(const std::string& slot) {
  for (Test& test : out_.tests) {
    if (test.slot == slot) return test;
  }
  out_.tests.push_back({slot, Compare::kIs, {}, 0, ""});
  return out_.tests.back();
}

bool Grounder::severity(std::size_t t) {
  const SlotProfile* slot = profile_.slot("severity");
  if (slot == nullptr || slot->count * 10 < profile_.records) return false;
  std::vector<std::string> values;
  for (const std::string& meant : severities_meant(topic_.words[t].text)) {
    for (const auto& [value, count] : slot->values) {
      if (fold::severity_of(value) == meant) values.push_back(value);
    }
  }
  // Named alone, a level that no record has is an answer, too: there are none.
  const auto others = std::count_if(reading_.topic.begin(), reading_.topic.end(), [&](std::size_t i) {
    return severities_meant(reading_.words[i].text).empty() && !reading_.words[i].light && !reading_.words[i].scope;
  });
  const bool counts = reading_.op() == Op::kCount || reading_.op() == Op::kExists || reading_.op() == Op::kRate;
  if (values.empty() && counts && others == 0 && slot->count * 10 > profile_.records * 9 && !slot->values.empty()) {
    for (const std::string& meant : severities_meant(topic_.words[t].text)) values.push_back(meant);
  }
  if (values.empty()) return false;
  if (t > 0 && out_.taken.contains(t - 1) && out_.severity && topic_.words[t].at == topic_.words[t - 1].at + 1) {
    out_.taken.insert(t);  // "fatal errors" are the fatal ones
    return true;
  }
  std::sort(values.begin(), values.end());
  Test& test = test_of("severity");
  for (std::string& value : values) {
    if (!has(test.any, value)) test.any.push_back(std::move(value));
  }
  out_.taken.insert(t);
  out_.severity = true;
  return true;
}

// "requests" of an access log, "lines", "tickets": all records, no topic.
bool Grounder::is_plain(std::size_t t) {
  const std::string& text = topic_.words[t].text;
  if (out_.severity && (text == "level" || text == "levels" || text == "severity")) {
    out_.plain.insert(t);
    return true;
  }
  for (const OperandConcept& each : operand_concepts()) {
    if (each.name != "@noun") continue;
    const std::string stem = language::stem(text);
    const bool says = std::any_of(each.words.begin(), each.words.end(),
                                  [&](const Stems& phrase) { return phrase.size() == 1 && phrase[0] == stem; });
    if (!says) continue;
    const bool fits = std::any_of(each.slots.begin(), each.slots.end(), [&](const std::string& name) {
      const SlotProfile* slot = profile_.slot(name);
      if (name.starts_with('~')) return language::has_word(profile_.name, std::string_view(name).substr(1));
      return name == "*" || (slot != nullptr && slot->role == Role::kNamed && slot->count * 10 > profile_.records * 7);
    });
    if (!fits) continue;
    out_.plain.insert(t);
    if (!has(each.slots, "*")) out_.own_nouns.insert(t);
    return true;
  }
  return false;
}

void Grounder::note_named(std::size_t t) {
  const std::string stem = language::stem(topic_.words[t].text);
  for (const SlotProfile& slot : profile_.slots) {
    if (slot.role == Role::kPlain || slot.count * 50 < profile_.records) continue;
    bool named = language::stem(slot.base()) == stem;
    language::for_each_word(slot.name, [&](std::string_view part, std::size_t) { named |= language::stem(language::lower(part)) == stem && part.size() > 2; });
    if (named) out_.named.insert(t);
  }
}

std::uint64_t Grounder::occurrences(const std::string& word) const {
  const auto id = profile_.word_at.find(word);
  if (id == profile_.word_at.end()) return 0;
  std::uint64_t out = 0;
  for (const search::PatternProfile& pattern : profile_.patterns) {
    const auto at = pattern.word_at.find(id->second);
    if (at != pattern.word_at.end()) out += pattern.words[at->second].literal ? pattern.count : pattern.words[at->second].records;
  }
  return out;
}

bool Grounder::mentioned(const SlotProfile& slot) const {
  for (const QuestionWord& word : reading_.words) {
    const std::string stem = language::stem(word.text);
    if (language::stem(slot.base()) == stem) return true;
    for (const OperandConcept& each : operand_concepts()) {
      if (each.name == "@noun" || !has(each.slots, slot.name) || slot.role == Role::kPlain) continue;
      for (const Stems& phrase : each.words) {
        if (phrase.size() == 1 && phrase[0] == stem) return true;
      }
    }
  }
  return false;
}

// "kim" is a value of owner, "high" of priority: words that are categories of a named slot.
void Grounder::value(std::size_t t) {
  const std::string& text = topic_.words[t].text;
  if (text.size() < 2 || std::find(reading_.operand.begin(), reading_.operand.end(), topic_.words[t].at) != reading_.operand.end()) return;
  const SlotProfile* best = nullptr;
  std::string best_value;
  for (const SlotProfile& slot : profile_.slots) {
    if (slot.role != Role::kNamed || slot.overflow || slot.values.size() > kFewValues || slot.count * 3 < profile_.records) continue;
    for (const auto& [value, count] : slot.values) {
      if (language::lower(value) != text) continue;
      if (best != nullptr && !(mentioned(slot) && !mentioned(*best)) && best->count >= slot.count) continue;
      if (!mentioned(slot) && occurrences(text) * 10 > count * 13) continue;  // a word of other texts, too
      best = &slot;
      best_value = value;
    }
  }
  if (best == nullptr) return;
  test_of(best->name).any.push_back(best_value);
  out_.taken.insert(t);
}

// The slot of a server's replies: 200, 404, 503.
const SlotProfile* Grounder::status() const {
  for (const char* name : {"status", "status_code", "statuscode", "code", "response_code", "http_status"}) {
    const SlotProfile* slot = profile_.slot(name);
    if (slot != nullptr && slot->role != Role::kPlain) return slot;
  }
  return nullptr;
}

// A word that means a number in such logs: "not there" is status 404.
void Grounder::number_alternative(std::size_t t) {
  const SlotProfile* slot = status();
  if (slot == nullptr) return;
  for (const Alternative& alternative : topic_.words[t].alternatives) {
    if (alternative.stems.size() != 1 || !slot->values.contains(alternative.stems[0])) continue;
    Test& test = test_of(slot->name);
    if (!has(test.any, alternative.stems[0])) test.any.push_back(alternative.stems[0]);
    out_.taken.insert(t);
  }
}

// "Errors" and "failed requests" of a log of replies without severities: those from 400 on.
void Grounder::refusal(std::size_t t) {
  constexpr int kLeast = 100, kRefused = 400, kMost = 599;
  const std::vector<std::string> meant = severities_meant(topic_.words[t].text);
  const bool says = has(meant, "ERROR") || language::is_one_of(topic_.words[t].text, {"failed", "failing", "failure", "failures", "unsuccessful", "refused", "rejected"});
  const SlotProfile* severity = profile_.slot("severity");
  const SlotProfile* slot = status();
  if (!says || slot == nullptr || (severity != nullptr && severity->count * 10 > profile_.records)) return;
  const bool replies = slot->count * 10 > profile_.records * 9 && std::all_of(slot->values.begin(), slot->values.end(), [&](const auto& value) {
    const auto number = language::number(value.first);
    return number && *number >= kLeast && *number <= kMost;
  });
  if (!replies) return;
  const bool tested = std::any_of(out_.tests.begin(), out_.tests.end(), [&](const Test& test) { return test.slot == slot->name; });
  if (!tested) out_.tests.push_back({slot->name, Compare::kAtLeast, {}, kRefused, ""});
  out_.taken.insert(t);
}

void Grounder::number(const std::string& text) {
  const SlotProfile* best = nullptr;
  float best_score = 0;
  for (const SlotProfile& slot : profile_.slots) {
    const auto found = slot.values.find(text);
    if (found == slot.values.end() || slot.name == "pid" || slot.name == "thread") continue;
    float score = slot.role == Role::kNamed ? 1.0F : 0.5F;
    if (mentioned(slot)) score += 2;
    if (slot.name.find("status") != std::string::npos || slot.name.find("code") != std::string::npos) score += 0.5F;
    score += static_cast<float>(found->second) / static_cast<float>(profile_.records + 1);
    if (score <= best_score) continue;
    best_score = score;
    best = &slot;
  }
  if (best == nullptr) {
    out_.lost.push_back(text);
    return;
  }
  Test& test = test_of(best->name);
  if (!has(test.any, text)) test.any.push_back(text);
  if (!has(out_.numbers, best->name)) out_.numbers.push_back(best->name);
}

// "without an owner", "no description", "empty title"
void Grounder::empties() {
  for (std::size_t i = 0; i + 1 < reading_.words.size(); ++i) {
    const std::string& text = reading_.words[i].text;
    if (text != "no" && text != "without" && text != "empty" && text != "missing" && text != "ohne" && text != "sans" && text != "sin") continue;
    std::size_t at = i + 1;
    while (at < reading_.words.size() && (reading_.words[at].text == "a" || reading_.words[at].text == "an" || reading_.words[at].text == "the" || reading_.words[at].text == "any")) ++at;
    if (at >= reading_.words.size()) continue;
    const std::string stem = language::stem(reading_.words[at].text);
    for (const SlotProfile& slot : profile_.slots) {
      if (slot.role != Role::kNamed || language::stem(slot.base()) != stem || slot.count == profile_.records) continue;
      test_of(slot.name).any.push_back("");
      for (std::size_t t = 0; t < topic_.words.size(); ++t) {
        if (topic_.words[t].at == at || topic_.words[t].at == i) out_.taken.insert(t);
      }
    }
  }
}

}  // namespace

FieldGrounding ground_fields(const Reading& reading, const Topic& topic, const Profile& profile) {
  return Grounder(reading, topic, profile).run();
}

}  // namespace silt::answer::plan
