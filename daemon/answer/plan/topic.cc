#include "daemon/answer/plan/topic.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "daemon/answer/language/one_of.h"
#include "daemon/answer/language/words.h"
#include "daemon/answer/plan/thesaurus.h"

namespace silt::answer::plan {
namespace {

using language::QuestionWord;
using language::Taken;
using search::Posting;
using search::Profile;

constexpr float kThesaurusFactor = 0.5F, kPhraseFactor = 0.85F, kPrefixFactor = 0.6F, kTypoFactor = 0.75F;
constexpr float kLight = 0.35F;
constexpr float kUnknownLight = 0.4F;  // and when it is mostly no topic
constexpr float kMeaning = 0.4F;  // of meaning against words, in standard deviations of both
constexpr std::size_t kNearest = 10;
constexpr float kUnknown = 0.7F;  // of the rarest word's weight: what a word weighs that the source does not have

// A word of a question may be written in parts: stop-the-world, insertHiHealthData.
std::vector<std::string> parts_of(const QuestionWord& word) {
  std::vector<std::string> out;
  language::for_each_word(word.raw, [&](std::string_view part, std::size_t) {
    out.push_back(language::stem(language::lower(part)));
  });
  return out;
}

bool blocks_phrases(const QuestionWord& word) {
  return word.said_apart || (word.taken != Taken::kNo && word.taken != Taken::kFiller);
}

// An alternative, resolved in a source: which patterns have it, and by which words.
struct Resolved {
  float factor = 0;
  float rarity = 0;
  std::vector<Posting> first;                  // patterns that have all its stems, by the rarest one
  std::vector<std::vector<std::uint32_t>> words;  // per entry of `first`
};

class Matcher {
 public:
  explicit Matcher(const Profile& profile) : profile_(profile) {}

  std::vector<Resolved> resolve(const TopicWord& word) const;
  float rarity(std::size_t patterns) const {
    const float all = static_cast<float>(profile_.patterns.size());
    return std::log(1 + (all - static_cast<float>(patterns) + 0.5F) / (static_cast<float>(patterns) + 0.5F)) + 0.1F;
  }
  float rarest() const { return rarity(0); }
  // Whether nearly all records hold the word by one and the same alternative.
  bool everywhere(const std::vector<Resolved>& resolved) const {
    return std::any_of(resolved.begin(), resolved.end(), [&](const Resolved& one) {
      std::uint64_t records = 0;
      for (const Posting& posting : one.first) records += posting.literal ? profile_.patterns[posting.pattern].count : 0;
      return records * 10 > profile_.records * 8 && profile_.records > 20;
    });
  }

 private:
  bool resolve_one(const Alternative& alternative, Resolved& out) const;
  std::vector<Alternative> near(const TopicWord& word) const;

  const Profile& profile_;
};

bool Matcher::resolve_one(const Alternative& alternative, Resolved& out) const {
  std::vector<const std::vector<Posting>*> lists;
  for (const std::string& stem : alternative.stems) {
    const auto found = profile_.stem_at.find(stem);
    if (found == profile_.stem_at.end() || profile_.postings[found->second].empty()) return false;
    lists.push_back(&profile_.postings[found->second]);
  }
  if (lists.empty()) return false;
  for (const Posting& posting : *lists.front()) {
    std::vector<std::uint32_t> words = {posting.word};
    Posting joint = posting;
    for (std::size_t i = 1; i < lists.size(); ++i) {
      const auto at = std::lower_bound(lists[i]->begin(), lists[i]->end(), posting.pattern,
                                       [](const Posting& p, std::uint32_t pattern) { return p.pattern < pattern; });
      if (at == lists[i]->end() || at->pattern != posting.pattern) {
        words.clear();
        break;
      }
      words.push_back(at->word);
      joint.place = std::min(joint.place, at->place);
    }
    if (words.empty()) continue;
    out.first.push_back(joint);
    out.words.push_back(std::move(words));
  }
  out.factor = alternative.factor;
  out.rarity = rarity(out.first.size());
  return !out.first.empty();
}

// For a word that the source does not have: what it may be short for, or mistyped.
std::vector<Alternative> Matcher::near(const TopicWord& word) const {
  std::vector<Alternative> out;
  if (word.text.size() < 4) return out;
  const int limit = language::typo_limit(word.text.size());
  for (const search::Word& known : profile_.words) {
    if (known.text.size() > 3 && known.text.size() < 24 && known.text[0] == word.text[0] &&
        language::edits(word.text, known.text, limit) <= limit) {
      out.push_back({{language::stem(known.text)}, kTypoFactor});
    } else if (known.text.size() > word.text.size() + 2 && known.text.size() < word.text.size() + 12 &&
               known.text.starts_with(word.text)) {
      out.push_back({{language::stem(known.text)}, kPrefixFactor});
    }
    if (out.size() > 8) break;
  }
  return out;
}

std::vector<Resolved> Matcher::resolve(const TopicWord& word) const {
  std::vector<Resolved> out;
  for (const Alternative& alternative : word.alternatives) {
    Resolved resolved;
    if (resolve_one(alternative, resolved)) out.push_back(std::move(resolved));
  }
  if (!out.empty()) return out;
  for (const Alternative& alternative : near(word)) {
    Resolved resolved;
    if (resolve_one(alternative, resolved)) out.push_back(std::move(resolved));
  }
  return out;
}

// How far each value stands above the mean, in standard deviations. NaN counts as the mean.
std::vector<float> standardised(const std::vector<float>& values) {
  double sum = 0, squares = 0;
  std::size_t n = 0;
  for (const float value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    squares += double{value} * value;
    ++n;
  }
  std::vector<float> out(values.size(), 0);
  const double mean = n > 0 ? sum / static_cast<double>(n) : 0;
  const double deviation = n > 0 ? std::sqrt(std::max(0.0, squares / static_cast<double>(n) - mean * mean)) : 0;
  if (deviation <= 0) return out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isnan(values[i])) out[i] = static_cast<float>((values[i] - mean) / deviation);
  }
  return out;
}

// The patterns that are nearest by words and meaning together; best first.
std::vector<std::uint32_t> nearest_of(const std::vector<PatternMatch>& all, const std::vector<float>& near) {
  std::vector<float> words;
  for (const PatternMatch& match : all) words.push_back(match.score);
  std::vector<float> rank = words;
  if (near.size() == all.size()) {
    rank = standardised(words);
    const std::vector<float> by_meaning = standardised(near);
    for (std::size_t i = 0; i < rank.size(); ++i) rank[i] += kMeaning * by_meaning[i];
  }
  std::vector<std::uint32_t> out(all.size());
  std::iota(out.begin(), out.end(), 0U);
  if (near.empty()) std::erase_if(out, [&](std::uint32_t p) { return words[p] <= 0; });
  const std::size_t most = std::min(kNearest, out.size());
  std::partial_sort(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(most), out.end(), [&](std::uint32_t a, std::uint32_t b) {
    return rank[a] != rank[b] ? rank[a] > rank[b] : a < b;
  });
  out.resize(most);
  return out;
}

// A phrase of the thesaurus in the question.
struct Phrase {
  std::vector<std::size_t> words;
  const std::vector<Stems>* others;
};

// By place, longest first. What holds a sentence together may stand within: "login |was| refused".
std::vector<Phrase> phrases_in(const language::Reading& reading, const std::vector<std::string>& stems) {
  const auto joins = [](std::string_view word) {
    return language::is_one_of(word, {"was", "were", "is", "are", "be", "been", "being", "got", "gets", "a", "an", "the"});
  };
  std::vector<std::size_t> kept;
  std::vector<std::string> kept_stems;
  for (std::size_t i = 0; i < stems.size(); ++i) {
    if (joins(reading.words[i].text)) continue;
    kept.push_back(i);
    kept_stems.push_back(stems[i]);
  }
  const auto blocked = [&](std::size_t k) { return blocks_phrases(reading.words[k]); };
  std::vector<Phrase> out;
  const auto add = [&](const std::vector<std::string>& in, std::size_t at, const auto& place_of, bool only_gapped) {
    for (const Thesaurus::Hit& hit : Thesaurus::standard().at(in, at)) {
      Phrase phrase{{}, hit.others};
      for (std::size_t k = at; k < at + hit.length; ++k) phrase.words.push_back(place_of(k));
      const bool gapped = phrase.words.back() - phrase.words.front() >= hit.length;
      if (gapped != only_gapped || std::any_of(phrase.words.begin(), phrase.words.end(), blocked)) continue;
      out.push_back(std::move(phrase));
    }
  };
  for (std::size_t i = 0; i < kept.size(); ++i) add(kept_stems, i, [&](std::size_t k) { return kept[k]; }, true);
  for (std::size_t i = 0; i < stems.size(); ++i) {
    if (!blocked(i)) add(stems, i, [](std::size_t k) { return k; }, false);
  }
  std::stable_sort(out.begin(), out.end(), [](const Phrase& a, const Phrase& b) {
    return a.words.front() != b.words.front() ? a.words.front() < b.words.front() : a.words.size() > b.words.size();
  });
  return out;
}

}  // namespace

Topic topic_of(const language::Reading& reading) {
  Topic out;
  std::vector<std::string> stems;
  std::vector<std::size_t> place;  // word of the question
  for (std::size_t i = 0; i < reading.words.size(); ++i) {
    stems.push_back(language::stem(reading.words[i].text));
    place.push_back(i);
  }
  const std::set<std::size_t> operand(reading.operand.begin(), reading.operand.end());
  for (const std::size_t i : reading.topic) {
    const QuestionWord& word = reading.words[i];
    TopicWord made;
    made.text = word.text;
    made.at = i;
    made.share = operand.contains(i) ? 0.4F : word.light ? kLight : 1.0F;
    made.alternatives.push_back({{stems[i]}, 1.0F});
    if (const std::string mended = Thesaurus::standard().mended(word.text); !mended.empty()) {
      made.alternatives.push_back({{language::stem(mended)}, 0.8F});
      stems[i] = language::stem(mended);
    }
    const auto parts = parts_of(word);
    if (parts.size() > 1) made.alternatives.push_back({{parts.begin() + 1, parts.end()}, 0.9F});
    out.words.push_back(std::move(made));
  }
  const auto word_at = [&](std::size_t at) -> TopicWord* {
    for (TopicWord& word : out.words) {
      if (word.at == at) return &word;
    }
    return nullptr;
  };
  std::vector<std::size_t> in_phrase(stems.size(), 0);
  for (const Phrase& phrase : phrases_in(reading, stems)) {
    const std::vector<std::size_t>& at = phrase.words;
    const float factor = at.size() > 1 ? kPhraseFactor : kThesaurusFactor;
    // By a longer phrase, or twice.
    if (std::any_of(at.begin(), at.end(), [&](std::size_t k) { return in_phrase[k] > at.size(); })) continue;
    for (const std::size_t k : at) in_phrase[k] = std::max(in_phrase[k], at.size());
    bool used = false;
    for (const std::size_t k : at) {
      TopicWord* word = word_at(k);
      if (word == nullptr) continue;
      used = true;
      float less = 1;
      for (const Stems& other : *phrase.others) {
        if (other.size() != 1 || other[0] != stems[k]) word->alternatives.push_back({other, less * (other.size() > 1 ? std::min(1.0F, factor + 0.1F) : factor)});
        less *= 0.97F;
      }
    }
    if (used || at.size() < 2) continue;
    TopicWord made;  // a phrase of words that mean nothing alone: "get in"
    made.at = at.front();
    for (const std::size_t k : at) made.text += (made.text.empty() ? "" : " ") + reading.words[k].text;
    for (const Stems& other : *phrase.others) made.alternatives.push_back({other, factor});
    out.words.push_back(std::move(made));
  }
  return out;
}

TopicMatches match_topic(const Topic& topic, const Profile& profile, std::size_t most, const std::vector<float>& near) {
  TopicMatches out;
  const Matcher matcher(profile);
  const std::size_t n = profile.patterns.size();
  std::vector<PatternMatch> all(n);
  for (std::uint32_t p = 0; p < n; ++p) {
    all[p].pattern = p;
    all[p].got.assign(topic.words.size(), 0);
  }
  float total = 0;
  std::vector<float> best(n);
  std::vector<const std::vector<std::uint32_t>*> by(n);
  for (std::size_t t = 0; t < topic.words.size(); ++t) {
    const TopicWord& word = topic.words[t];
    const auto resolved = matcher.resolve(word);
    float weight = 0;
    for (const Resolved& one : resolved) weight = std::max(weight, one.rarity * (one.factor > 0.99F ? 1.0F : 0.9F));
    if (resolved.empty()) weight = matcher.rarest() * kUnknown * (word.share < 1 ? kUnknownLight : 1.0F);
    if (matcher.everywhere(resolved)) weight *= 0.15F;  // says little here
    weight *= word.share;
    out.weights.push_back(weight);
    out.known.push_back(!resolved.empty());
    total += weight;
    std::fill(best.begin(), best.end(), 0.0F);
    std::fill(by.begin(), by.end(), nullptr);
    for (const Resolved& one : resolved) {
      for (std::size_t i = 0; i < one.first.size(); ++i) {
        const std::uint32_t p = one.first[i].pattern;
        const float rare = std::min(1.0F, weight > 0 ? one.rarity * word.share / weight : 1.0F);
        const float value = one.factor * one.first[i].place * weight * (0.6F + 0.4F * rare);
        if (value <= best[p]) continue;
        best[p] = value;
        by[p] = &one.words[i];
      }
    }
    for (std::uint32_t p = 0; p < n; ++p) {
      if (by[p] == nullptr) continue;
      all[p].score += best[p];
      all[p].got[t] = best[p];
      for (const std::uint32_t w : *by[p]) {
        if (std::find(all[p].words.begin(), all[p].words.end(), w) == all[p].words.end()) all[p].words.push_back(w);
      }
    }
  }
  for (PatternMatch& match : all) {
    match.coverage = total > 0 ? match.score / total : 0;
    const auto& pattern = profile.patterns[match.pattern];
    const float length = 1 + 0.01F * static_cast<float>(std::min<std::size_t>(pattern.text.size(), 600)) / 10;
    match.score = match.score / length * (1 + 0.05F * std::log1p(static_cast<float>(pattern.count)));
  }
  out.nearest = nearest_of(all, near);
  std::erase_if(all, [](const PatternMatch& match) { return match.score <= 0; });
  std::stable_sort(all.begin(), all.end(), [](const PatternMatch& a, const PatternMatch& b) { return a.score > b.score; });
  if (all.size() > most) all.resize(most);
  out.best = std::move(all);
  return out;
}

}  // namespace silt::answer::plan
