#include "daemon/answer/search/find.h"

#include <re2/re2.h>

#include <deque>

#include "daemon/answer/language/words.h"
#include "daemon/answer/search/filter.h"

namespace silt::answer::search {
namespace {

class WordMatcher final : public TextMatcher {
 public:
  explicit WordMatcher(std::vector<std::string> words) : words_(std::move(words)) {}
  bool matches(std::string_view text) const override {
    for (const std::string& word : words_) {
      if (!language::has_word(text, word)) return false;
    }
    return true;
  }

 private:
  std::vector<std::string> words_;
};

class RegexMatcher final : public TextMatcher {
 public:
  explicit RegexMatcher(const std::string& pattern) : regex_(pattern, RE2::Quiet) {}
  const RE2& regex() const { return regex_; }
  bool matches(std::string_view text) const override {
    return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), regex_);
  }

 private:
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

Result<Found> find(const store::RecordLog& log, const Profiles& profiles, const FindRequest& request, const Limits& limits) {
  Found out;
  for (std::size_t i = 0; i < profiles.size(); ++i) {
    out.total += profiles[i]->total();
    if (!out.complete) continue;
    std::deque<Hit> newest;  // of this source
    const std::size_t room = request.limit - std::min(request.limit, out.hits.size());
    std::uint64_t left = 0;
    RecordInHand hand(profiles[i]->layout);
    SILT_ASSIGN(const Scanned scanned, visit_records(log, profiles[i]->ref, {}, {}, hand, [&](RecordInHand& record) {
                  if (++out.examined % kCheckEvery == 0 && limits.late()) return false;
                  const std::int64_t us = record.mark().event_us;
                  if (us < request.window.since_us || us > request.window.until_us) return true;
                  const std::string_view text = record.text();
                  if (!record.status().is_ok() || !request.matcher->matches(text)) return true;
                  ++out.matched;
                  const bool shown = i < request.from_source || (i == request.from_source && record.seq() >= request.before_seq);
                  if (shown) return true;
                  ++left;
                  if (room == 0) return true;
                  if (newest.size() == room) newest.pop_front();
                  newest.push_back({i, record.seq(), us, record.mark().pattern, std::string(text), ""});
                  return true;
                }));
    out.complete = !scanned.stopped;
    out.more |= left > newest.size();
    out.hits.insert(out.hits.end(), newest.rbegin(), newest.rend());
  }
  return out;
}

}  // namespace silt::answer::search
