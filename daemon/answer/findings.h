// Findings: what the execution of a plan found, before it is verified and put into words.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/answer/citations.h"
#include "daemon/answer/plan.h"
#include "daemon/answer/names.h"

namespace silt::answer {

// A source that a question may look at.
struct AnswerSource {
  SourceInfo info;
  NetHead net;
  store::FoldHead fold;
  Seq journal_seq = 0;
  std::shared_ptr<const Snapshot> snapshot;  // null: never published
};

// One record that an answer may rest on.
struct Finding {
  std::size_t source = 0;  // index into the sources
  Seq seq = 0;
  PatternId pattern = 0;
  std::int64_t event_us = 0;
  double bits = 0;     // adapted surprise when it arrived
  double lexical = 0;  // how well its words fit
  double score = 0;    // what it is ranked by
  std::string text;    // as read from the journal; re-read before it is cited
  std::string value;   // of the slot; empty: none found
  double fit = 0;      // of the value
  Span span;           // the value, else what matched
};

// A line of a table: a group with its count, a pattern with its change.
struct TableRow {
  std::string label;
  std::uint64_t count = 0;
  std::uint64_t baseline = 0;     // compare: records in the range compared with
  std::string remark;             // "new", "gone", "3.0 times as often", "surprising (41 bits)"
  std::vector<Finding> examples;  // newest first, at least one
};

struct MissingTerm {
  std::string text;
  std::uint64_t count = 0;  // records that have it alone, all sources together
};

struct Findings {
  std::uint64_t matched = 0;         // records that fit the plan
  std::uint64_t distinct = 0;        // values, when the plan counts values
  std::vector<Finding> records;      // best first
  std::vector<TableRow> rows;        // top, compare, digest
  std::vector<MissingTerm> missing;  // why nothing was found: each required term by itself
  std::vector<std::string> notes;    // words that were read as others
  std::int64_t span_us = 0;          // between: time from the first to the last record
};

}  // namespace silt::answer
