// Lexical scoring of one record against the words of a question.
#pragma once

#include <vector>

#include "daemon/answer/citations.h"
#include "daemon/answer/retrieve.h"
#include "daemon/answer/names.h"

namespace silt::answer {

struct LexicalScore {
  double coverage = 0;   // 0..1: matched share of the question's words, by idf
  double proximity = 0;  // 0..1: 1 when the matched words stand side by side
  Span span;             // from the first to the last matched word
};

// Words that match only by spelling or synonym count less. `line` must be scanned already.
LexicalScore score_words(const ScannedLine& line, const std::vector<TermGroup>& groups);

}  // namespace silt::answer
