#include "daemon/answer/plan/planner.h"

#include <algorithm>
#include <memory>

#include "daemon/answer/language/words.h"
#include "daemon/answer/plan/source_planner.h"

namespace silt::answer::plan {
namespace {

using language::Reading;

language::TimeContext time_for(const language::TimeContext& asker, const search::Profile& profile) {
  language::TimeContext out = asker;
  out.first_us = profile.first_us;
  out.last_us = profile.last_us;
  return out;
}

// Words of the question that name a source: "in OpenSSH_2k.log", "the android log".
std::size_t name_hits(const Reading& reading, const search::Profile& profile) {
  std::size_t hits = 0;
  for (const language::QuestionWord& word : reading.words) {
    if (word.text.size() < 4 || word.taken == language::Taken::kFiller || word.taken == language::Taken::kOperation) continue;
    if (language::has_word(profile.name, word.text)) hits += word.text.find('.') != std::string::npos ? 4 : 1;
  }
  return hits;
}

// What only names the source is no topic.
void drop_names(Reading& reading, const search::Profile& profile) {
  std::erase_if(reading.values, [&](const std::string& value) { return language::has_word(profile.name, language::lower(value)); });
  std::erase_if(reading.topic, [&](std::size_t i) {
    const std::string& text = reading.words[i].text;
    if (text.size() < 4 || !language::has_word(profile.name, text)) return false;
    return true;
  });
}

}  // namespace

std::vector<Candidate> make_plans(const std::string& question, const PlanContext& context) {
  struct Entry {
    float fitness = 0;
    std::size_t index = 0;
    std::unique_ptr<Reading> reading;
    std::unique_ptr<SourcePlanner> planner;
  };
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < context.scope.size(); ++i) {
    const search::Profile& profile = *context.scope[i];
    Entry entry;
    entry.index = i;
    entry.reading = std::make_unique<Reading>(language::read_question(question, time_for(context.time, profile)));
    const std::size_t hits = name_hits(*entry.reading, profile);
    drop_names(*entry.reading, profile);
    entry.planner = std::make_unique<SourcePlanner>(*entry.reading, profile, i);
    entry.fitness = entry.planner->fitness() + 12 * static_cast<float>(hits);
    entries.push_back(std::move(entry));
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.fitness > b.fitness; });
  if (entries.size() > 3) entries.resize(3);
  std::vector<Candidate> out;
  for (Entry& entry : entries) out.push_back(entry.planner->plan());
  if (context.scoped && entries.size() > 1 && out.front().query.op == Op::kCompare && !out.front().query.other_window.bounded()) {
    Candidate& both = out.front();  // "which of the two machines got more ..."
    both.query.op = Op::kTop;
    both.query.group = "source";
    both.sources.clear();
    both.query.sources.clear();
    for (std::size_t i = 0; i < context.scope.size(); ++i) {
      both.sources.push_back(i);
      both.query.sources.push_back(context.scope[i]->name);
    }
  }
  return out;
}

}  // namespace silt::answer::plan
