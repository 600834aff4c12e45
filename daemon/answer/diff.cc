#include "daemon/answer/diff.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/escape.h"

namespace silt::answer {
namespace {

constexpr std::uint32_t kShown = 20, kShownMax = 1000;
constexpr std::size_t kComparedMax = 1000;  // patterns

}  // namespace

Result<silt::v1::DiffVersionsResponse> diff_versions(const DiffContext& context, const WeightsPair& weights,
                                                     std::uint32_t limit, SurpriseScorer& scorer) {
  std::vector<store::PatternRow> rows;
  SILT_TRY(context.evidence.patterns(context.source.ref, rows));
  std::erase_if(rows, [](const store::PatternRow& row) { return row.merged_into != 0; });
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
  if (rows.size() > kComparedMax) rows.resize(kComparedMax);
  silt::v1::DiffVersionsResponse response;
  std::vector<silt::v1::PatternChange> changes;
  for (const store::PatternRow& row : rows) {
    if (context.cancelled) return Status(Code::kCancelled, "cancelled by the caller");
    const auto record = context.log.read(context.source.ref, row.last_seq);
    if (!record.is_ok()) continue;  // removed, or damaged
    const SurpriseScorer::Text texts[] = {{weights.from, "\n", record->text}, {weights.to, "\n", record->text}};
    SILT_ASSIGN(const auto both, scorer.score(texts));
    silt::v1::PatternChange& change = changes.emplace_back();
    change.set_pattern(row.id);
    change.set_text(escape_bytes(row.text));
    change.set_count(row.count);
    change.set_seq(row.last_seq);
    change.set_from_bits(both[0].total() / std::numbers::ln2);
    change.set_to_bits(both[1].total() / std::numbers::ln2);
  }
  response.set_patterns_compared(changes.size());
  const auto size_of = [](const silt::v1::PatternChange& change) { return std::abs(change.to_bits() - change.from_bits()); };
  std::stable_sort(changes.begin(), changes.end(), [&](const auto& a, const auto& b) { return size_of(a) > size_of(b); });
  const std::size_t shown = std::min<std::size_t>(std::min(limit == 0 ? kShown : limit, kShownMax), changes.size());
  for (std::size_t i = 0; i < shown; ++i) *response.add_changes() = std::move(changes[i]);
  return response;
}

}  // namespace silt::answer
