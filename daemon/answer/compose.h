// Composer: puts findings into a short answer whose statements carry verified citations.
//
// Every value and every quoted line in the text comes from a record that has just been re-read and
// hash-checked. Marks [1], [2], ... in the text always name a citation of this answer: log text that
// looks like a mark is escaped when it is quoted, as are control bytes and invalid UTF-8.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "daemon/answer/findings.h"
#include "daemon/answer/names.h"
#include "proto/silt/v1/ask.pb.h"

namespace silt::answer {

// The citations of one answer, in the order of their numbers.
class CitationBook {
 public:
  CitationBook(const RecordLog& log, const std::vector<AnswerSource>& sources, std::uint32_t max)
      : log_(log), sources_(sources), max_(max) {}

  // The number of the finding's citation: verified now, or cited before. 0 when it was dropped or the
  // book is full.
  Result<std::uint32_t> number(const Finding& finding);

  bool full() const { return citations_.size() >= max_; }
  const std::vector<silt::v1::Citation>& citations() const { return citations_; }
  std::uint32_t dropped() const { return static_cast<std::uint32_t>(dropped_.size()); }

 private:
  const RecordLog& log_;
  const std::vector<AnswerSource>& sources_;
  std::uint32_t max_;
  std::vector<silt::v1::Citation> citations_;
  std::set<std::pair<std::size_t, Seq>> dropped_;  // source, seq: never tried again
};

struct Composed {
  std::string text;
  bool abstained = false;
};

Result<Composed> compose(const QueryPlan& plan, const Findings& findings,
                         const std::vector<AnswerSource>& sources, CitationBook& book);

// Log text for prose: escaped (base/escape.h), and so is what looks like a mark; about `max` bytes, cut
// with "...".
std::string quote(std::string_view text, std::size_t max = 200);

}  // namespace silt::answer
