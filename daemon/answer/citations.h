// Citations: the only way a record's text leaves silt in an answer.
//
// A citation is made from the journal, never from generated or indexed text: the record is read
// again, from a block whose SHA-256 is checked, and the span is checked against the text. What a log line says about sources, numbers or hashes has no effect on any of this.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/answer/names.h"
#include "proto/silt/v1/ask.pb.h"

namespace silt::answer {

// The bytes [begin, end) of a record.
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  friend bool operator==(const Span&, const Span&) = default;
};

struct CitationRequest {
  SourceRef source;
  std::string source_name;
  Seq seq = 0;
  Span span;
  std::int64_t event_us = 0;
  double bits = 0;
  double score = 0;
  double frozen_bits = 0;
  double usual_bits = 0;
};

// Nothing when the record is gone, its block is damaged or the span lies outside. Other store errors are
// passed up. The number is left 0: it is given when the answer is composed.
Result<std::optional<silt::v1::Citation>> cite(const RecordLog& log, const CitationRequest& request);

}  // namespace silt::answer
