#include "daemon/answer/plan/source_choice.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <string>

#include "daemon/answer/language/words.h"
#include "daemon/answer/plan/thesaurus.h"

namespace silt::answer::plan {
namespace {

using language::Reading;

// Numbers over lines are seldom asked of a text.
bool computes(Op op) {
  return op != Op::kList && op != Op::kExplain && op != Op::kExists && op != Op::kSummary;
}

// How many of the most frequent patterns of each source have vectors: the most that all of them have. A source
// that is further than others would win by that alone.
std::size_t depth_of_meaning(std::span<const SourceView> views, const std::vector<std::vector<std::uint32_t>>& order) {
  constexpr std::array<std::size_t, 5> kDepths = {4096, 256, 64, 32, 16};
  for (const std::size_t depth : kDepths) {
    const bool all = std::all_of(views.begin(), views.end(), [&](const SourceView& view) {
      const auto& frequent = order[static_cast<std::size_t>(&view - views.data())];
      const std::size_t most = std::min(depth, frequent.size());
      if (view.near.size() != frequent.size()) return false;
      const auto known = std::count_if(frequent.begin(), frequent.begin() + static_cast<std::ptrdiff_t>(most),
                                       [&](std::uint32_t p) { return !std::isnan(view.near[p]); });
      return static_cast<std::size_t>(known) * 10 >= most * 9;
    });
    if (all) return depth;
  }
  return 0;
}

void note_meaning(std::span<SourceView> views, const search::Profiles& scope) {
  constexpr std::size_t kNearest = 3;
  std::vector<std::vector<std::uint32_t>> order;  // most frequent first
  for (const SourceView& view : views) {
    const auto& patterns = scope[view.source]->patterns;
    std::vector<std::uint32_t>& frequent = order.emplace_back(patterns.size());
    std::iota(frequent.begin(), frequent.end(), 0U);
    std::stable_sort(frequent.begin(), frequent.end(), [&](std::uint32_t a, std::uint32_t b) { return patterns[a].count > patterns[b].count; });
  }
  const std::size_t depth = depth_of_meaning(views, order);
  for (std::size_t i = 0; i < views.size() && depth > 0; ++i) {
    std::vector<float> known;
    for (std::size_t k = 0; k < order[i].size() && k < depth; ++k) {
      if (const float near = views[i].near[order[i][k]]; !std::isnan(near)) known.push_back(near);
    }
    const std::size_t most = std::min(kNearest, known.size());
    std::partial_sort(known.begin(), known.begin() + static_cast<std::ptrdiff_t>(most), known.end(), std::greater<>());
    const float sum = std::accumulate(known.begin(), known.begin() + static_cast<std::ptrdiff_t>(most), 0.0F);
    of(views[i].signs, Sign::kMeaning) = most > 0 ? sum / static_cast<float>(most) : 0;
  }
}

// Identifiers of the question that the source has.
std::size_t values_in(const Reading& reading, const search::Profile& profile) {
  return static_cast<std::size_t>(std::count_if(reading.values.begin(), reading.values.end(), [&](const std::string& value) {
    return profile.word_at.contains(language::lower(value)) ||
           std::any_of(profile.slots.begin(), profile.slots.end(), [&](const search::SlotProfile& slot) { return slot.values.contains(value); });
  }));
}

// What few of the sources have says more.
float rarity(std::size_t sources, float having) {
  return std::log((static_cast<float>(sources) + 1) / (having + 0.5F));
}

using WordWeights = std::map<std::size_t, float>;  // by word of the question

// The sum of shares by word, then their rarities.
WordWeights rarities(std::span<const SourceView> views, const std::function<WordWeights(const SourceView&)>& shares) {
  WordWeights out;
  for (const SourceView& view : views) {
    for (const auto& [at, share] : shares(view)) out[at] += share;
  }
  for (auto& [at, weight] : out) weight = rarity(views.size(), weight) * (views.front().reading->words[at].light ? 0.4F : 1.0F);
  return out;
}

WordWeights ones(const std::vector<std::size_t>& words) {
  WordWeights out;
  for (const std::size_t at : words) out[at] = 1;
  return out;
}

// The stems of the source's name and of the programs that its records name.
std::set<std::string> names_of(const search::Profile& profile) {
  constexpr std::size_t kProgramsMax = 100;
  std::set<std::string> out;
  const auto add = [&](std::string_view text) {
    language::for_each_word(text, [&](std::string_view word, std::size_t) { out.insert(language::stem(language::lower(word))); });
  };
  add(profile.name);
  const search::SlotProfile* programs = profile.slot("program");
  if (programs == nullptr || programs->values.size() > kProgramsMax) return out;
  for (const auto& [program, count] : programs->values) add(program);
  return out;
}

// Words of the question for the kind of software that the source is of: "the |web server|" for an access_log.
std::vector<std::size_t> kind_words(const Reading& reading, const search::Profile& profile) {
  std::vector<std::string> stems;
  for (const language::QuestionWord& word : reading.words) stems.push_back(language::stem(word.text));
  const std::set<std::string> names = names_of(profile);
  const auto is_named = [&](const Stems& phrase) {
    return std::all_of(phrase.begin(), phrase.end(), [&](const std::string& stem) { return names.contains(stem); });
  };
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < stems.size(); ++i) {
    for (const Thesaurus::Hit& hit : Thesaurus::kinds().at(stems, i)) {
      if (!std::any_of(hit.others->begin(), hit.others->end(), is_named)) continue;
      out.push_back(i);
      break;
    }
  }
  return out;
}

}  // namespace

void note_signs(std::span<SourceView> views, const search::Profiles& scope) {
  if (views.empty()) return;
  const WordWeights rare_words = rarities(views, [](const SourceView& view) { return view.planner->words_held(); });
  for (SourceView& view : views) view.kinds = kind_words(*view.reading, *scope[view.source]);
  const WordWeights rare_names = rarities(views, [](const SourceView& view) { return ones(view.names); });
  const WordWeights rare_kinds = rarities(views, [](const SourceView& view) { return ones(view.kinds); });
  std::vector<std::size_t> values;
  for (const SourceView& view : views) values.push_back(view.named_values + values_in(*view.reading, *scope[view.source]));
  const auto with_values = std::count_if(values.begin(), values.end(), [](std::size_t n) { return n > 0; });
  for (SourceView& view : views) {
    Signs& signs = view.signs;
    const SourcePlanner& planner = *view.planner;
    const std::size_t has = values[static_cast<std::size_t>(&view - views.data())];
    of(signs, Sign::kTogether) = planner.held_together(rare_words);
    of(signs, Sign::kFields) = planner.held_by_fields(rare_words);
    of(signs, Sign::kNouns) = static_cast<float>(planner.fields().own_nouns.size());
    of(signs, Sign::kOperand) = planner.operand_fit();
    of(signs, Sign::kNumbers) = static_cast<float>(planner.fields().numbers.size()) - static_cast<float>(planner.fields().lost.size());
    for (const std::size_t at : view.names) of(signs, Sign::kName) += rare_names.at(at);
    for (const std::size_t at : view.kinds) of(signs, Sign::kKind) += rare_kinds.at(at);
    of(signs, Sign::kValues) = static_cast<float>(has) * rarity(views.size(), static_cast<float>(with_values));
    of(signs, Sign::kOutside) = planner.is_outside() ? 1 : 0;
    of(signs, Sign::kPatterns) = std::log1p(static_cast<float>(scope[view.source]->patterns.size()));
    of(signs, Sign::kComputed) = planner.is_text() && computes(view.reading->op()) ? 1 : 0;
  }
  note_meaning(views, scope);
}

}  // namespace silt::answer::plan
