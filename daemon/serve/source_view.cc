#include "daemon/serve/source_view.h"

#include <numbers>
#include <string>

#include "base/escape.h"
#include "daemon/fold/policy.h"

namespace silt::serve {
namespace {

using fold::Outcome;

double mean(const std::vector<float>& values) {
  if (values.empty()) return 0;
  double sum = 0;
  for (const float value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

void fill_net(const store::NetHead& head, silt::v1::Source& out) {
  out.set_learned_seq(head.learned_seq);
  out.set_learned_lines(head.learned_lines);
  out.set_scored_lines(head.scored_lines);
  out.set_counted_lines(head.counted_lines);
  for (std::size_t i = 0; i < head.skipped_by_reason.size(); ++i) {
    const auto outcome = static_cast<Outcome>(i);
    if (outcome == Outcome::kLearned || head.skipped_by_reason[i] == 0) continue;
    (*out.mutable_skipped())[std::string(outcome_name(outcome))] = head.skipped_by_reason[i];
  }
  if (head.scored_bytes > 0) out.set_bits_per_byte(bits_per_byte(head.scored_nats, head.scored_bytes));
  out.set_bits_per_byte_window(mean(head.window_bits));
  out.set_state_version(head.state_version);
  out.set_state_digest(head.state_digest.hex());
  out.set_steps(head.steps);
  out.set_backend(head.backend);
  out.set_model_fingerprint(head.model_fingerprint);
}

}  // namespace

void fill_source(const store::SourceInfo& info, const store::IntakeHead& intake, const store::FoldHead& fold,
                 const std::optional<store::NetHead>& net, silt::v1::Source& out) {
  out.set_tenant(escape_bytes(info.tenant));
  out.set_source(escape_bytes(info.name));
  out.set_input(escape_bytes(info.connector));
  out.set_lines(intake.lines);
  out.set_bytes(intake.bytes);
  out.set_journal_seq(intake.journal_seq);
  out.set_gaps(intake.gaps);
  out.set_bytes_lost(intake.bytes_lost);
  out.set_redactions(intake.redactions);
  if (intake.last_arrival_us > 0) {
    out.mutable_last_arrival()->set_seconds(intake.last_arrival_us / 1'000'000);
    out.mutable_last_arrival()->set_nanos(static_cast<int>(intake.last_arrival_us % 1'000'000) * 1000);
  }
  out.set_folded_seq(fold.folded_seq);
  out.set_floor_seq(intake.journal_seq > fold.floor_seq ? fold.floor_seq + 1 : 0);
  out.set_stored_bytes(fold.segment_bytes);
  out.set_patterns(fold.patterns);
  if (net) fill_net(*net, out);
  // The two were read one after the other: the learner may be ahead of the journal's older view.
  out.set_backlog(intake.journal_seq > out.learned_seq() ? intake.journal_seq - out.learned_seq() : 0);
}

double bits_per_byte(double nats, std::uint64_t bytes) {
  return bytes == 0 ? 0.0 : nats / std::numbers::ln2 / static_cast<double>(bytes);
}

}  // namespace silt::serve
