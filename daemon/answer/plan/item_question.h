// ItemQuestion: a question that tickets or documents answer: "who reported the login problem?", "how long did #42
// take?", "tickets closed last week", "how do I fail over postgres?", "has this error been seen before?".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/answer/language/reading.h"
#include "daemon/answer/query.h"

namespace silt::answer::plan {

enum class ItemAsk : std::uint8_t {
  kList,      // which tickets
  kCount,     // how many
  kReporter,  // who reported, owns, closed, commented
  kOwner,
  kCloser,
  kAuthors,
  kDuration,  // how long it took
  kCreated,   // when
  kClosed,
  kState,     // is it open, what is its state
  kPriority,
  kQueue,
  kShow,      // what it says
  kSeen,      // whether something was seen before
  kSection,   // how do I, what does the runbook say
};

enum class ItemTime : std::uint8_t { kCreated, kClosed, kUpdated };

// As what a person is named: "opened by ann", "does dora own", "did eli close".
enum class ItemRole : std::uint8_t { kAny, kReporter, kOwner, kCloser };

struct ItemQuestion {
  ItemAsk ask = ItemAsk::kList;
  std::string ticket;                // the one it names, as it names it
  std::optional<bool> open;
  ItemTime time = ItemTime::kUpdated;  // what the window is of
  ItemRole role = ItemRole::kAny;      // of a person among the words
  bool only_last = false;            // the latest, the oldest ...: one
  bool only_first = false;
  std::vector<std::vector<std::string>> topic;  // stems, alternatives of a word together
  std::vector<std::string> words;    // of the topic, as they were said
  std::string quoted;                // text to be found as it is
};

// The attribute of tickets that a word means: "queue" of "project"; empty: none.
std::string_view attribute_called(std::string_view word);

// Nothing: other records answer it. `has_*`: what there is among the sources.
struct ItemScope {
  bool has_tickets = false;
  bool has_sections = false;
  bool only_sections = false;  // there are no other records
};
std::optional<ItemQuestion> read_item_question(const language::Reading& reading, const ItemScope& scope);

}  // namespace silt::answer::plan
