// ContainerCutter: cuts a window of a container's log file into records. Envelopes are taken off, parts of a line
// joined, and lines of one stream that follow one another joined by the rules.
//
// The lines of two streams alternate, and parts of one may stand among those of the other. A record is given when
// none that began before its end is open any more, in the order of their ends: so a position in the file that is
// behind a record has nothing open before it, and the reader needs no state.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "connectors/arena.h"
#include "connectors/line_joiner.h"
#include "connectors/line_splitter.h"
#include "connectors/record_cutter.h"

namespace silt::connectors {

class ContainerCutter final : public Cutter {
 public:
  // Without rules every line is a record. Texts are in the window or in the arena.
  ContainerCutter(std::string_view window, const RecordRules* rules, Arena& arena);

  bool next(Cut& cut) override;
  bool last(Cut& cut) override;
  bool holds_back() const override { return !whole_.empty(); }
  bool torn() const override { return !parts_.empty(); }

 private:
  // A line of which parts are there, or a record of which lines are.
  struct Open {
    Cut cut;
    std::string joined;     // all so far, once they are several
    std::size_t count = 1;  // of lines
    void add(std::string_view text, std::size_t end);
  };

  void take(std::string_view line, std::size_t begin, std::size_t end);
  void add_line(Open line);
  void close_record();
  void close(Open open, bool goes_on);
  std::size_t safe_end() const;
  bool give(Cut& cut);

  LineSplitter lines_;
  const bool joining_;
  LineJoiner joiner_;
  Arena& arena_;
  std::map<std::string_view, Open, std::less<>> parts_;  // by stream
  std::optional<Open> record_;
  std::deque<Cut> whole_;
  std::size_t given_to_ = 0;  // the end of what was given
};

}  // namespace silt::connectors
