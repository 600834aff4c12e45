#include "daemon/answer/search/slot_table.h"

#include <algorithm>

#include "daemon/answer/search/filter.h"

namespace silt::answer::search {
namespace {

class Counter {
 public:
  Counter(const PatternProfile& pattern) : pattern_(pattern) {}

  void add(const Slot& slot, std::string_view text) {
    const std::string_view raw = text.substr(slot.begin, slot.end - slot.begin);
    const bool word = slot.kind == fold::TokenKind::kWord && slot.role == Role::kPlain;
    if (word && pattern_.text.find(raw) != std::string::npos) return;  // part of the template
    const std::string key = slot_key(slot, text);
    const auto [at, is_new] = slot_at_.emplace(key, slots_.size());
    if (is_new) slots_.emplace_back().name = key;
    SlotCounts& counts = slots_[at->second];
    ++counts.records;
    ++counts.types[static_cast<std::size_t>(slot.type)];
    if (counts.unit.empty() && slot.kind != fold::TokenKind::kIp) {
      if (const auto quantity = slot_quantity(slot, text, false)) counts.unit = quantity->unit;
    }
    const std::string value = slot_value(slot, text);
    if (const auto known = counts.values.find(value); known != counts.values.end()) ++known->second;
    else if (counts.values.size() < kSlotValuesMax) counts.values.emplace(value, 1);
  }

  std::vector<SlotCounts> take() {
    std::stable_sort(slots_.begin(), slots_.end(),
                     [](const SlotCounts& a, const SlotCounts& b) { return a.records > b.records; });
    return std::move(slots_);
  }

 private:
  const PatternProfile& pattern_;
  std::vector<SlotCounts> slots_;
  std::unordered_map<std::string, std::size_t> slot_at_;
};

}  // namespace

fold::FieldType SlotCounts::type() const {
  using fold::FieldType;
  const auto best = static_cast<FieldType>(std::max_element(types.begin(), types.end()) - types.begin());
  const bool decimal = best == FieldType::kInteger && types[static_cast<std::size_t>(FieldType::kDecimal)] > 0;
  return decimal ? FieldType::kDecimal : best;
}

Result<SlotTable> count_slots(const store::RecordLog& log, const Profile& profile,
                              const std::vector<store::PatternId>& ids, const Limits& limits) {
  std::unordered_map<store::PatternId, Counter> counters;
  for (const store::PatternId id : ids) {
    const auto found = profile.pattern_at.find(id);
    if (found != profile.pattern_at.end()) counters.emplace(id, profile.patterns[found->second]);
  }
  Anatomist anatomist;
  AttributeReader attributes;
  std::uint64_t seen = 0;
  SILT_ASSIGN(const Scanned scanned,
              scan_records(log, profile.ref, {}, [&](const store::RecordView& record, const store::FoldMark& mark) {
                if (++seen % kCheckEvery == 0 && limits.late()) return false;
                const auto counter = counters.find(mark.pattern);
                if (counter == counters.end() || is_head_of_csv(profile.layout.kind, record.seq) ||
                    is_comment_of_tsv(profile.layout.kind, record.text)) {
                  return true;
                }
                for (const Slot& slot : anatomist.slots_of(record.text, profile.layout)) counter->second.add(slot, record.text);
                for (const AttributeSlot& each : attributes.slots_of(record.attributes)) counter->second.add(each.slot, each.value);
                return true;
              }));
  SlotTable out;
  out.complete = !scanned.stopped;
  for (auto& [id, counter] : counters) out.patterns.emplace(id, counter.take());
  return out;
}

}  // namespace silt::answer::search
