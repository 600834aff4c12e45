// Slots: takes from a record what a question asks for, as spans of the record's text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/answer/citations.h"
#include "daemon/answer/plan.h"
#include "daemon/answer/names.h"

namespace silt::answer {

struct SlotValue {
  std::string text;  // as written in the record
  Span span;
  double fit = 0;  // 0..1: how sure it is that this is what was asked
};

// Reads lines for one question: keeps its buffers from line to line. Not for concurrent use.
class SlotReader {
 public:
  // `known`: lower-case terms of the question; a value that the question names is no answer to it.
  SlotReader(Slot slot, std::string near, std::vector<std::string> known);

  // All values in the line, best first; of equal fit the leftmost first. The span is empty and the
  // text a bucket for slots that are not in the text (hour, day of `event_us`).
  const std::vector<SlotValue>& read(std::string_view line, std::int64_t event_us);
  // The scan of the line last read.
  const ScannedLine& line() const { return line_; }

 private:
  void by_kind(std::initializer_list<TokenKind> kinds, bool keep_port);
  void by_field(std::initializer_list<std::string_view> names);
  void ports();
  void packages();
  void word_after();
  void word_before();
  void states();
  void components();
  void add(std::uint32_t begin, std::uint32_t end, double fit);
  double closeness(std::uint32_t begin) const;
  void find_anchors();
  bool known(std::string_view value) const;
  void bucket(std::int64_t event_us, std::size_t length);

  Slot slot_;
  std::string near_;
  std::string near_stem_;
  std::vector<std::string> known_;
  ScannedLine line_;
  std::vector<Field> fields_;
  std::vector<std::size_t> anchors_;  // tokens that are the near word
  std::vector<SlotValue> values_;
};

}  // namespace silt::answer
