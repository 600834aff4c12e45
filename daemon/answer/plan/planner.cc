#include "daemon/answer/plan/planner.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <numeric>

#include "daemon/answer/language/words.h"
#include "daemon/answer/plan/follow.h"
#include "daemon/answer/plan/source_planner.h"

namespace silt::answer::plan {
namespace {

using language::Reading;

// What speaks for a source, in the unit of a rare word that it has.
constexpr float kMeaning = 12, kChance = 0.5F, kChanceOfWords = 0.3F, kComputedOfText = 1;

language::TimeContext time_for(const language::TimeContext& asker, const search::Profile& profile) {
  language::TimeContext out = asker;
  out.first_us = profile.first_us;
  out.last_us = profile.last_us;
  return out;
}

// "moodel.csv": one slip in a word of at least five letters that begins right.
bool is_slip_of_name(std::string_view name, const std::string& word) {
  bool out = false;
  language::for_each_word(name, [&](std::string_view part, std::size_t) {
    const std::string known = language::lower(part);
    out |= known.size() >= 5 && word.size() >= 5 && known != word && known[0] == word[0] && language::edits(word, known, 1) <= 1;
  });
  return out;
}

// Words of the question that name a source: "in OpenSSH_2k.log", "the android log". They are no topic.
// Returns which.
std::vector<std::size_t> take_names(Reading& reading, const search::Profile& profile) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < reading.words.size(); ++i) {
    const language::QuestionWord& word = reading.words[i];
    if (word.text.size() < 4 || word.taken == language::Taken::kFiller || word.taken == language::Taken::kOperation) continue;
    if (language::has_word(profile.name, word.text) || is_slip_of_name(profile.name, word.text)) out.push_back(i);
  }
  std::erase_if(reading.values, [&](const std::string& value) { return language::has_word(profile.name, language::lower(value)); });
  std::erase_if(reading.topic, [&](std::size_t i) { return std::find(out.begin(), out.end(), i) != out.end(); });
  return out;
}

// Words that say which log is meant, where the asker has named it: "in the controller log".
void drop_scope(Reading& reading) {
  const auto names = [&](std::size_t i) { return reading.words[i].scope; };
  std::erase_if(reading.topic, names);
  std::erase_if(reading.operand, names);
  std::erase_if(reading.measured, names);
}

// "Which of the two had more ...", "is it slower on average there than here": one query over all of the
// named sources, source by source.
bool join_sources(Candidate& candidate, const PlanContext& context, const Reading& reading) {
  const bool comparing = reading.comparing;
  const bool of_time = std::any_of(reading.words.begin(), reading.words.end(), [](const language::QuestionWord& word) {
    return word.text == "longer" || word.text == "slower" || word.text == "faster" || word.text == "quicker" || word.text == "time";
  });
  Query& query = candidate.query;
  const bool compares = query.op == Op::kCompare && !of_time && !query.other_window.bounded();
  const bool computes = comparing && (query.op == Op::kAverage || query.op == Op::kMax || query.op == Op::kMin || query.op == Op::kSum);
  if (!context.scoped || context.scope.size() < 2 || (!compares && !computes)) return false;
  if (computes && (query.operand.empty() || !std::all_of(context.scope.begin(), context.scope.end(), [&](const auto& profile) {
        return profile->slot(query.operand) != nullptr;
      })))
    return false;
  if (compares) query.op = Op::kTop;
  query.group = "source";
  candidate.sources.clear();
  query.sources.clear();
  for (std::size_t i = 0; i < context.scope.size(); ++i) {
    candidate.sources.push_back(i);
    query.sources.push_back(context.scope[i]->name);
  }
  candidate.margin = candidate.fit = 1;
  return true;
}

// Whether the source has the identifiers that the question names.
std::size_t values_in(const Reading& reading, const search::Profile& profile) {
  std::size_t hits = 0;
  for (const std::string& value : reading.values) {
    hits += std::any_of(profile.slots.begin(), profile.slots.end(), [&](const search::SlotProfile& slot) { return slot.values.contains(value); }) ||
            profile.word_at.contains(language::lower(value));
  }
  return hits;
}

// A source means what the question does when its nearest patterns do, and when all of it is about such things.
float meaning_of(const std::vector<float>& near, const search::Profile& profile) {
  float sum = 0, weights = 0;
  std::vector<float> known;
  for (std::size_t i = 0; i < near.size(); ++i) {
    if (std::isnan(near[i])) continue;
    const float weight = std::log1p(static_cast<float>(profile.patterns[i].count));
    sum += weight * near[i];
    weights += weight;
    known.push_back(near[i]);
  }
  const bool most = known.size() * 10 >= near.size() * 9;
  if (known.empty() || weights <= 0 || !most) return 0;
  const std::size_t top = std::min<std::size_t>(3, known.size());
  std::partial_sort(known.begin(), known.begin() + static_cast<std::ptrdiff_t>(top), known.end(), std::greater<>());
  const float nearest = std::accumulate(known.begin(), known.begin() + static_cast<std::ptrdiff_t>(top), 0.0F) / static_cast<float>(top);
  return sum / weights + nearest;
}

// Numbers over lines are seldom asked of a text.
bool computes(Op op) {
  return op != Op::kList && op != Op::kExplain && op != Op::kExists && op != Op::kSummary;
}

struct Entry {
  float fitness = 0;
  float meaning = 0;  // 0: not known
  std::size_t index = 0;
  std::unique_ptr<Reading> reading;
  std::unique_ptr<SourcePlanner> planner;
  std::map<std::size_t, float> evidence;
  std::size_t values = 0;
};

// How well each source fits, but for rare words. Meanings are compared only when those of all sources are
// known: while vectors are still being made, a source that has them would win by that alone.
void fit(std::vector<Entry>& entries, const search::Profiles& scope) {
  const bool known = std::all_of(entries.begin(), entries.end(), [](const Entry& entry) { return entry.meaning > 0; });
  for (Entry& entry : entries) {
    const search::Profile& profile = *scope[entry.index];
    // In a source of many patterns something fits by chance.
    const float chance = (known ? kChance : kChanceOfWords) * std::log1p(static_cast<float>(profile.patterns.size()));
    const bool text = profile.layout.kind == search::Layout::Kind::kProse && computes(entry.reading->op());
    entry.fitness = entry.planner->likelihood() + (known ? kMeaning * entry.meaning : 0) - chance - (text ? kComputedOfText : 0);
  }
}

// A word weighs the more the fewer sources have it.
void weigh(std::vector<Entry>& entries) {
  std::map<std::size_t, float> having;
  float with_values = 0;
  for (const Entry& entry : entries) {
    for (const auto& [at, share] : entry.evidence) having[at] += share;
    with_values += entry.values > 0 ? 1 : 0;
  }
  const float all = static_cast<float>(entries.size());
  for (Entry& entry : entries) {
    for (const auto& [at, share] : entry.evidence) {
      const float rare = having[at] > 0 ? std::log(1 + all / having[at]) : 0;
      entry.fitness += share * rare * (entry.reading->words[at].light ? 0.5F : 1.0F);
    }
    if (entry.values > 0) entry.fitness += 2 * static_cast<float>(entry.values) * std::log(1 + all / with_values);
  }
}

}  // namespace

std::vector<float> nearness(TopicScorer* scorer, const Reading& reading, const search::Profile& profile) {
  if (scorer == nullptr) return {};
  std::string topic;
  for (const std::size_t i : reading.topic) topic += (topic.empty() ? "" : " ") + reading.words[i].text;
  std::vector<float> out = scorer->score(reading.question, profile);
  if (topic.empty()) return out;
  const std::vector<float> of_topic = scorer->score(topic, profile);
  for (std::size_t i = 0; i < out.size() && i < of_topic.size(); ++i) out[i] = (out[i] + of_topic[i]) / 2;
  return out;
}

std::vector<Candidate> make_plans(const std::string& question, const PlanContext& context) {
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < context.scope.size(); ++i) {
    const search::Profile& profile = *context.scope[i];
    Entry entry;
    entry.index = i;
    entry.reading = std::make_unique<Reading>(language::read_question(question, time_for(context.time, profile)));
    std::vector<float> near = nearness(context.scorer, *entry.reading, profile);
    entry.meaning = meaning_of(near, profile);
    const std::vector<std::size_t> names = take_names(*entry.reading, profile);
    if (context.scoped) drop_scope(*entry.reading);
    for (const auto& other : context.scope) {
      if (context.scoped && other.get() != &profile) take_names(*entry.reading, *other);
    }
    entry.planner = std::make_unique<SourcePlanner>(*entry.reading, profile, i, std::move(near));
    entry.evidence = entry.planner->evidence();
    for (const std::size_t at : names) entry.evidence[at] = 1.5F;
    entry.values = values_in(*entry.reading, profile);
    entries.push_back(std::move(entry));
  }
  fit(entries, context.scope);
  weigh(entries);
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.fitness > b.fitness; });
  const float best = entries.empty() ? 0 : entries[0].fitness, next = entries.size() > 1 ? entries[1].fitness : 0;
  if (entries.size() > 4) entries.resize(4);
  std::vector<Candidate> out;
  for (Entry& entry : entries) {
    out.push_back(entry.planner->plan());
    if (context.last && goes_on(*entry.reading)) go_on(*context.last, *entry.reading, out.back());
    out.back().fit = std::exp(entry.fitness - best);
    out.back().margin = context.scope.size() == 1 ? 1 : 1 - std::exp(next - best);
  }
  if (!out.empty() && join_sources(out.front(), context, *entries.front().reading)) out.resize(1);
  return out;
}

}  // namespace silt::answer::plan
