#include "daemon/answer/explain.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/escape.h"
#include "daemon/answer/api_time.h"
#include "daemon/answer/citations.h"
#include "daemon/answer/reply/compose.h"
#include "daemon/answer/search/oddness.h"
#include "daemon/answer/search/records.h"

namespace silt::answer {
namespace {

constexpr Seq kContextRecords = 8;   // read before the line
constexpr std::size_t kSimilar = 3;  // earlier records that are returned
constexpr std::size_t kPostingsMax = 10'000'000;  // records of a term that are looked at
constexpr std::size_t kCommon = 50'000;            // a term in more records tells little

double bits(double nats) {
  return nats / std::log(2.0);
}

std::string fixed(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f", value);
  return text;
}

// What the model reads before the line: the records in front of `seq`.
std::string context_before(const ExplainContext& context, Seq seq) {
  std::string text;
  for (Seq at = seq > kContextRecords ? seq - kContextRecords : 1; at < seq; ++at) {
    const auto record = context.log.read(context.source.info.ref, at);
    if (record.is_ok()) text += record->text + "\n";
  }
  return text;
}

Status score_tokens(const ExplainContext& context, std::string_view before, std::string_view line,
                    SurpriseScorer& scorer, silt::v1::ExplainResponse& out) {
  const AnswerSource& source = context.source;
  const auto weights = source.snapshot ? source.snapshot->weights : nullptr;
  const std::string text = std::string(line) + "\n";
  const SurpriseScorer::Text texts[] = {{weights, before, text}, {nullptr, before, text}};
  SILT_ASSIGN(const auto both, scorer.score(texts));
  const SurpriseScorer::Scored& adapted = both[0];
  const SurpriseScorer::Scored& frozen = both[1];
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < adapted.tokens.size(); ++i) {
    silt::v1::TokenSurprise& token = *out.add_tokens();
    token.set_text(std::string(scorer.piece(adapted.tokens[i])));
    token.set_adapted_bits(bits(adapted.nats[i]));
    token.set_frozen_bits(bits(frozen.nats[i]));
    bytes += token.text().size();
  }
  if (bytes > 0) {
    out.set_adapted_bits_per_byte(bits(adapted.total()) / double(bytes));
    out.set_frozen_bits_per_byte(bits(frozen.total()) / double(bytes));
  }
  return Status::ok();
}

// The bytes of the message: all but a timestamp in front.
Span message_span(const std::string& text) {
  const auto time = find_timestamp(text);
  std::size_t begin = time && time->begin < 8 ? time->end : 0;
  while (begin < text.size() && (text[begin] == ' ' || text[begin] == ']' || text[begin] == ':')) ++begin;
  if (begin >= text.size()) begin = 0;
  return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(text.size())};
}

// The record as a citation; none when it fails its check.
Result<std::optional<silt::v1::Citation>> cite_record(const ExplainContext& context, const Evidence& evidence,
                                                      const std::string& text, double score) {
  return cite(context.log, {context.source.info.ref, context.source.info.name, evidence.seq, message_span(text),
                            evidence.event_us, bits(evidence.adapted_nats), score, bits(evidence.frozen_nats), 0});
}

// A term of the line, and where else it is.
struct SharedTerm {
  double weight = 0;  // the rarer, the more
  std::vector<Seq> seqs;
};

// The line's terms that records before `before` have, the rarest first.
Result<std::vector<SharedTerm>> shared_terms(const ExplainContext& context, std::string_view line, Seq before) {
  const double all = double(std::min<Seq>(context.source.fold.folded_seq, before - 1));
  std::vector<std::string> terms;
  index_terms(line, terms);
  std::vector<SharedTerm> out;
  for (const std::string& term : terms) {
    if (context.cancelled) return Status(Code::kCancelled, "the asker has gone");
    SharedTerm shared;
    SILT_TRY(context.evidence.postings(context.source.info.ref, term, {1, before - 1}, kPostingsMax, shared.seqs));
    if (shared.seqs.empty()) continue;
    const double some = std::min(double(shared.seqs.size()), all);
    shared.weight = std::log(1 + (all - some + 0.5) / (some + 0.5));
    out.push_back(std::move(shared));
  }
  std::sort(out.begin(), out.end(),
            [](const SharedTerm& a, const SharedTerm& b) { return a.seqs.size() < b.seqs.size(); });
  return out;
}

struct Similar {
  Seq seq = 0;
  double weight = 0;  // of the terms that it shares
};

// Records before `before` with the most of the line's terms, the best first. Terms that nearly every
// record has tell little: they are left out when there are rarer ones.
Result<std::vector<Similar>> similar_to(const ExplainContext& context, std::string_view line, Seq before) {
  if (before <= 1) return std::vector<Similar>();
  SILT_ASSIGN(const std::vector<SharedTerm> terms, shared_terms(context, line, before));
  std::vector<Similar> all;
  for (const SharedTerm& term : terms) {
    if (!all.empty() && term.seqs.size() > kCommon) break;
    for (const Seq seq : term.seqs) all.push_back({seq, term.weight});
  }
  std::sort(all.begin(), all.end(), [](const Similar& a, const Similar& b) { return a.seq < b.seq; });
  std::vector<Similar> summed;
  for (const Similar& one : all) {
    if (summed.empty() || summed.back().seq != one.seq) summed.push_back({one.seq, 0});
    summed.back().weight += one.weight;
  }
  const auto kept = summed.begin() + static_cast<std::ptrdiff_t>(std::min(kSimilar, summed.size()));
  std::partial_sort(summed.begin(), kept, summed.end(), [](const Similar& a, const Similar& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.seq > b.seq;
  });
  summed.erase(kept, summed.end());
  return summed;
}

// Adds the similar records that can be read; gives the pattern of the best of them.
Result<std::optional<PatternId>> add_similar(const ExplainContext& context, const std::vector<Similar>& similar,
                                             silt::v1::ExplainResponse& out) {
  std::optional<PatternId> best;
  for (const Similar& one : similar) {
    const auto evidence = context.evidence.evidence(context.source.info.ref, one.seq);
    const auto record = context.log.read(context.source.info.ref, one.seq);
    if (search::is_gone(evidence.status()) || search::is_gone(record.status())) continue;
    SILT_TRY(evidence.status());
    SILT_TRY(record.status());
    SILT_ASSIGN(auto citation, cite_record(context, *evidence, record->text, one.weight));
    if (!citation) continue;
    if (!best) best = evidence->pattern;
    citation->set_number(static_cast<std::uint32_t>(out.similar_size() + 1));
    *out.add_similar() = std::move(*citation);
  }
  return best;
}

void describe_pattern(const ExplainContext& context, PatternId id, silt::v1::ExplainResponse& out) {
  const auto row = context.evidence.pattern(context.source.info.ref, id);
  if (!row.is_ok()) return;
  out.set_pattern(escape_bytes(row->text));
  out.set_pattern_count(row->count);
  set_time(row->first_event_us, *out.mutable_pattern_first_seen());
  set_time(row->last_event_us, *out.mutable_pattern_last_seen());
}

void describe_source(const AnswerSource& source, silt::v1::ExplainResponse& out) {
  if (!source.snapshot) return;
  out.set_source_bits_per_byte(source.snapshot->bits_per_byte_window);
  out.set_state_version(source.snapshot->state_version);
}

// What it was to the weights when it came, against what such lines usually are to them.
std::string oddness_text(const search::OddRecord& odd) {
  const auto whole = [](double value) { return std::to_string(std::lround(value)); };
  return " When it came it took " + whole(odd.bits) + " bits (" + whole(odd.frozen_bits) + " without learning); such lines usually take " +
         whole(odd.usual_bits) + (odd.is_odd() ? ", so it is odd." : ".");
}

std::string verdict(const silt::v1::ExplainResponse& out) {
  std::string text;
  if (out.pattern().empty()) {
    text = "No pattern of this source is like it.";
  } else {
    text = "Its pattern has " + std::to_string(out.pattern_count()) +
           (out.pattern_count() == 1 ? " record" : " records") + ", first at " +
           reply::time_text(time_us_of(out.pattern_first_seen()), 0) + ", last at " +
           reply::time_text(time_us_of(out.pattern_last_seen()), 0) + ".";
  }
  if (out.tokens_size() == 0) return text;
  text += " The source's model reads it at " + fixed(out.adapted_bits_per_byte()) + " bits per byte (" +
          fixed(out.frozen_bits_per_byte()) + " before it learned the source";
  if (out.source_bits_per_byte() > 0) text += "; usual now: " + fixed(out.source_bits_per_byte());
  text += ").";
  const auto peak =
      std::max_element(out.tokens().begin(), out.tokens().end(),
                       [](const auto& a, const auto& b) { return a.adapted_bits() < b.adapted_bits(); });
  if (peak->adapted_bits() >= 4) {
    text += " Most surprising: \"" + escape_bytes(peak->text()) + "\" (" + fixed(peak->adapted_bits()) + " bits).";
  }
  return text;
}

}  // namespace

Result<silt::v1::ExplainResponse> explain_record(const ExplainContext& context, Seq seq, SurpriseScorer* scorer) {
  const SourceInfo& source = context.source.info;
  const auto evidence = context.evidence.evidence(source.ref, seq);
  if (!evidence.is_ok() && evidence.status().code() == Code::kNotFound) {
    return not_found("record " + std::to_string(seq) + " of source '" + escape_bytes(source.name) +
                     "' does not exist or is not indexed yet");
  }
  SILT_TRY(evidence.status());
  SILT_ASSIGN(const JournalRecord record, context.log.read(source.ref, seq));
  SILT_ASSIGN(auto citation, cite_record(context, *evidence, record.text, 0));
  if (!citation) return data_loss("record " + std::to_string(seq) + " does not match its hash");
  silt::v1::ExplainResponse out;
  citation->set_number(1);
  *out.mutable_record() = std::move(*citation);
  describe_pattern(context, evidence->pattern, out);
  describe_source(context.source, out);
  if (scorer != nullptr) SILT_TRY(score_tokens(context, context_before(context, seq), record.text, *scorer, out));
  SILT_ASSIGN(const auto similar, similar_to(context, record.text, seq));
  SILT_TRY(add_similar(context, similar, out).status());
  out.set_text(verdict(out));
  SILT_ASSIGN(const auto odd, search::oddness_of(context.evidence, source.ref, seq));
  if (odd) {
    out.mutable_record()->set_usual_bits(odd->usual_bits);
    out.set_text(out.text() + oddness_text(*odd));
  }
  return out;
}

Result<silt::v1::ExplainResponse> explain_line(const ExplainContext& context, std::string_view line,
                                               SurpriseScorer* scorer) {
  silt::v1::ExplainResponse out;
  out.mutable_record()->set_text(std::string(line));
  SILT_ASSIGN(const auto similar, similar_to(context, line, context.source.fold.folded_seq + 1));
  SILT_ASSIGN(const auto pattern, add_similar(context, similar, out));
  if (pattern) describe_pattern(context, *pattern, out);
  describe_source(context.source, out);
  if (scorer != nullptr) {
    SILT_TRY(score_tokens(context, context_before(context, context.source.net.learned_seq + 1), line, *scorer, out));
  }
  out.set_text(verdict(out));
  return out;
}

}  // namespace silt::answer
