#include "daemon/answer/plan/source_planner.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <iterator>
#include <map>
#include <set>

#include "daemon/answer/language/words.h"
#include "daemon/answer/plan/thesaurus.h"
#include "daemon/answer/search/quantities.h"

namespace silt::answer::plan {
namespace {

using language::Reading;
using search::Profile;

constexpr std::size_t kNearShown = 5, kNearPassages = 12;
constexpr float kSaid = 0.6F;  // least factor of an alternative that is the word itself, near enough

bool has(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// A pattern's vector is that of its first record. Where records have no word in common it is of that one alone.
bool stands_for_all(const search::PatternProfile& pattern) {
  bool inside = false, word = false;
  for (const char c : pattern.text) {
    inside = c == '<' || (inside && c != '>');
    word |= !inside && std::isalpha(static_cast<unsigned char>(c)) != 0;
  }
  return word || pattern.count <= 1;
}

bool names_something(const Profile& profile, std::string_view word) {
  const std::string stem = language::stem(word);
  for (const OperandConcept& each : operand_concepts()) {
    for (const Stems& phrase : each.words) {
      if (each.name != "@noun" && !phrase.empty() && phrase.back() == stem) return true;
    }
  }
  return std::any_of(profile.slots.begin(), profile.slots.end(), [&](const search::SlotProfile& slot) {
    return slot.role != search::Role::kPlain && language::stem(slot.base()) == stem;
  });
}

}  // namespace

SourcePlanner::SourcePlanner(const Reading& reading, const Profile& profile, std::size_t index, std::vector<float> near)
    : reading_(reading), profile_(profile), near_(std::move(near)), topic_(topic_of(reading)) {
  out_.sources = {index};
  out_.query.sources = {profile.name};
  out_.query.op = reading.op();
  out_.query.window = language::intersect(reading.windows);
  out_.query.not_words = reading.not_words;
  prose_ = profile.layout.kind == search::Layout::Kind::kProse;
  // A field says as much as a word that few patterns have.
  field_weight_ = 0.75F * std::log(1 + 2 * (static_cast<float>(profile.patterns.size()) + 1));
  weight_.assign(topic_.words.size(), 0);
  got_.assign(topic_.words.size(), 0);
  split_topic();
  ground_values();
  matches_ = match_topic(pick(subject_), profile_, prose_ ? 4096 : kMatchesMost, near_);
  if (prose_) widen_prose();
  for (std::size_t i = 0; i < subject_.size(); ++i) weight_[subject_[i]] = matches_.weights[i];
}

std::map<std::size_t, float> SourcePlanner::words_held() const {
  std::map<std::size_t, float> out;
  for (std::size_t i = 0; i < subject_.size(); ++i) {
    float& share = out[topic_.words[subject_[i]].at];
    for (const PatternMatch& match : matches_.best) share = std::max(share, share_of(match, i));
  }
  for (const std::size_t t : fields_.taken) out[topic_.words[t].at] = 1;
  return out;
}

float SourcePlanner::held_together(const std::map<std::size_t, float>& weights) const {
  float best = 0;
  for (const PatternMatch& match : matches_.best) {
    float sum = 0;
    for (std::size_t i = 0; i < subject_.size(); ++i) sum += share_of(match, i) * weights.at(topic_.words[subject_[i]].at);
    // In a long text any word may turn up.
    const float length = static_cast<float>(profile_.patterns[match.pattern].text.size());
    best = std::max(best, sum / (1 + std::max(0.0F, length - 200) / 600));
  }
  return best;
}

float SourcePlanner::held_by_fields(const std::map<std::size_t, float>& weights) const {
  float sum = 0;
  for (const std::size_t t : fields_.taken) sum += weights.at(topic_.words[t].at);
  return sum;
}

// How much of the subject's word `i` the pattern has, 0 to 1.
float SourcePlanner::share_of(const PatternMatch& match, std::size_t i) const {
  return matches_.weights[i] > 0 ? std::min(1.0F, match.got[i] / matches_.weights[i]) : 0;
}

float SourcePlanner::operand_fit() const {
  if (operand_.empty()) return 0;
  OperandRequest request;
  request.profile = &profile_;
  for (const std::size_t t : operand_) request.words.push_back(topic_.words[t].text);
  request.unit = reading_.unit;
  request.who = reading_.who;
  request.where = reading_.where;
  return choose_operand(request).score;
}

bool SourcePlanner::is_outside() const {
  const Window window = language::intersect(reading_.windows);
  return window.until_us < profile_.first_us || window.since_us > profile_.last_us;
}

// Text is wrapped: what stands in the lines before and behind counts as well, a little less.
void SourcePlanner::widen_prose() {
  std::map<store::Seq, std::size_t> at;
  for (std::size_t i = 0; i < matches_.best.size(); ++i) {
    const auto& pattern = profile_.patterns[matches_.best[i].pattern];
    at[pattern.first_seq] = i;
    at.emplace(pattern.last_seq, i);
  }
  std::vector<PatternMatch> wide = matches_.best;
  float total = 0;
  for (const float weight : matches_.weights) total += weight;
  for (const auto& [seq, i] : at) {
    float score = 0;
    for (std::size_t t = 0; t < matches_.weights.size(); ++t) {
      for (store::Seq near = seq > 2 ? seq - 2 : 1; near <= seq + 2; ++near) {
        const auto found = at.find(near);
        if (found == at.end()) continue;
        const float less = near == seq ? 1.0F : near + 1 == seq || near == seq + 1 ? 0.6F : 0.35F;
        wide[i].got[t] = std::max(wide[i].got[t], less * matches_.best[found->second].got[t]);
      }
      score += wide[i].got[t];
    }
    wide[i].coverage = total > 0 ? score / total : 0;
    wide[i].score = wide[i].coverage;
  }
  add_meaning(wide);
  prefer_quantities(wide);
  std::stable_sort(wide.begin(), wide.end(), [](const PatternMatch& a, const PatternMatch& b) { return a.score > b.score; });
  matches_.best = std::move(wide);
}

// "After how many seconds ...": what says a number of them answers it rather.
void SourcePlanner::prefer_quantities(std::vector<PatternMatch>& passages) const {
  constexpr float kSaysIt = 0.2F;
  const auto wanted = search::read_unit(reading_.unit);
  if (!wanted) return;
  for (PatternMatch& passage : passages) {
    bool says = false;
    search::for_each_quantity(profile_.patterns[passage.pattern].example, [&](const search::Quantity& quantity, std::size_t) { says |= quantity.measure == wanted->measure; });
    if (says) passage.score += kSaysIt;
  }
}

// A text says things in words of its own: how near it means what is asked counts as much as the words.
void SourcePlanner::add_meaning(std::vector<PatternMatch>& passages) const {
  constexpr float kNear = 0.3F;  // least nearness of a passage without a word of the question
  if (near_.empty()) return;
  std::vector<bool> known(near_.size());
  for (PatternMatch& passage : passages) {
    known[passage.pattern] = true;
    if (near_[passage.pattern] > 0 && stands_for_all(profile_.patterns[passage.pattern])) passage.score += near_[passage.pattern];
  }
  for (std::uint32_t p = 0; p < near_.size(); ++p) {
    if (known[p] || !(near_[p] > kNear) || !stands_for_all(profile_.patterns[p])) continue;
    PatternMatch& added = passages.emplace_back();
    added.pattern = p;
    added.score = near_[p];
    added.got.assign(matches_.weights.size(), 0);
  }
}

Topic SourcePlanner::pick(const std::vector<std::size_t>& words) const {
  Topic out;
  for (const std::size_t i : words) out.words.push_back(topic_.words[i]);
  return out;
}

// Of "which app process died" the operand is "app process": up to the last word that names something.
void SourcePlanner::trim_operand() {
  operand_words_ = reading_.operand;
  std::size_t keep = std::min<std::size_t>(1, operand_words_.size());
  for (std::size_t n = operand_words_.size(); n > 0; --n) {
    if (!names_something(profile_, reading_.words[operand_words_[n - 1]].text)) continue;
    keep = n;
    break;
  }
  operand_words_.resize(keep);
}

void SourcePlanner::split_topic() {
  trim_operand();
  const std::set<std::size_t> operand(operand_words_.begin(), operand_words_.end());
  for (TopicWord& word : topic_.words) word.share = operand.contains(word.at) ? 0.4F : std::max(word.share, reading_.words[word.at].light ? 0.35F : 1.0F);
  fields_ = ground_fields(reading_, topic_, profile_);
  for (std::size_t t = 0; t < topic_.words.size(); ++t) {
    if (operand.contains(topic_.words[t].at)) {
      operand_.push_back(t);
    } else if (fields_.taken.contains(t)) {
      weight_[t] = got_[t] = field_weight_;
    } else if (!fields_.plain.contains(t)) {
      subject_.push_back(t);
    }
  }
}

// Identifiers and quoted text must be there as they are.
void SourcePlanner::ground_values() {
  out_.word_weights.clear();
  for (const std::string& value : reading_.values) {
    out_.query.words.push_back({language::lower(value)});
    out_.word_weights.push_back(field_weight_);
  }
  out_.firm_words = out_.query.words.size();
}

// What may stand for a word of the question and is only a value of some records ("zip" for "archive") says
// which pattern is meant, not which of its records: it goes when a word that was said is there.
std::vector<std::uint32_t> SourcePlanner::words_wanted(const PatternMatch& match, const std::vector<std::size_t>& words) const {
  const search::PatternProfile& pattern = profile_.patterns[match.pattern];
  const auto stands_for = [&](std::uint32_t w, float least) {
    const std::string stem = language::stem(profile_.words[w].text);
    return std::any_of(words.begin(), words.end(), [&](std::size_t t) {
      const auto& ways = topic_.words[t].alternatives;
      return std::any_of(ways.begin(), ways.end(), [&](const Alternative& way) { return way.factor >= least && has(way.stems, stem); });
    });
  };
  const auto said = [&](std::uint32_t w) { return stands_for(w, kSaid) || !stands_for(w, 0); };
  std::vector<std::uint32_t> out;
  for (const std::uint32_t w : match.words) {
    const auto at = pattern.word_at.find(w);
    const bool value = at != pattern.word_at.end() && !pattern.words[at->second].literal;
    if (!value || said(w)) out.push_back(w);
  }
  return std::any_of(out.begin(), out.end(), said) ? out : match.words;
}

// The words that records must hold to be as the match is. Of one thing that is named, "installed" is another
// event than "install" where the source says both.
Wording SourcePlanner::wording_of(const PatternMatch& match, const std::vector<std::size_t>& words) const {
  Wording out;
  std::set<std::uint32_t> stems;
  for (const std::uint32_t w : words_wanted(match, words)) {
    const std::uint32_t stem = profile_.words[w].stem;
    if (!stems.insert(stem).second) continue;
    WordGroup group = {profile_.words[w].text};
    for (const std::uint32_t other : profile_.words_of_stem[stem]) {
      if (other != w) group.push_back(profile_.words[other].text);
    }
    float weight = 0;
    for (std::size_t i = 0; i < words.size(); ++i) {
      const std::string& said = topic_.words[words[i]].text;
      const bool direct = language::stem(said) == language::stem(profile_.words[w].text);
      weight = std::max(weight, match.got[i] * (direct ? 1.0F : 0.5F));
      if (direct && out_.firm_words > 0 && said.ends_with("ed") && has(group, said)) group = {said};
    }
    out.words.push_back(std::move(group));
    out.weights.push_back(weight);
  }
  return out;
}

// What else the question may mean, where nothing is found with the identifiers that it names.
void SourcePlanner::note_others() {
  constexpr std::size_t kMost = 6;
  constexpr float kLeast = 0.4F;  // of the best match
  const bool grounded = out_.ground == Ground::kPatterns && out_.query.words.size() > out_.firm_words && out_.query.patterns.empty();
  if (out_.firm_words == 0 || !grounded || is_span(out_.query) || matches_.best.empty()) return;
  const PatternMatch& best = matches_.best.front();
  for (const PatternMatch& match : matches_.best) {
    if (match.coverage < kLeast * best.coverage || out_.others.size() >= kMost) return;
    Wording wording = wording_of(match, subject_);
    const bool known = wording.words == wording_of(best, subject_).words ||
                       std::any_of(out_.others.begin(), out_.others.end(), [&](const Wording& other) { return other.words == wording.words; });
    if (known || wording.words.empty()) continue;
    wording.coverage = out_.coverage * match.coverage / best.coverage;
    out_.others.push_back(std::move(wording));
  }
}

void SourcePlanner::use_match(const PatternMatch& match, const TopicMatches& matches, const std::vector<std::size_t>& words) {
  if (prose_) {
    for (std::size_t i = 0; i < words.size(); ++i) got_[words[i]] = match.got[i];
    for (std::size_t i = 0; i < matches.best.size() && i < 3; ++i) {
      if (matches.best[i].score < 0.7F * match.score) break;
      out_.query.patterns.push_back(profile_.patterns[matches.best[i].pattern].id);
      chosen_.push_back(matches.best[i].pattern);
    }
    return;
  }
  const std::vector<std::uint32_t> wanted = words_wanted(match, words);
  Wording wording = wording_of(match, words);
  out_.query.words.insert(out_.query.words.end(), std::make_move_iterator(wording.words.begin()), std::make_move_iterator(wording.words.end()));
  out_.word_weights.insert(out_.word_weights.end(), wording.weights.begin(), wording.weights.end());
  join_phrases(profile_.patterns[match.pattern].example, words);
  for (std::size_t i = 0; i < words.size(); ++i) {
    got_[words[i]] = match.got[i];
  }
  for (const PatternMatch& other : matches.best) {
    const bool all = std::all_of(wanted.begin(), wanted.end(), [&](std::uint32_t w) {
      return std::any_of(other.words.begin(), other.words.end(), [&](std::uint32_t o) { return profile_.words[o].stem == profile_.words[w].stem; });
    });
    if (all) chosen_.push_back(other.pattern);
  }
}

// Whether a word of the question is held by this word of the query alone.
bool SourcePlanner::holds_alone(const std::string& word, const std::vector<std::size_t>& words) const {
  const auto says = [](const TopicWord& topic, const std::string& stem) {
    return std::any_of(topic.alternatives.begin(), topic.alternatives.end(), [&](const Alternative& way) { return has(way.stems, stem); });
  };
  const std::string stem = language::stem(word);
  return std::any_of(words.begin(), words.end(), [&](std::size_t t) {
    const TopicWord& topic = topic_.words[t];
    return says(topic, stem) && std::none_of(out_.query.words.begin(), out_.query.words.end(), [&](const WordGroup& group) {
             const std::string other = language::stem(group.front());
             return other != stem && says(topic, other);
           });
  });
}

// Small words mean something next to another only: "screen on", "link down", "not responding". Where
// they stand next to none of the query's words they go, unless nothing else says what they do: "is DOWN".
void SourcePlanner::join_phrases(const std::string& example, const std::vector<std::size_t>& words) {
  static const std::set<std::string> kSmall = {"on", "off", "up", "down", "out", "in", "not", "by", "of", "to", "is", "with", "for", "was"};
  auto& groups = out_.query.words;
  for (std::size_t i = groups.size(); i-- > out_.firm_words;) {
    const std::string small = groups[i].front();
    if (!kSmall.contains(small) || groups.size() < 2) continue;
    const bool alone = holds_alone(small, words);
    const WordGroup said = groups[i];
    const float weight = out_.word_weights[i];
    groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(i));
    out_.word_weights.erase(out_.word_weights.begin() + static_cast<std::ptrdiff_t>(i));
    bool joined = false;
    for (WordGroup& group : groups) {
      WordGroup phrases;
      for (const std::string& word : group) {
        for (const std::string& phrase : {word + " " + small, small + " " + word}) {
          if (language::has_word(example, phrase)) phrases.push_back(phrase);
        }
      }
      joined |= !phrases.empty();
      if (!phrases.empty()) group = phrases;
    }
    if (joined || !alone) continue;
    groups.insert(groups.begin() + static_cast<std::ptrdiff_t>(i), said);
    out_.word_weights.insert(out_.word_weights.begin() + static_cast<std::ptrdiff_t>(i), weight);
  }
  for (std::size_t i = 1; i < reading_.words.size(); ++i) {  // "not responding"
    if (reading_.words[i - 1].text != "not") continue;
    for (WordGroup& group : groups) {
      for (std::string& word : group) {
        if (word == reading_.words[i].text && language::has_word(example, "not " + word)) word = "not " + word;
      }
    }
  }
}

std::vector<std::uint32_t> SourcePlanner::patterns_in_scope() const {
  return chosen_;
}

OperandChoice SourcePlanner::operand_for(OperandUse use) const {
  OperandRequest request;
  request.profile = &profile_;
  request.patterns = patterns_in_scope();
  for (const std::size_t i : operand_words_) request.words.push_back(reading_.words[i].text);
  for (const std::size_t i : reading_.topic) {
    const std::string& text = reading_.words[i].text;
    if (!has(request.words, text)) request.other_words.push_back(text);
  }
  request.use = use;
  request.unit = reading_.unit;
  request.who = reading_.who;
  request.where = reading_.where;
  request.from_where = reading_.from_where;
  request.hints = reading_.hints;
  request.varied = out_.query.op == Op::kTop || out_.query.op == Op::kBottom;
  return choose_operand(request);
}

// Coverage: what share of the question's weight the query holds.
void SourcePlanner::measure() {
  float all = 0, got = 0;
  for (std::size_t t = 0; t < topic_.words.size(); ++t) {
    all += weight_[t];
    got += std::min(got_[t], weight_[t]);
    if (weight_[t] > 0 && got_[t] <= 0) out_.lost.push_back(topic_.words[t].text);
  }
  for (std::size_t t = 0; t < topic_.words.size(); ++t) {
    out_.state_lost |= weight_[t] > 0 && got_[t] <= 0 && reading_.words[topic_.words[t].at].decisive;
  }
  static const std::vector<std::string> kRecords = {"log", "logs", "event", "events", "message", "messages", "line", "lines", "file", "files", "report", "reports"};
  const bool records = !reading_.operand.empty() && has(kRecords, reading_.words[reading_.operand.back()].text);
  out_.asked_lost = (reading_.who || !reading_.operand.empty()) && out_.query.operand.empty() && !records;
  out_.value_alone = !reading_.values.empty() && all > 0 && got <= 0;
  all += field_weight_ * static_cast<float>(reading_.values.size());  // each is in the query
  got += field_weight_ * static_cast<float>(reading_.values.size());
  all += field_weight_ * static_cast<float>(fields_.numbers.size());
  got += field_weight_ * static_cast<float>(fields_.numbers.size());
  out_.soft_tests = fields_.numbers;
  for (const std::string& number : fields_.lost) {
    all += field_weight_;
    out_.lost.push_back(number);
  }
  if (!fields_.lost.empty()) got *= 0.5F;  // a number that is nowhere: what was asked about did not happen
  // A summary or a list of oddities needs no topic.
  const bool story = out_.query.op == Op::kSummary || out_.query.op == Op::kNew || out_.query.op == Op::kGap;
  out_.coverage = all > 0 ? got / all : 1;
  out_.weight = all;
  // Where only words are lost that mostly are no topic, the operation is what was asked.
  const bool light_only = got <= 0 && std::all_of(topic_.words.begin(), topic_.words.end(), [&](const TopicWord& word) {
    return reading_.words[word.at].light || weight_[static_cast<std::size_t>(&word - topic_.words.data())] <= 0;
  });
  const bool computes = out_.query.op == Op::kTop || out_.query.op == Op::kBottom || out_.query.op == Op::kDistinct || out_.query.op == Op::kGap ||
                        out_.query.op == Op::kSum || out_.query.op == Op::kAverage || out_.query.op == Op::kTrend || out_.query.op == Op::kHistogram || out_.query.op == Op::kExplain;
  if (light_only && computes && fields_.lost.empty() && reading_.ops.front().strength >= 70) out_.coverage = std::max(out_.coverage, 0.6F);
  if (story && out_.ground == Ground::kAll) out_.coverage = std::max(out_.coverage, 0.7F);
}

std::vector<NearPattern> near_patterns(const TopicMatches& matches, std::size_t source) {
  std::map<std::uint32_t, float> scores;
  for (const PatternMatch& match : matches.best) scores[match.pattern] = match.score;
  std::vector<NearPattern> out;
  for (const std::uint32_t pattern : matches.nearest) {
    if (out.size() < kNearShown) out.push_back({source, pattern, scores[pattern]});
  }
  return out;
}

// What a reply shows that claims nothing. Of a text, the passages that fit best.
void SourcePlanner::note_near() {
  out_.subject = pick(subject_);
  if (!prose_) {
    out_.near = near_patterns(matches_, out_.sources[0]);
    return;
  }
  for (const PatternMatch& match : matches_.best) {
    if (out_.near.size() < kNearPassages) out_.near.push_back({out_.sources[0], match.pattern, match.score});
  }
}

Candidate SourcePlanner::plan() {
  out_.query.tests = fields_.tests;
  ground_words();
  shape();
  if (!is_span(out_.query)) {  // whose words are settled
    for (const std::string& slot : fields_.numbers) claim(slot);
  }
  if (!operand_.empty() && out_.query.operand.empty()) give_back_operand();
  else if (claimed_) rematch();
  exclude_negated();
  narrow_to_column();
  note_near();
  for (const TopicWord& word : topic_.words) {
    if (prose_) out_.prose_words.push_back(word.text);
  }
  measure();
  note_others();
  return std::move(out_);
}

// Whether the phrase stands in the question, over its word `at`: "story |points|".
bool SourcePlanner::says_phrase(const Stems& phrase, std::size_t at) const {
  for (std::size_t k = 0; k < phrase.size() && k <= at; ++k) {
    bool same = at - k + phrase.size() <= reading_.words.size();
    for (std::size_t i = 0; same && i < phrase.size(); ++i) same = language::stem(reading_.words[at - k + i].text) == phrase[i];
    if (same) return true;
  }
  return false;
}

// "story points" for "storypoint": two words of the question, one behind the other, written as one.
bool SourcePlanner::in_compound(std::size_t t, std::string_view name) const {
  const std::size_t at = topic_.words[t].at;
  const auto joined = [&](std::size_t first) {
    return first + 1 < reading_.words.size() &&
           language::stem(reading_.words[first].text + reading_.words[first + 1].text) == language::stem(language::lower(name));
  };
  return joined(at) || (at > 0 && joined(at - 1));
}

// Words that name the slot are held by it: they need not stand in the records.
void SourcePlanner::claim(const std::string& key) {
  const search::SlotProfile* slot = profile_.slot(key);
  if (slot == nullptr) return;
  std::erase_if(subject_, [&](std::size_t t) {
    const std::string stem = language::stem(topic_.words[t].text);
    const std::string& text = topic_.words[t].text;
    bool named = text == "value" || text == "values" || text == "field" || text == "column" || stem == language::stem(slot->base()) || in_compound(t, slot->base()) || (slot->role == search::Role::kPlain && stem == language::stem(slot->after));
    language::for_each_word(slot->base(), [&](std::string_view part, std::size_t) { named |= part.size() > 2 && language::stem(language::lower(part)) == stem; });
    for (const OperandConcept& each : operand_concepts()) {
      if (each.name == "@noun" || !has(each.slots, slot->base())) continue;
      named |= std::any_of(each.slots.begin(), each.slots.end(), [&](const std::string& other) { return language::stem(other) == stem; });
      named |= std::any_of(each.words.begin(), each.words.end(), [&](const Stems& phrase) { return says_phrase(phrase, topic_.words[t].at); });
    }
    if (named) {
      weight_[t] = got_[t] = field_weight_ / 2;
      claimed_ = true;
    }
    return named;
  });
}

// No slot fits: then the operand's words are topic as well.
void SourcePlanner::give_back_operand() {
  for (const std::size_t t : operand_) {
    topic_.words[t].share = reading_.words[topic_.words[t].at].light ? 0.35F : 1.0F;
    weight_[t] = 0;
    if (!fields_.plain.contains(t) && std::find(subject_.begin(), subject_.end(), t) == subject_.end()) subject_.push_back(t);
  }
  std::sort(subject_.begin(), subject_.end());
  operand_.clear();
  rematch();
}

void SourcePlanner::rematch() {
  out_.query.words.clear();
  out_.query.patterns.clear();
  ground_values();
  chosen_.clear();
  matches_ = match_topic(pick(subject_), profile_, prose_ ? 4096 : kMatchesMost, near_);
  if (prose_) widen_prose();
  for (std::size_t i = 0; i < subject_.size(); ++i) {
    weight_[subject_[i]] = matches_.weights[i];
    got_[subject_[i]] = 0;
  }
  ground_words();
}

// The words of the pattern that fits best. Where something else holds the question already, and where
// all lines make sense, a pattern that is only near would cut away too much.
void SourcePlanner::ground_words() {
  if (subject_.empty() || matches_.best.empty()) {
    out_.ground = !out_.query.words.empty() ? Ground::kValue : !out_.query.tests.empty() ? Ground::kField : Ground::kAll;
    return;
  }
  const PatternMatch& best = matches_.best.front();
  const Op op = out_.query.op;
  const bool wide = op == Op::kGap || op == Op::kSummary || op == Op::kNew || op == Op::kHistogram;
  const float least = op == Op::kNew || op == Op::kSummary ? 2.0F : wide || !fields_.tests.empty() || !out_.query.tests.empty() ? 0.65F : 0.0F;
  // "What went wrong with the job?" asks for what went wrong, not for lines that say job.
  const bool vague = op == Op::kExplain && std::all_of(subject_.begin(), subject_.end(), [&](std::size_t t) { return reading_.words[topic_.words[t].at].light; });
  if (best.coverage > least && !vague) use_match(best, matches_, subject_);
  out_.ground = !out_.query.patterns.empty() ? Ground::kPatterns : !out_.query.words.empty() ? (chosen_.empty() ? Ground::kValue : Ground::kPatterns)
                : !fields_.tests.empty()  ? Ground::kField
                                          : Ground::kAll;
}

}  // namespace silt::answer::plan
