// Cutter: cuts a window of a byte stream into records of one or more whole lines. RecordCutter is that of lines
// as they stand, and copies nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "connectors/line_joiner.h"
#include "connectors/line_splitter.h"

namespace silt::connectors {

// A run of NULs this long at a line's start is a hole or zeroed blocks, not text.
inline constexpr std::size_t kNulRunBytes = 4096;

class Cutter {
 public:
  virtual ~Cutter() = default;

  struct Cut {
    std::string_view text;     // its lines without the last one's end; blank lines at the end are left out
    std::size_t begin = 0;     // where it begins in the window
    std::size_t end = 0;       // behind the end of its last line
    bool goes_on = false;      // it was cut at the limit
    bool among = false;        // lines of the next one are between its own: it is stored with that one
    std::int64_t told_us = 0;  // time and stream that an envelope names
    std::string_view stream;
  };

  // The next record that has its end in the window. False: the rest is no whole line, or its last lines
  // may go on behind the window.
  virtual bool next(Cut& cut) = 0;
  // What next() left because it may go on, as records.
  virtual bool last(Cut& cut) = 0;

  // Bytes of the window up to and including the line end of the last record; not behind one that is `among` others.
  std::size_t consumed() const { return consumed_; }
  std::string_view rest() const { return window_.substr(consumed_); }
  // After next() gave nothing: the bytes of the whole lines that wait.
  std::size_t waiting() const { return open_end_ - consumed_; }
  // The same: records that are whole wait for one that is not.
  virtual bool holds_back() const { return false; }
  // The same: a line waits for its own rest.
  virtual bool torn() const { return false; }

 protected:
  explicit Cutter(std::string_view window) : window_(window) {}

  std::string_view window_;
  std::size_t consumed_ = 0;
  std::size_t open_end_ = 0;  // behind the whole lines that were looked at
};

class RecordCutter final : public Cutter {
 public:
  // Lines that are longer than `line_bytes_max` are records of their own, for the caller to cut. Without
  // rules every line is a record.
  RecordCutter(std::string_view window, const RecordRules* rules, std::size_t line_bytes_max);

  bool next(Cut& cut) override;
  bool last(Cut& cut) override;

 private:
  void take(Cut& cut, std::size_t end);

  LineSplitter lines_;
  const std::size_t line_bytes_max_;
  const bool joining_;
  LineJoiner joiner_;
  std::string_view peeked_;  // a line that begins the next record
  bool has_peeked_ = false;
  bool peeked_joins_ = false;  // unless the one before was cut
};

}  // namespace silt::connectors
