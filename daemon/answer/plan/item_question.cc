#include "daemon/answer/plan/item_question.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <span>
#include <string_view>

#include "daemon/answer/language/words.h"

namespace silt::answer::plan {
namespace {

using language::QuestionWord;
using language::Reading;
using Words = std::span<const std::string_view>;

constexpr std::string_view kTicketWords[] = {"ticket", "tickets", "issue", "issues", "bug", "bugs", "case", "cases", "incident", "incidents"};
constexpr std::string_view kTextWords[] = {"error", "errors", "message", "messages", "exception", "line", "text"};  // what is quoted
constexpr std::string_view kDocumentWords[] = {"runbook", "runbooks", "playbook", "doc", "docs", "documentation", "document", "documents", "manual", "guide", "handbook", "wiki", "procedure", "howto"};
constexpr std::string_view kReportWords[] = {"reported", "report", "reporter", "opened", "filed", "raised", "created", "submitted", "requested", "requestor"};
constexpr std::string_view kOwnWords[] = {"owns", "own", "owned", "owner", "assigned", "assignee", "working", "works", "handles", "responsible", "responsibility"};
constexpr std::string_view kCloseWords[] = {"closed", "resolved", "fixed", "solved", "finished", "closes", "resolve", "close", "done", "rejected"};
constexpr std::string_view kMendWords[] = {"resolve", "resolved", "solve", "solved", "fix", "fixed"};
constexpr std::string_view kOpenWords[] = {"open", "unresolved", "unsolved", "pending", "outstanding", "active"};
constexpr std::string_view kYesNoWords[] = {"has", "have", "had", "did", "was", "is", "do", "does", "anyone", "ever"};
constexpr std::string_view kEarlierWords[] = {"before", "already", "ever", "previously", "earlier"};
constexpr std::string_view kMeetWords[] = {"seen", "see", "saw", "happened", "happen", "occurred", "occur", "met", "hit", "had", "encountered", "appeared"};
constexpr std::string_view kSpeakWords[] = {"commented", "commenting", "replied", "answered", "wrote", "comments"};
// What says nothing about the topic once the question is known to be of tickets or documents.
constexpr std::string_view kPlainWords[] = {
    "a",    "an",    "the",   "of",    "about", "on",    "in",    "for",   "to",      "with",  "by",     "is",     "are",   "was",   "were",  "did",  "do",   "does",
    "has",  "have",  "had",   "been",  "be",    "what",  "which", "who",   "whom",    "whose", "when",   "how",    "long",  "many",  "much",  "there", "any", "we",
    "i",    "you",   "me",    "our",   "my",    "this",  "that",  "these", "those",   "it",    "its",    "and",    "or",    "at",    "from",  "show", "list", "tell",
    "give", "find",  "all",   "take",  "took",  "until", "before", "ever", "seen",    "say",   "says",   "said",   "still", "currently", "now", "can", "should", "could",
    "would", "problem", "trouble", "mentions", "mention", "mentioned", "mentioning", "time", "last", "latest", "newest", "oldest", "first", "most", "recent", "recently", "please", "same", "something", "anything", "anyone", "anybody", "already", "happened", "happen", "happens", "where", "will", "into", "get", "gets", "if", "need", "needs", "want", "must", "us", "one", "them", "they", "their", "not",  "am"};

bool in(Words list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// "#42", "OPS-12"
bool names_ticket(std::string_view raw) {
  while (!raw.empty() && std::string_view("?,.;:!()\"'").find(raw.back()) != std::string_view::npos) raw.remove_suffix(1);
  if (raw.starts_with('#')) return raw.size() > 1 && raw.substr(1).find_first_not_of("0123456789") == std::string_view::npos;
  const std::size_t dash = raw.rfind('-');
  if (dash == std::string_view::npos || dash < 2 || dash + 1 == raw.size()) return false;
  return raw.substr(dash + 1).find_first_not_of("0123456789") == std::string_view::npos &&
         std::all_of(raw.begin(), raw.begin() + static_cast<std::ptrdiff_t>(dash), [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; });
}

std::string ticket_in(const Reading& reading) {
  std::string_view rest = reading.question;
  bool after_noun = false;
  while (!rest.empty()) {
    const std::size_t begin = rest.find_first_not_of(" \t\n");
    if (begin == std::string_view::npos) break;
    const std::size_t end = std::min(rest.find_first_of(" \t\n", begin), rest.size());
    std::string_view word = rest.substr(begin, end - begin);
    rest = rest.substr(end);
    while (!word.empty() && std::string_view("?,.;:!)\"'").find(word.back()) != std::string_view::npos) word.remove_suffix(1);
    const bool number = !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos;
    if (names_ticket(word) || (after_noun && number)) return std::string(word);
    after_noun = in(kTicketWords, language::lower(word));
  }
  return {};
}

class Reader {
 public:
  Reader(const Reading& reading, const ItemScope& scope) : reading_(reading), scope_(scope) {}

  std::optional<ItemQuestion> run() {
    out_.ticket = ticket_in(reading_);
    const bool document = scope_.has_sections && (any(kDocumentWords) || begins_how() || (scope_.only_sections && !counts()));
    const bool ticket = scope_.has_tickets && (!out_.ticket.empty() || any(kTicketWords) || speaks_of_tickets());
    if (!document && !ticket) return std::nullopt;
    take_quoted();
    if (document && !(ticket && any(kTicketWords))) out_.ask = ItemAsk::kSection;
    else read_ticket_ask();
    take_topic();
    return std::move(out_);
  }

 private:
  bool any(Words list) const {
    return std::any_of(reading_.words.begin(), reading_.words.end(), [&](const QuestionWord& word) { return in(list, word.text); });
  }
  bool says(std::string_view phrase) const {
    return language::has_word(language::lower(reading_.question), phrase);
  }
  bool begins_how() const {
    for (const std::string_view phrase : {"how do i", "how do we", "how can i", "how can we", "how to", "how should i", "how should we", "how would i", "what should i", "what should we", "what do i do", "what to do", "what can be done", "what can i do", "what can we do", "symptoms of", "how does one", "steps to", "how is", "what is the procedure", "where do i", "where can i"}) {
      if (says(phrase)) return true;
    }
    return false;
  }
  bool counts() const {
    for (const std::string_view phrase : {"how many", "how often", "how much", "number of", "count", "list", "show", "when", "since", "changed", "changes", "new"}) {
      if (says(phrase)) return true;
    }
    return reading_.words.empty();
  }
  // "has this error been seen before?", "have we had this already?", "is it a known problem?"
  bool asks_if_known() const {
    if (says("known problem") || says("known issue") || says("known error") || says("known bug") || says("been reported")) return true;
    const bool yes_or_no = !reading_.words.empty() && in(kYesNoWords, reading_.words.front().text);
    return yes_or_no && any(kEarlierWords) && any(kMeetWords);
  }
  // "who reported the login problem?", "what is open about ...?"
  bool speaks_of_tickets() const {
    if (asks_if_known()) return true;
    if (says("who") && (any(kReportWords) || any(kOwnWords) || any(kCloseWords))) return true;
    if (says("how long") && any(kMendWords)) return true;
    return any(kOpenWords) && (says("what is") || says("what's") || says("still open")) ;
  }

  void take_quoted() {
    const std::string& text = reading_.question;
    const std::size_t open = text.find('"');
    const std::size_t close = open == std::string::npos ? open : text.find('"', open + 1);
    if (close != std::string::npos && close > open + 3) out_.quoted = text.substr(open + 1, close - open - 1);
    // "... before: no space left", "have we seen this before? no space left"
    const std::size_t stop = std::min(text.find(": "), text.find("? "));
    if (out_.quoted.empty() && stop != std::string::npos && text.size() - stop > 12 && (asks_if_known() || says("mentions") || says("mention")))
      out_.quoted = text.substr(stop + 2);
  }

  void read_ticket_ask() {
    const bool closed = any(kCloseWords), opened = any(kReportWords);
    if (says("who")) {
      out_.ask = any(kSpeakWords) ? ItemAsk::kAuthors : any(kOwnWords) ? ItemAsk::kOwner : closed ? ItemAsk::kCloser : ItemAsk::kReporter;
    } else if (says("how long") || says("how many days") || says("how many hours") || says("time to")) {
      out_.ask = ItemAsk::kDuration;
    } else if (says("how many") || says("number of") || says("count")) {
      out_.ask = ItemAsk::kCount;
    } else if (asks_if_known()) {
      out_.ask = ItemAsk::kSeen;
    } else if (says("when")) {
      out_.ask = closed ? ItemAsk::kClosed : ItemAsk::kCreated;
    } else if (says("status of") || says("state of") || (!out_.ticket.empty() && (says("status") || says("state") || any(kOpenWords) || closed))) {
      out_.ask = ItemAsk::kState;
    } else if (says("priority") && says("what")) {
      out_.ask = ItemAsk::kPriority;
    } else if ((says("queue") || says("project")) && (says("which") || says("what")) && !any(kTicketWords)) {
      out_.ask = ItemAsk::kQueue;
    } else if (!out_.ticket.empty()) {
      out_.ask = ItemAsk::kShow;
    }
    const bool counts = out_.ask == ItemAsk::kList || out_.ask == ItemAsk::kCount;
    if (counts && closed) out_.open = false;
    if (counts && any(kOpenWords)) out_.open = true;
    out_.role = any(kOwnWords) ? ItemRole::kOwner : closed ? ItemRole::kCloser : opened ? ItemRole::kReporter : ItemRole::kAny;
    out_.time = counts && closed ? ItemTime::kClosed : counts && opened ? ItemTime::kCreated : ItemTime::kUpdated;
    out_.only_last = out_.ask == ItemAsk::kList && (says("latest") || says("newest") || says("most recent") || says("last ticket"));
    out_.only_first = out_.ask == ItemAsk::kList && (says("oldest") || says("first ticket"));
  }

  bool is_plain(const QuestionWord& word) const {
    const bool of_one = !out_.ticket.empty() || out_.ask == ItemAsk::kState || out_.ask == ItemAsk::kPriority || out_.ask == ItemAsk::kQueue;
    if (of_one && !attribute_called(word.text).empty()) return true;
    if (in(kPlainWords, word.text) || in(kTicketWords, word.text) || in(kDocumentWords, word.text)) return true;
    if (out_.ask == ItemAsk::kSection) return false;
    return in(kReportWords, word.text) || in(kOwnWords, word.text) || in(kCloseWords, word.text) || in(kMendWords, word.text) || in(kOpenWords, word.text) || in(kSpeakWords, word.text);
  }

  // Each word, and the parts that it is made of; of a text that is quoted, each of its words.
  void take_topic() {
    const bool only_quoted = !out_.quoted.empty() && (out_.ask == ItemAsk::kSeen || reading_.question.ends_with(out_.quoted));
    for (const QuestionWord& word : reading_.words) {
      if (word.taken == language::Taken::kTime || is_plain(word) || names_ticket(word.raw) || word.text == out_.ticket || word.text.size() < 2) continue;
      if (only_quoted || word.quoted || (!out_.quoted.empty() && in(kTextWords, word.text))) continue;
      add_word(word.text);
    }
    language::for_each_word(out_.quoted, [&](std::string_view word, std::size_t) {
      if (word.size() > 1) add_word(language::lower(word));
    });
  }

  void add_word(const std::string& word) {
    if (std::find(out_.words.begin(), out_.words.end(), word) != out_.words.end()) return;
    std::vector<std::string> group = {language::stem(word)};
    const auto joins = [&](std::size_t at) { return at < word.size() && std::isalnum(static_cast<unsigned char>(word[at])) != 0; };
    language::for_each_word(word, [&](std::string_view part, std::size_t at) {
      const bool whole = (at == 0 || !joins(at - 1)) && !joins(at + part.size());  // not the "db" of "db3"
      if (whole) group.push_back(language::stem(language::lower(part)));
    });
    out_.words.push_back(word);
    out_.topic.push_back(std::move(group));
  }

  const Reading& reading_;
  const ItemScope& scope_;
  ItemQuestion out_;
};

}  // namespace

std::string_view attribute_called(std::string_view word) {
  if (word == "queue" || word == "project") return "queue";
  if (word == "state" || word == "status") return "state";
  return word == "priority" || word == "owner" ? word : std::string_view();
}

std::optional<ItemQuestion> read_item_question(const Reading& reading, const ItemScope& scope) {
  if (!scope.has_tickets && !scope.has_sections) return std::nullopt;
  return Reader(reading, scope).run();
}

}  // namespace silt::answer::plan
