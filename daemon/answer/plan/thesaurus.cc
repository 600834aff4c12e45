#include "daemon/answer/plan/thesaurus.h"

#include <algorithm>

#include "daemon/answer/language/words.h"
#include "daemon/answer/tables.h"

namespace silt::answer::plan {
namespace {

std::vector<std::string_view> split(std::string_view text, std::string_view mark) {
  std::vector<std::string_view> out;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(mark, begin), text.size());
    std::string_view part = text.substr(begin, end - begin);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) out.push_back(part);
    begin = end + mark.size();
  }
  return out;
}

Stems stems_of(std::string_view phrase) {
  Stems out;
  language::for_each_word(phrase, [&](std::string_view word, std::size_t) {
    out.push_back(language::stem(language::lower(word)));
  });
  return out;
}

}  // namespace

const Thesaurus& Thesaurus::standard() {
  static const Thesaurus thesaurus(kThesaurusTsv);
  return thesaurus;
}

const Thesaurus& Thesaurus::kinds() {
  static const Thesaurus thesaurus(kKindsTsv);
  return thesaurus;
}

Thesaurus::Thesaurus(std::string_view tsv) {
  for (const std::string_view line : split(tsv, "\n")) {
    if (line.starts_with('#')) continue;
    const auto sides = split(line, "=>");
    const std::size_t group = groups_.size();
    std::vector<Stems>& members = groups_.emplace_back();
    for (const std::string_view phrase : split(sides.back(), ",")) members.push_back(stems_of(phrase));
    for (const std::string_view side : sides) {
      language::for_each_word(side, [&](std::string_view word, std::size_t) { words_.emplace(language::lower(word)); });
    }
    for (const std::string_view phrase : split(sides.front(), ",")) {
      const Stems stems = stems_of(phrase);
      if (!stems.empty()) by_first_[stems.front()].push_back({stems, group});
    }
  }
}

std::string Thesaurus::mended(const std::string& word) const {
  const int limit = language::typo_limit(word.size());
  if (word.size() < 6 || words_.contains(word)) return {};
  std::string best;
  int least = limit + 1;
  for (const std::string& known : words_) {
    if (known.size() < 5 || known[0] != word[0]) continue;
    const int distance = language::edits(word, known, limit);
    if (distance > least || (distance == least && known >= best)) continue;
    least = distance;
    best = known;
  }
  const bool inflection = !best.empty() && language::stem(best) == language::stem(word);
  return least <= limit && !inflection ? best : std::string();
}

std::vector<Thesaurus::Hit> Thesaurus::at(const std::vector<std::string>& stems, std::size_t at) const {
  std::vector<Hit> out;
  const auto found = by_first_.find(stems[at]);
  if (found == by_first_.end()) return out;
  for (const Entry& entry : found->second) {
    if (at + entry.phrase.size() > stems.size()) continue;
    if (!std::equal(entry.phrase.begin(), entry.phrase.end(), stems.begin() + static_cast<std::ptrdiff_t>(at))) continue;
    out.push_back({entry.phrase.size(), &groups_[entry.group]});
  }
  std::stable_sort(out.begin(), out.end(), [](const Hit& a, const Hit& b) { return a.length > b.length; });
  return out;
}

const std::vector<OperandConcept>& operand_concepts() {
  static const std::vector<OperandConcept> concepts = [] {
    std::vector<OperandConcept> out;
    for (const std::string_view line : split(kConceptsTsv, "\n")) {
      const auto columns = split(line, "\t");
      if (line.starts_with('#') || columns.size() < 4) continue;
      OperandConcept made;
      made.name = columns[0];
      for (const std::string_view phrase : split(columns[1], "|")) made.words.push_back(stems_of(phrase));
      for (const std::string_view slot : split(columns[2], "|")) made.slots.emplace_back(slot);
      for (const std::string_view kind : split(columns[3], "|")) made.kinds.emplace_back(kind);
      out.push_back(std::move(made));
    }
    return out;
  }();
  return concepts;
}

}  // namespace silt::answer::plan
