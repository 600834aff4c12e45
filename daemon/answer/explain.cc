#include "daemon/answer/explain.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/escape.h"
#include "daemon/answer/api_time.h"
#include "daemon/answer/compose.h"
#include "daemon/answer/names.h"

namespace silt::answer {
namespace {

constexpr Seq kContextRecords = 8;   // read before the line
constexpr std::size_t kSimilar = 3;  // earlier records that are returned
constexpr std::size_t kPool = 64;

double bits(double nats) {
  return nats / std::log(2.0);
}

std::string fixed(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f", value);
  return text;
}

// What the model reads before the line: the records in front of `seq`.
std::string context_before(const ExecuteContext& context, Seq seq) {
  std::string text;
  for (Seq at = seq > kContextRecords ? seq - kContextRecords : 1; at < seq; ++at) {
    const auto record = context.log.read(context.sources[0].info.ref, at);
    if (record.is_ok()) text += record->text + "\n";
  }
  return text;
}

Status score_tokens(const ExecuteContext& context, std::string_view before, std::string_view line,
                    SurpriseScorer& scorer, silt::v1::ExplainResponse& out) {
  const AnswerSource& source = context.sources[0];
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

// Earlier records with the most of the line's words.
Result<std::vector<Finding>> similar_to(const ExecuteContext& context, std::string_view line, Seq before) {
  const AnswerSource& source = context.sources[0];
  const Retriever from(context.log, context.evidence, source.info.ref, source.fold.folded_seq,
                       context.budget);
  std::vector<std::string> terms;
  index_terms(line, terms);
  std::vector<TermGroup> groups;
  for (const std::string& term : terms) {
    SILT_ASSIGN(TermGroup group, from.expand(PlanTerm{term, false, {}, {}}, MatchLevel::kDirect));
    if (group.count > 1 || before == ~Seq{0}) groups.push_back(std::move(group));
  }
  std::sort(groups.begin(), groups.end(),
            [](const TermGroup& a, const TermGroup& b) { return a.idf > b.idf; });
  std::vector<Seq> seqs;
  SILT_TRY(from.any_of(groups, QueryPlan{}, TimeRange{}, seqs));
  seqs.erase(std::lower_bound(seqs.begin(), seqs.end(), before), seqs.end());
  SILT_TRY(from.keep_best(groups, kPool, seqs));
  std::vector<Finding> found;
  std::vector<std::pair<double, Seq>> ranked;
  for (const Seq seq : seqs) {
    SILT_ASSIGN(const JournalRecord record, from.record(seq));
    std::vector<std::string> own;
    index_terms(record.text, own);
    double shared = 0;
    for (const TermGroup& group : groups) {
      if (std::binary_search(own.begin(), own.end(), group.term.text)) shared += group.idf;
    }
    ranked.emplace_back(shared, seq);
  }
  std::sort(ranked.begin(), ranked.end(), std::greater<>());
  for (std::size_t i = 0; i < ranked.size() && i < kSimilar; ++i) {
    SILT_ASSIGN(Finding finding, load_finding(context, 0, ranked[i].second));
    finding.score = ranked[i].first;
    found.push_back(std::move(finding));
  }
  return found;
}

void describe_pattern(const ExecuteContext& context, PatternId id, silt::v1::ExplainResponse& out) {
  const auto row = context.evidence.pattern(context.sources[0].info.ref, id);
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

std::string verdict(const silt::v1::ExplainResponse& out) {
  std::string text;
  if (out.pattern().empty()) {
    text = "No pattern of this source is like it.";
  } else {
    text = "Its pattern has " + std::to_string(out.pattern_count()) +
           (out.pattern_count() == 1 ? " record" : " records") + ", first at " +
           format_time(time_us_of(out.pattern_first_seen())) + ", last at " +
           format_time(time_us_of(out.pattern_last_seen())) + ".";
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
    text += " Most surprising: \"" + quote(peak->text()) + "\" (" + fixed(peak->adapted_bits()) + " bits).";
  }
  return text;
}

Status add_similar(const ExecuteContext& context, const std::vector<Finding>& similar,
                   silt::v1::ExplainResponse& out) {
  CitationBook book(context.log, context.sources, kSimilar);
  for (const Finding& finding : similar) SILT_TRY(book.number(finding).status());
  for (const silt::v1::Citation& citation : book.citations()) *out.add_similar() = citation;
  return Status::ok();
}

}  // namespace

Result<silt::v1::ExplainResponse> explain_record(const ExecuteContext& context, Seq seq,
                                                 SurpriseScorer* scorer) {
  silt::v1::ExplainResponse out;
  auto finding = load_finding(context, 0, seq);
  if (!finding.is_ok() && finding.status().code() == Code::kNotFound) {
    return not_found("record " + std::to_string(seq) + " of source '" +
                     escape_bytes(context.sources[0].info.name) + "' does not exist or is not indexed yet");
  }
  SILT_TRY(finding.status());
  CitationBook book(context.log, context.sources, 1);
  SILT_ASSIGN(const std::uint32_t number, book.number(*finding));
  if (number == 0) return data_loss("record " + std::to_string(seq) + " does not match its hash");
  *out.mutable_record() = book.citations().front();
  describe_pattern(context, finding->pattern, out);
  describe_source(context.sources[0], out);
  if (scorer != nullptr)
    SILT_TRY(score_tokens(context, context_before(context, seq), finding->text, *scorer, out));
  SILT_ASSIGN(const auto similar, similar_to(context, finding->text, seq));
  SILT_TRY(add_similar(context, similar, out));
  out.set_text(verdict(out));
  return out;
}

Result<silt::v1::ExplainResponse> explain_line(const ExecuteContext& context, std::string_view line,
                                               SurpriseScorer* scorer) {
  silt::v1::ExplainResponse out;
  out.mutable_record()->set_text(std::string(line));
  SILT_ASSIGN(const auto similar, similar_to(context, line, ~Seq{0}));
  if (!similar.empty()) describe_pattern(context, similar.front().pattern, out);
  describe_source(context.sources[0], out);
  if (scorer != nullptr) {
    SILT_TRY(score_tokens(context, context_before(context, context.sources[0].net.learned_seq + 1), line,
                          *scorer, out));
  }
  SILT_TRY(add_similar(context, similar, out));
  out.set_text(verdict(out));
  return out;
}

}  // namespace silt::answer
