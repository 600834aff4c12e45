// Reading: what the words of a question say, before anything is known of the sources.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/answer/language/times.h"
#include "daemon/answer/language/token.h"
#include "daemon/answer/query.h"

namespace silt::answer::language {

struct OpGuess {
  Op op = Op::kList;
  int strength = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct Bound {
  Compare compare = Compare::kMore;
  double number = 0;
  std::string unit;
  std::size_t at = 0;  // word of the number
};

struct Reading {
  std::string question;
  std::string language = "en";
  std::vector<QuestionWord> words;
  std::vector<OpGuess> ops;              // best first; never empty
  std::string bucket;                    // "hour", "day" ...: asked for, or the unit of a rate
  bool bucket_asked = false;             // "which hour", not "per hour"
  bool frequent = false;                 // "most common": a count, not the greatest number
  std::vector<std::size_t> measured;     // words right behind the operation: "the most |hours|"
  std::string unit;                      // "how many milliseconds ...", "... in ms"
  double percentile = 0;                 // 95 of "95th percentile", "p95"; 0: none said
  bool goes_on = false;                  // "and ...", "of those": says little alone
  bool narrows = false;                  // "only ...", "of those ...": within what was asked last
  bool comparing = false;                // more, worse, longer ... than
  // "how long from |boot| to |ready for logins|": the first words of both; 0: not said so.
  std::size_t span_from = 0;
  std::size_t span_to = 0;
  bool who = false;
  bool where = false;
  bool from_where = false;               // of those: where something came from
  std::vector<std::string> hints;        // words of operations, which say what is measured: "hottest", "longest"
  bool share = false;                    // a rate in percent
  bool yes_no = false;
  bool asks_time = false;                // a second operation says "and when"
  std::vector<std::size_t> operand;      // words behind "which", in order
  bool operand_leads = false;            // they stand before the operation: "which host ... most"
  std::vector<std::size_t> topic;        // words that nothing took
  std::vector<std::string> values;       // identifiers and quoted text
  std::vector<std::string> numbers;      // plain ones: "400"
  std::vector<std::string> not_words;
  std::vector<Bound> bounds;
  std::vector<std::string> versus;       // "A or B"
  std::vector<Window> windows;           // as the context of take_times completes them
  std::vector<std::string> impossible;   // times that there are not: "february 30"

  Op op() const { return ops.front().op; }
};

Reading read_question(std::string_view question, const TimeContext& context);

}  // namespace silt::answer::language
