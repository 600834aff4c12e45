// Cuts a window of a byte stream into lines. A line ends with '\n' (a unit of the encoding) and nothing else: '\r', NUL and
// any invalid UTF-8 are part of the text. Nothing is copied and no state is kept: the caller reads
// the unconsumed rest of the window again when there is more of it.
#pragma once

#include <cstddef>
#include <string_view>

#include "connectors/encoding.h"

namespace silt::connectors {

class LineSplitter {
 public:
  explicit LineSplitter(std::string_view window, Encoding encoding = Encoding::kBytes)
      : window_(window), encoding_(encoding) {}

  // The next whole line, without its end; false when no line end is left.
  bool next(std::string_view& line);

  void skip(std::size_t bytes) { consumed_ += bytes; }

  // Bytes of the window up to and including the last line end that next() returned.
  std::size_t consumed() const { return consumed_; }
  // What follows them.
  std::string_view rest() const { return window_.substr(consumed_); }

 private:
  std::string_view window_;
  Encoding encoding_;
  std::size_t consumed_ = 0;
};

}  // namespace silt::connectors
