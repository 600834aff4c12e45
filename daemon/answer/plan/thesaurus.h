// Thesaurus: words that mean the same to somebody on call, as data (thesaurus.tsv).
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace silt::answer::plan {

using Stems = std::vector<std::string>;

class Thesaurus {
 public:
  static const Thesaurus& standard();
  static const Thesaurus& kinds();  // what names of sources mean (kinds.tsv)
  explicit Thesaurus(std::string_view tsv);

  struct Hit {
    std::size_t length = 0;             // words of the question that it takes
    const std::vector<Stems>* others;   // what may stand for them in a log
  };
  // The word of the thesaurus that `word` is a slip of; empty: none, or it is one itself.
  std::string mended(const std::string& word) const;
  // Phrases that start at `stems[at]`, longest first.
  std::vector<Hit> at(const std::vector<std::string>& stems, std::size_t at) const;

 private:
  struct Entry {
    Stems phrase;
    std::size_t group;
  };
  std::vector<std::vector<Stems>> groups_;
  std::unordered_map<std::string, std::vector<Entry>> by_first_;
  std::unordered_set<std::string> words_;  // as written
};

// The columns of concepts.tsv.
struct OperandConcept {
  std::string name;
  std::vector<Stems> words;
  std::vector<std::string> slots;
  std::vector<std::string> kinds;
};
const std::vector<OperandConcept>& operand_concepts();

}  // namespace silt::answer::plan
