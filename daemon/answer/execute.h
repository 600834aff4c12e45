// Executor: runs a plan on the store. Counts, order and times come from here, never from a network.
//
// A pure function of the store's content and the plan: the same question on the same data finds the
// same records in the same order. Ends early with kCancelled; limits set Budget::truncated().
#pragma once

#include <vector>

#include "base/status.h"
#include "daemon/answer/findings.h"
#include "daemon/answer/retrieve.h"

namespace silt::answer {

struct ExecuteContext {
  const RecordLog& log;
  const EvidenceStore& evidence;
  const std::vector<AnswerSource>& sources;
  Budget& budget;
  std::size_t candidates_max = 48;  // records kept for ranking
  std::size_t examples_max = 5;     // records kept per table row
};

Result<Findings> execute(const QueryPlan& plan, const ExecuteContext& context);

// Reads evidence and text of a record; kNotFound when retention took it.
Result<Finding> load_finding(const ExecuteContext& context, std::size_t source, Seq seq);

// The span of the message: all but the timestamp. For records without a better one.
Span message_span(const std::string& text);

// digest.cc
Status digest(const QueryPlan& plan, const ExecuteContext& context, Findings& out);
Status compare(const QueryPlan& plan, const ExecuteContext& context, Findings& out);

// The matching records of every source for a plan's required terms, phrases, pattern and `time`. Each
// means of matching (forms, spellings, synonyms) is tried only when the one before found nothing in any
// source, and is told in out.notes.
struct SourceMatches {
  std::size_t source = 0;
  std::vector<Seq> seqs;  // ascending
};
Status match_required(const QueryPlan& plan, const std::vector<PlanTerm>& terms, const TimeRange& time,
                      const ExecuteContext& context, std::vector<SourceMatches>& matches, Findings& out);

}  // namespace silt::answer
