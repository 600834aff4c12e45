// RecordCutter: cuts a window of a byte stream into records of one or more whole lines. Nothing is copied.
#pragma once

#include <cstddef>
#include <string_view>

#include "connectors/line_joiner.h"
#include "connectors/line_splitter.h"

namespace silt::connectors {

// A run of NULs this long at a line's start is a hole or zeroed blocks, not text.
inline constexpr std::size_t kNulRunBytes = 4096;

class RecordCutter {
 public:
  // Lines that are longer than `line_bytes_max` are records of their own, for the caller to cut. Without
  // rules every line is a record.
  RecordCutter(std::string_view window, const RecordRules* rules, std::size_t line_bytes_max);

  struct Cut {
    std::string_view text;  // its lines without the last one's end; blank lines at the end are left out
    std::size_t size = 0;   // with them, without the end of its last line
    bool goes_on = false;   // it was cut at the limit
  };

  // The next record that has its end in the window. False: the rest is no whole line, or its last lines
  // may go on behind the window.
  bool next(Cut& cut);
  // What next() left because it may go on, as a record.
  bool last(Cut& cut);

  // Bytes of the window up to and including the line end of the last record.
  std::size_t consumed() const { return consumed_; }
  std::string_view rest() const { return window_.substr(consumed_); }
  // After next() gave nothing: the bytes of the whole lines that wait.
  std::size_t waiting() const { return open_end_ - consumed_; }

 private:
  void take(Cut& cut, std::size_t end);

  std::string_view window_;
  LineSplitter lines_;
  const std::size_t line_bytes_max_;
  const bool joining_;
  LineJoiner joiner_;
  std::string_view peeked_;  // a line that begins the next record
  bool has_peeked_ = false;
  bool peeked_joins_ = false;  // unless the one before was cut
  std::size_t consumed_ = 0;
  std::size_t open_end_ = 0;  // behind the whole lines of the open record
};

}  // namespace silt::connectors
