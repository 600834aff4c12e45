#include "connectors/record_cutter.h"

#include <algorithm>

namespace silt::connectors {
namespace {

bool begins_with_nuls(std::string_view rest) {
  if (rest.empty() || rest.front() != '\0') return false;
  return rest.substr(0, kNulRunBytes).find_first_not_of('\0') == std::string_view::npos &&
         rest.size() >= kNulRunBytes;
}

}  // namespace

RecordCutter::RecordCutter(std::string_view window, const RecordRules* rules, std::size_t line_bytes_max)
    : Cutter(window),
      lines_(window),
      line_bytes_max_(line_bytes_max),
      joining_(rules != nullptr),
      joiner_(rules != nullptr ? *rules : *RecordRules::usual()) {}

bool RecordCutter::last(Cut& cut) {
  if (waiting() == 0) return false;
  cut.goes_on = false;
  return take(cut, open_end_), true;
}

void RecordCutter::take(Cut& cut, std::size_t end) {
  cut.begin = consumed_;
  cut.end = end;
  cut.text = window_.substr(consumed_, end - 1 - consumed_);
  while (cut.text.ends_with('\n')) cut.text.remove_suffix(1);
  consumed_ = open_end_ = end;
}

bool RecordCutter::next(Cut& cut) {
  const bool goes_on = has_peeked_ && peeked_joins_;
  cut.goes_on = false;
  open_end_ = consumed_;
  std::string_view line;
  if (has_peeked_) {
    line = peeked_;
    has_peeked_ = false;
  } else if (!lines_.next(line)) {
    return false;
  }
  std::size_t end = consumed_ + line.size() + 1;
  if (!joining_ || line.size() > line_bytes_max_) return take(cut, end), true;
  if (!goes_on) joiner_.begin(line);  // else it is the rest of a record that was cut
  for (std::size_t count = 1;; ++count) {
    const std::string_view rest = window_.substr(end);
    if (begins_with_nuls(rest)) return take(cut, end), true;
    if (!lines_.next(line)) {
      open_end_ = end;
      // What is too long to be a line of it, and will not come to its end soon, does not go on with it.
      return rest.size() > line_bytes_max_ && (take(cut, end), true);
    }
    const bool joins = line.size() <= line_bytes_max_ && joiner_.joins(line);
    const std::size_t next_end = end + line.size() + 1;
    cut.goes_on = joins && (count == kJoinedLinesMax || next_end - consumed_ > kJoinedBytesMax);
    if (joins && !cut.goes_on) {
      end = next_end;
      continue;
    }
    peeked_ = line;
    has_peeked_ = true;
    peeked_joins_ = joins;
    return take(cut, end), true;
  }
}

}  // namespace silt::connectors
