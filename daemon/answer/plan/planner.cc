#include "daemon/answer/plan/planner.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "daemon/answer/language/words.h"
#include "daemon/answer/plan/follow.h"
#include "daemon/answer/plan/source_choice.h"
#include "daemon/answer/plan/source_planner.h"
#include "daemon/answer/plan/thesaurus.h"

namespace silt::answer::plan {
namespace {

using language::Reading;

language::TimeContext time_for(const PlanContext& context, const search::Profile& profile) {
  language::TimeContext out = context.time;
  if (context.last) out.asked = context.last->window;
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
    if (word.text.size() < 3 || word.taken == language::Taken::kFiller || word.taken == language::Taken::kOperation) continue;
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
  return true;
}

}  // namespace

namespace {

// The whole question, and what it is about, without the slips that are known.
std::vector<std::string> texts_of(const Reading& reading) {
  std::vector<std::string> said;
  for (const language::QuestionWord& word : reading.words) {
    const std::string mended = word.taken == language::Taken::kNo ? Thesaurus::standard().mended(word.text) : std::string();
    said.push_back(mended.empty() ? word.raw : mended);
  }
  const auto join = [](std::string& text, const std::string& word) { text += (text.empty() ? "" : " ") + word; };
  std::string question, topic;
  for (const std::string& word : said) join(question, word);
  for (const std::size_t i : reading.topic) join(topic, language::lower(said[i]));
  std::vector<std::string> texts = {std::move(question)};
  if (!topic.empty()) texts.push_back(std::move(topic));
  return texts;
}

}  // namespace

std::vector<float> nearness(TopicScorer* scorer, const Reading& reading, const search::Profile& profile) {
  return scorer == nullptr ? std::vector<float>() : scorer->score(texts_of(reading), profile);
}

void fill_near(Candidate& candidate, const search::Profiles& scope, TopicScorer* scorer) {
  if (scorer == nullptr || candidate.asked.empty() || candidate.sources.size() != 1) return;
  const search::Profile& profile = *scope[candidate.sources.front()];
  const TopicMatches matches = match_topic(candidate.subject, profile, kMatchesMost, scorer->score(candidate.asked, profile));
  candidate.near = near_patterns(matches, candidate.sources.front());
  candidate.asked.clear();
}

namespace {

// Whether what is near can be said of nine tenths of the patterns that have vectors in the end.
bool is_known(const std::vector<float>& near) {
  constexpr std::size_t kEncodedMost = 4096;
  const auto known = std::count_if(near.begin(), near.end(), [](float each) { return !std::isnan(each); });
  return static_cast<std::size_t>(known) * 10 >= std::min(near.size(), kEncodedMost) * 9;
}

SourceView look(Reading reading, const PlanContext& context, std::size_t index) {
  const search::Profile& profile = *context.scope[index];
  SourceView out;
  out.source = index;
  out.reading = std::make_unique<Reading>(std::move(reading));
  // Of a single log meaning only shows what else is near (fill_near): most answers need it not.
  const bool several = context.scope.size() > 1, text = profile.layout.kind == search::Layout::Kind::kProse;
  if (several || text) out.near = nearness(context.scorer, *out.reading, profile);
  const std::size_t values = out.reading->values.size();
  out.names = take_names(*out.reading, profile);
  out.named_values = values - out.reading->values.size();
  drop_scope(*out.reading);
  for (const auto& other : context.scope) {
    if (context.scoped && other.get() != &profile) take_names(*out.reading, *other);
  }
  // A text that is partly encoded would win over other sources by the passages that are.
  const bool partly = several && text && !is_known(out.near);
  out.planner = std::make_unique<SourcePlanner>(*out.reading, profile, index, partly ? std::vector<float>() : out.near);
  return out;
}

}  // namespace

std::vector<Candidate> make_plans(const std::string& question, const PlanContext& context) {
  std::vector<SourceView> views;
  std::optional<Reading> timeless;  // reads the same for all sources
  for (std::size_t i = 0; i < context.scope.size(); ++i) {
    Reading reading = timeless ? *timeless : language::read_question(question, time_for(context, *context.scope[i]));
    if (reading.windows.empty()) timeless = reading;
    views.push_back(look(std::move(reading), context, i));
  }
  if (views.size() > 1) note_signs(views, context.scope);
  std::stable_sort(views.begin(), views.end(), [](const SourceView& a, const SourceView& b) { return odds_before(a.signs) > odds_before(b.signs); });
  if (views.size() > context.tried_max) views.resize(context.tried_max);
  std::vector<Candidate> out;
  for (SourceView& view : views) {
    out.push_back(view.planner->plan());
    if (context.last && goes_on(*view.reading)) go_on(*context.last, *view.reading, out.back());
    out.back().signs = view.signs;
    if (view.near.empty()) out.back().asked = texts_of(*view.reading);
    out.back().impossible = view.reading->impossible;
  }
  if (!out.empty() && join_sources(out.front(), context, *views.front().reading)) out.resize(1);
  return out;
}

}  // namespace silt::answer::plan
