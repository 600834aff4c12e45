// LineJoiner: the state machine behind RecordRules. Is given the lines of a stream one after another and
// says of each whether it belongs to the record before it. What it says depends on the lines alone.
//
// Every line given must stay where it is while its record is open. Ordinary lines cost some nanoseconds:
// what a record is, is looked up when a line comes that may continue it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "connectors/record_rules.h"

namespace silt::connectors {

class LineJoiner {
 public:
  explicit LineJoiner(const RecordRules& rules) : rules_(rules) {}

  // The line begins a record, whatever it says.
  void begin(std::string_view line);
  // Whether the line continues the open record, of which it is a part then. Otherwise nothing changes.
  bool joins(std::string_view line);

 private:
  enum class Kind : std::uint8_t { kPlain, kJson, kPython, kPythonEnd, kGo, kNode, kPhp, kKernel };

  bool continues(std::string_view line);
  bool may_continue_plain(std::string_view line);
  bool blank_continues();
  bool indented_continues(std::string_view line, std::size_t indent);
  bool json_continues(std::string_view line, std::size_t indent);
  bool kernel_continues(std::string_view line);
  bool begins_another_report(std::string_view message, bool follows) const;
  void note_kernel_part(std::string_view message, bool part);
  bool takes_stranger(bool bare, bool same_moment) const;
  bool unindented_continues(std::string_view line);
  bool in_dialect(std::string_view line);
  bool first_is_headed();
  void count_braces(std::string_view line);

  const RecordRules& rules_;
  Kind kind_ = Kind::kPlain;
  bool opened_ = false;   // the first line ends with a bracket that is open
  bool chained_ = false;  // a Python traceback said that another one follows
  bool kernel_ended_ = false;
  bool bare_kernel_ = false;           // its lines have no heads
  bool kernel_closes_ = false;         // with the mark that it began with, or with one behind a list of locks
  bool kernel_rest_ = false;           // it began behind something that cut a report in two
  std::uint8_t parts_ = 0;             // known parts of the report so far, a few at most
  std::uint8_t strangers_ = 0;         // lines behind the last of them
  bool in_string_ = false;             // of JSON
  std::int32_t depth_ = 0;             // of JSON
  std::int64_t kernel_stamp_us_ = -1;  // of the last line of a report
  bool kernel_by_clock_ = false;       // which is that of a head
  std::uint32_t lines_ = 0;
  std::int8_t headed_ = -1;  // -1: not looked at yet
  std::string_view first_;
};

}  // namespace silt::connectors
