#include "daemon/answer/search/find.h"

#include <re2/re2.h>

#include <algorithm>
#include <tuple>

#include "daemon/answer/language/words.h"

namespace silt::answer::search {
namespace {

class WordMatcher final : public TextMatcher {
 public:
  explicit WordMatcher(std::vector<std::string> words) : words_(std::move(words)) {}
  bool matches(RecordInHand& record) const override {
    return std::ranges::all_of(words_, [&](const std::string& word) { return record.holds(word); });
  }

 private:
  std::vector<std::string> words_;
};

class RegexMatcher final : public TextMatcher {
 public:
  explicit RegexMatcher(const std::string& pattern) : regex_(pattern, RE2::Quiet) {}
  const RE2& regex() const { return regex_; }
  bool matches(RecordInHand& record) const override {
    return finds(record.text()) || std::ranges::any_of(record.attributes(), [&](const store::Attribute& each) { return finds(each.value); });
  }

 private:
  bool finds(std::string_view text) const { return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), regex_); }

  RE2 regex_;
};

}  // namespace

Result<std::unique_ptr<TextMatcher>> TextMatcher::create(const std::string& pattern) {
  if (pattern.size() >= 2 && pattern.front() == '/' && pattern.back() == '/') {
    auto made = std::make_unique<RegexMatcher>(pattern.substr(1, pattern.size() - 2));
    if (!made->regex().ok()) return invalid_argument("search: " + pattern + ": " + made->regex().error());
    return std::unique_ptr<TextMatcher>(std::move(made));
  }
  std::vector<std::string> words;
  std::size_t at = 0;
  while (at < pattern.size()) {
    const bool quoted = pattern[at] == '"';
    const std::size_t begin = at + (quoted ? 1 : 0);
    const std::size_t end = std::min(pattern.find(quoted ? '"' : ' ', begin), pattern.size());
    if (end > begin) words.push_back(language::lower(std::string_view(pattern).substr(begin, end - begin)));
    at = end + 1;
  }
  if (words.empty()) return invalid_argument("search: neither words nor a /regular expression/ is given");
  return std::unique_ptr<TextMatcher>(std::make_unique<WordMatcher>(std::move(words)));
}

bool comes_before(const MatchPlace& a, const MatchPlace& b) {
  return std::tuple(b.event_us, a.source, b.seq) < std::tuple(a.event_us, b.source, a.seq);
}

Result<Found> find(const store::RecordLog& log, const Profiles& profiles, const FindRequest& request, const Limits& limits) {
  Found out;
  const auto place_of = [](const Hit& hit) { return MatchPlace{hit.event_us, hit.source, hit.seq}; };
  const auto newer = [&](const Hit& a, const Hit& b) { return comes_before(place_of(a), place_of(b)); };
  std::vector<Hit>& newest = out.hits;  // a heap with the oldest of them in front
  for (std::size_t i = 0; i < profiles.size(); ++i) {
    out.total += profiles[i]->total();
    if (!out.complete) continue;
    RecordInHand hand(profiles[i]->layout);
    SILT_ASSIGN(const Scanned scanned, visit_records(log, profiles[i]->ref, {}, {}, hand, [&](RecordInHand& record) {
                  if (++out.examined % kCheckEvery == 0 && limits.late()) return false;
                  const std::int64_t us = record.mark().event_us;
                  if (us < request.window.since_us || us > request.window.until_us) return true;
                  const std::string_view text = record.text();
                  if (!record.status().is_ok() || !request.matcher->matches(record)) return true;
                  ++out.matched;
                  const MatchPlace place{us, i, record.seq()};
                  if (request.after && !comes_before(*request.after, place)) return true;
                  const bool full = newest.size() >= request.limit;
                  out.more |= full;
                  if (full && (newest.empty() || !comes_before(place, place_of(newest.front())))) return true;
                  if (full) {
                    std::pop_heap(newest.begin(), newest.end(), newer);
                    newest.pop_back();
                  }
                  newest.push_back({i, record.seq(), us, record.mark().pattern, std::string(text), ""});
                  std::push_heap(newest.begin(), newest.end(), newer);
                  return true;
                }));
    out.complete = !scanned.stopped;
  }
  std::sort_heap(newest.begin(), newest.end(), newer);
  return out;
}

}  // namespace silt::answer::search
