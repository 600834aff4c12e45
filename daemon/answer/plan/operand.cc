#include "daemon/answer/plan/operand.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "daemon/answer/language/words.h"
#include "daemon/answer/plan/thesaurus.h"
#include "daemon/answer/search/quantity.h"

namespace silt::answer::plan {
namespace {

using search::Profile;
using search::SlotProfile;

bool has(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::vector<std::string> stems_of_name(std::string_view name) {
  std::vector<std::string> out;
  language::for_each_word(name, [&](std::string_view word, std::size_t) {
    out.push_back(language::stem(language::lower(word)));
  });
  return out;
}

// Concepts whose words stand in `stems`, the operand's phrase; longer phrases first.
std::vector<const OperandConcept*> concepts_of(const std::vector<std::string>& stems) {
  std::vector<std::pair<std::size_t, const OperandConcept*>> found;
  for (const OperandConcept& each : operand_concepts()) {
    std::size_t longest = 0;
    for (const Stems& phrase : each.words) {
      if (phrase.size() > longest && std::search(stems.begin(), stems.end(), phrase.begin(), phrase.end()) != stems.end())
        longest = phrase.size();
    }
    if (longest > 0 && each.name != "@noun") found.emplace_back(longest, &each);
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<const OperandConcept*> out;
  for (const auto& [length, each] : found) out.push_back(each);
  return out;
}

// "server |on| broker 1": words of the sentence, no values.
bool is_sentence(const SlotProfile& slot) {
  static const std::vector<std::string> kSmall = {"on", "in", "is", "was", "for", "to", "of", "the", "a", "an", "and", "by", "with", "from", "has", "not", "at", "are", "be", "as", "it", "that", "this", "will"};
  if (slot.role != search::Role::kPlain) return false;
  std::uint64_t small = 0, all = 0;
  for (const auto& [value, count] : slot.values) {
    all += count;
    if (has(kSmall, language::lower(value))) small += count;
  }
  return small * 2 > all;
}

constexpr float kFits = 0.3F;  // least score of a slot that is taken
constexpr float kSurelyNamed = 0.7F;
constexpr float kBelowHeadline = 0.7F;  // of records of many lines the first one says what matters

class Chooser {
 public:
  explicit Chooser(const OperandRequest& request) : request_(request), profile_(*request.profile) {
    for (const std::string& word : request.words) stems_.push_back(language::stem(word));
    for (const std::string& word : request.other_words) others_.push_back(language::stem(word));
    concepts_ = concepts_of(stems_);
    for (const OperandConcept& each : operand_concepts()) {
      if (request.who && (each.name == "user" || each.name == "ip")) implied_.push_back(&each);
      if (request.where && (each.name == "host" || (each.name == "path" && !request.from_where) || each.name == "ip")) implied_.push_back(&each);
    }
    std::vector<std::string> hints;
    for (const std::string& word : request.hints) hints.push_back(language::stem(word));
    hinted_ = concepts_of(hints);
    for (const std::uint32_t p : request.patterns) {
      records_ += profile_.patterns[p].seen;
      for (const auto& [slot, count] : profile_.patterns[p].slots) uses_[slot] += count;
    }
    if (request.patterns.empty()) {
      records_ = profile_.records;
      for (std::uint32_t s = 0; s < profile_.slots.size(); ++s) uses_[s] = profile_.slots[s].count;
    }
  }

  OperandChoice best() {
    OperandChoice out;
    for (const auto& [slot, uses] : uses_) {
      bool named = false;
      const float score = score_of(profile_.slots[slot], uses, named);
      if (score <= out.score) continue;
      out = {profile_.slots[slot].name, score, named};
    }
    if (out.score < kFits && request_.varied && !request_.patterns.empty()) only_variable(out);
    return out;
  }

 private:
  // "Rolled new log segment for |'test-5'|": the only thing in which such records differ, but for numbers.
  void only_variable(OperandChoice& out) const {
    constexpr float kAssumed = 0.4F;
    const SlotProfile* only = nullptr;
    for (const auto& [at, uses] : uses_) {
      const SlotProfile& slot = profile_.slots[at];
      const bool varies = slot.values.size() > 1 && uses * 10 >= records_ * 7 && !is_sentence(slot);
      const bool says = slot.role != search::Role::kHeader && slot.numbers * 2 < slot.count && slot.times * 2 < slot.count;
      if (!varies || !says) continue;
      if (only != nullptr) return;
      only = &slot;
    }
    if (only != nullptr) out = {only->name, kAssumed, false};
  }
  bool kind_fits(const SlotProfile& slot, const std::vector<std::string>& kinds) const {
    const std::uint64_t half = slot.count / 2;
    if (has(kinds, "ip") && slot.addresses > half) return true;
    if (has(kinds, "num") && slot.numbers > half) return true;
    if (has(kinds, "word") && slot.words > half) return true;
    if ((has(kinds, "time") || has(kinds, "dur")) && slot.times > half) return true;
    const bool other = slot.addresses <= half && slot.numbers <= half && slot.words <= half && slot.times <= half;
    return other && (has(kinds, "id") || has(kinds, "path") || has(kinds, "url") || has(kinds, "hex"));
  }
  float name_score(const SlotProfile& slot, const std::vector<std::string>& stems) const;
  float concept_score(const SlotProfile& slot, const OperandConcept& about) const;
  float value_score(const SlotProfile& slot) const;
  float score_of(const SlotProfile& slot, std::uint64_t uses, bool& named) const;

  const OperandRequest& request_;
  const Profile& profile_;
  std::vector<std::string> stems_, others_;
  std::vector<const OperandConcept*> concepts_, implied_, hinted_;
  std::map<std::uint32_t, std::uint64_t> uses_;
  std::uint64_t records_ = 0;
};

// "build id" for buildid, "story points" for storypoint.
bool says_together(const std::vector<std::string>& words, std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) plain += c;
  }
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string both = words[i] + words[i + 1];
    if (plain == both || plain + "s" == both || plain == both + "s") return true;
  }
  return false;
}

float Chooser::name_score(const SlotProfile& slot, const std::vector<std::string>& stems) const {
  float best = 0;
  const auto parts = stems_of_name(slot.base());
  if (&stems == &stems_ && says_together(request_.words, slot.base())) best = 1.1F;
  for (std::size_t i = 0; i < stems.size(); ++i) {
    if (stems[i] == language::stem(slot.base())) best = std::max(best, 1.0F);
    if (slot.role != search::Role::kPlain && slot.base() == stems[i] + "name") best = std::max(best, 1.05F);  // "which task": not its number
    if (has(parts, stems[i])) best = std::max(best, 0.8F);
    if (slot.role == search::Role::kPlain && stems[i] == language::stem(slot.after) && !slot.after.empty()) best = std::max(best, 0.7F);
    if (slot.role == search::Role::kPlain && stems[i] == language::stem(slot.before) && !slot.before.empty()) best = std::max(best, 0.5F);
  }
  return best;
}

float Chooser::concept_score(const SlotProfile& slot, const OperandConcept& about) const {
  const bool fits = kind_fits(slot, about.kinds);
  float best = 0;
  for (std::size_t i = 0; i < about.slots.size(); ++i) {
    if (about.slots[i] == slot.base() || (about.slots[i] == "#" && slot.name.starts_with('#') && slot.values.size() > 1)) best = std::max(best, 0.9F - 0.01F * static_cast<float>(i));
    else if (slot.role == search::Role::kPlain && slot.before == about.slots[i]) best = std::max(best, 0.65F);  // "temperature reading |29.6|"
    else if (slot.role != search::Role::kPlain && slot.name.ends_with(about.slots[i]) && about.slots[i].size() > 3) best = std::max(best, 0.6F);
  }
  const bool only_addresses = about.kinds.size() == 1 && about.kinds[0] == "ip";
  if (only_addresses) return fits ? std::max(best, 0.5F) : 0;
  return fits ? best : best * 0.5F;
}

// Values that carry the word in themselves: blk_123 for block, node-17 for node. What is within a path says little.
float Chooser::value_score(const SlotProfile& slot) const {
  if (stems_.empty()) return 0;
  std::size_t seen = 0, hits = 0;
  for (const auto& [value, count] : slot.values) {
    if (++seen > 40) break;
    if (value.find('/') != std::string::npos) continue;
    const auto parts = stems_of_name(value);
    hits += std::any_of(stems_.begin(), stems_.end(), [&](const std::string& stem) {
      return std::any_of(parts.begin(), parts.end(), [&](const std::string& part) {
        return part == stem || (part.size() >= 3 && stem.starts_with(part)) || (stem.size() >= 3 && part.size() > stem.size() && part.ends_with(stem));
      });
    });
  }
  return seen > 0 && hits * 2 > seen ? 0.65F : 0;
}

// "main.go:|87|" is no number of anything.
bool is_place_in_code(std::string_view name) {
  for (const std::string_view ending : {".go", ".c", ".cc", ".cpp", ".h", ".java", ".py", ".rs", ".js", ".rb", ".scala"}) {
    if (name.ends_with(ending)) return true;
  }
  return false;
}

float Chooser::score_of(const SlotProfile& slot, std::uint64_t uses, bool& named) const {
  if (is_sentence(slot)) return 0;
  if (slot.name.starts_with('#') && slot.values.size() < 2) return 0;
  if (request_.use == OperandUse::kNumber && is_place_in_code(slot.base())) return 0;
  float score = name_score(slot, stems_);
  for (std::size_t i = 0; i < concepts_.size(); ++i)
    score = std::max(score, concept_score(slot, *concepts_[i]) * (1 - 0.1F * static_cast<float>(i)));
  score = std::max(score, value_score(slot));
  if (stems_.empty() || concepts_.empty()) {
    for (const OperandConcept* each : implied_) score = std::max(score, 0.8F * concept_score(slot, *each));
  }
  named = score >= 0.45F;
  if (request_.use == OperandUse::kNumber) {
    if (slot.numbers * 2 < slot.count && slot.times * 2 < slot.count) return 0;
    score = std::max(score, 0.7F * name_score(slot, others_));
    float hinted = 0;
    for (const OperandConcept* each : hinted_) hinted = std::max(hinted, concept_score(slot, *each));
    if (!hinted_.empty() && hinted <= 0 && score < kSurelyNamed) score *= 0.5F;  // "biggest file": no timeout
    score = std::max(score, 0.6F * hinted);
    named = score >= 0.3F;
    const auto wanted = search::read_unit(request_.unit);
    const auto have = search::read_unit(slot.unit);
    if (wanted && have && wanted->measure == have->measure) score += 0.5F;
    else if (wanted) score *= have ? 0.4F : 0.5F;
    if (slot.values.size() < 2) score *= 0.5F;
    if (have) score += 0.05F;
  } else {
    score += score > 0 ? 0.15F * name_score(slot, others_) : 0;
    if (slot.values.size() < 2) score *= request_.varied ? 0.4F : score < 0.9F ? 0.8F : 1.0F;
  }
  if (slot.name == "pid" || slot.name == "thread") score *= 0.5F;
  if (slot.headlines * 2 < slot.count) score *= kBelowHeadline;
  const float share = records_ > 0 ? std::min(1.0F, static_cast<float>(uses) / static_cast<float>(records_)) : 0;
  return score * (0.4F + 0.6F * std::sqrt(share));
}

}  // namespace

OperandChoice choose_operand(const OperandRequest& request) {
  return Chooser(request).best();
}

}  // namespace silt::answer::plan
