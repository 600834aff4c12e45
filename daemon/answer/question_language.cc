#include "daemon/answer/question_language.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

#include "daemon/answer/question.h"
#include "daemon/answer/words.h"

namespace silt::answer {
namespace {

// Words stand between blanks. `clear` ones are of this language alone and count twice; the others may be of
// several, which each count them. No names, and no word that logs are full of.
struct Cues {
  std::string_view code;
  std::string_view clear;
  std::string_view words;
  std::string_view letters;   // '|' between them; a word that has any counts once
  std::string_view elisions;  // how words begin, '|' between them; count as clear words do
  std::string_view openers;   // marks before a question, '|' between them; count once, as a clear word
};

// In the order of Language.
constexpr std::array<Cues, 4> kCues = {{
    {"en", " how what which when who where why did does were the ",
     " was is are has have had of in on at to by for from with and or any all many last first most show "
     "list give tell me between since before after a an there ",
     "", "", ""},
    {"de",
     " wie wieviele wieviel viele wann wer wem wen warum wieso welche welcher welches welchen welchem "
     "wurde wurden zuletzt gab ",
     " was wo ist sind hat haben war waren der die das dem den des ein eine einen einer eines und oder "
     "von vom mit bei im in an am auf aus für fuer zu zum zur nach vor seit bis zwischen über Über um "
     "es gibt sich nicht kein keine alle letzte letzten letzter erste ersten erster zeig zeige fasse "
     "mir heute gestern meisten oft kam kamen ",
     "ä|ö|ü|ß", "", ""},
    {"fr",
     " combien quel quelle quels quelles quand où pourquoi est-ce ont été dernière dernier dernières "
     "derniers depuis hier aujourd'hui avec dans je tu nous vous ils ",
     " qui que quoi ou a de du des le la les un une et est sont au aux par pour sur en entre ce cette "
     "ces premier première plus fois tous toutes montre moi il y on dit dis sous quelque dis-moi a-t-il "
     "a-t-on ",
     "à|â|è|ê|ë|î|ï|ô|û|ç|œ|é|À|É", "l'|d'|s'|n'|j'|qu'|c'|l’|d’|s’|n’|j’|qu’|c’", ""},
    {"es",
     " cuántos cuántas cuánto cuánta cuantos cuantas cuándo cuando quién quien cuál cuáles cual qué "
     "dónde hay hubo fue fueron última último últimas últimos ayer hoy desde ",
     " que de del el la los las un una unos unas y o en con por para al es son se lo entre sobre este "
     "esta primer primera más veces todos todas dime muestra cómo hasta ",
     "á|é|í|ó|ú|ñ", "", "¿|¡"},
}};

bool lists(std::string_view words, const std::string& word) {
  return words.find(" " + word + " ") != std::string_view::npos;
}

// How many of the parts between '|' satisfy `test`.
template <class Test>
int count_parts(std::string_view parts, Test test) {
  int count = 0;
  while (!parts.empty()) {
    const std::size_t end = std::min(parts.find('|'), parts.size());
    count += test(parts.substr(0, end));
    parts.remove_prefix(std::min(end + 1, parts.size()));
  }
  return count;
}

constexpr int kClear = 2;  // what a clear word counts, and what a question needs

int points(const Cues& cues, const std::string& word) {
  const bool opened = count_parts(cues.elisions, [&](auto part) { return word.starts_with(part); }) > 0;
  if (opened || lists(cues.clear, word)) return kClear;
  const bool lettered =
      count_parts(cues.letters, [&](auto part) { return word.find(part) != word.npos; }) > 0;
  return lists(cues.words, word) || lettered ? 1 : 0;
}

// Tokens come without these marks. Behind a quotation mark they are of what is quoted, and say nothing.
bool starts_a_word(std::string_view mark, std::string_view question) {
  for (std::size_t at = question.find(mark); at != question.npos; at = question.find(mark, at + 1)) {
    if (at == 0 || question[at - 1] == ' ') return true;
  }
  return false;
}

}  // namespace

Language question_language(std::string_view question) {
  std::array<int, kCues.size()> sums{};
  for (std::size_t i = 0; i < kCues.size(); ++i) {
    if (count_parts(kCues[i].openers, [&](auto mark) { return starts_a_word(mark, question); }) > 0)
      sums[i] += kClear;
  }
  for (const QuestionToken& token : split_question(question)) {
    if (token.kind != QuestionTokenKind::kWord) continue;
    const std::string word = lower_ascii(token.raw);  // token.lower is spelt as English is
    for (std::size_t i = 0; i < kCues.size(); ++i) sums[i] += points(kCues[i], word);
  }
  std::size_t best = 0;
  bool alone = true;
  for (std::size_t i = 1; i < sums.size(); ++i) {
    if (sums[i] == sums[best]) alone = false;
    if (sums[i] > sums[best]) {
      best = i;
      alone = true;
    }
  }
  return alone && sums[best] >= kClear ? static_cast<Language>(best) : Language::kEnglish;
}

std::optional<Language> language_of_code(std::string_view code) {
  for (std::size_t i = 0; i < kCues.size(); ++i) {
    if (kCues[i].code == code) return static_cast<Language>(i);
  }
  return std::nullopt;
}

}  // namespace silt::answer
