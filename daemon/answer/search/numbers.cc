#include "daemon/answer/search/numbers.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace silt::answer::search {
namespace {

bool is_before(const Place& a, const Place& b) {
  return a.source != b.source ? a.source < b.source : a.seq < b.seq;
}

// What is kept of numbers, in any order.
struct Summary {
  std::uint64_t count = 0;
  double sum = 0;
  double best = 0;            // the least or greatest
  Place best_at;              // the first such record
  std::vector<double> all;    // for percentiles

  void take(const Summary& other, Op op) {
    if (other.count == 0) return;
    const bool better = op == Op::kMin ? other.best < best : other.best > best;
    if (count == 0 || better || (other.best == best && is_before(other.best_at, best_at))) {
      best = other.best;
      best_at = other.best_at;
    }
    count += other.count;
    sum += other.sum;
    all.insert(all.end(), other.all.begin(), other.all.end());
  }
};

// Which number is the first is known at the end only, and those of its measure count by `base`, others as they are
// written.
struct Measured {
  Measure measure = Measure::kNone;
  Summary written, base;
};

class NumberCollector final : public Collector {
 public:
  explicit NumberCollector(const Query& query) : query_(query) {
    keeps_all_ = query.op != Op::kSum && query.op != Op::kAverage && query.op != Op::kMin && query.op != Op::kMax;
  }

  void add(RecordInHand& record, std::size_t source) override {
    for (const Slot& slot : record.slots(query_.operand)) {
      const bool clock = slot.kind == fold::TokenKind::kTime || record.slot_text().substr(slot.begin, slot.end - slot.begin).find(':') != std::string_view::npos;
      const auto quantity = slot_quantity(slot, record.slot_text(), clock);
      if (!quantity) continue;
      take(*quantity, place_of(record, source));
      return;
    }
  }
  bool reads_slots() const override { return true; }
  std::unique_ptr<Collector> fork() const override { return std::make_unique<NumberCollector>(query_); }
  void merge(Collector& fork) override { merge(static_cast<const NumberCollector&>(fork)); }
  void merge(const NumberCollector& other) {
    if (!unit_) {
      unit_ = other.unit_;
      measure_ = other.measure_;
    }
    for (const Measured& theirs : other.measured_) {
      Measured& mine = of(theirs.measure);
      mine.written.take(theirs.written, query_.op);
      mine.base.take(theirs.base, query_.op);
    }
  }

  void finish(Outcome& out) override {
    Summary found;
    for (const Measured& each : measured_) found.take(each.measure == measure_ ? each.base : each.written, query_.op);
    out.numbers = found.count;
    if (found.count == 0) return;
    out.unit = *unit_;
    out.from = found.best_at.hit();
    out.value = value_of(found);
    const auto unit = measure_ == Measure::kNone ? std::nullopt : read_unit(*unit_);
    if (unit && unit->factor != 0) *out.value /= unit->factor;
  }

 private:
  double value_of(Summary& found) const {
    switch (query_.op) {
      case Op::kSum: return found.sum;
      case Op::kAverage: return found.sum / static_cast<double>(found.count);
      case Op::kMin:
      case Op::kMax: return found.best;
      default: break;
    }
    const double part = query_.number > 0 ? query_.number / 100 : 0.5;
    const auto last = static_cast<std::ptrdiff_t>(found.all.size()) - 1;
    const auto at = std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(std::ceil(part * static_cast<double>(found.count))) - 1, 0, last);
    std::nth_element(found.all.begin(), found.all.begin() + at, found.all.end());
    return found.all[static_cast<std::size_t>(at)];
  }

  void take(const Quantity& quantity, const Place& at) {
    if (!unit_) {
      unit_ = quantity.unit;
      measure_ = quantity.measure;
    }
    Measured& into = of(quantity.measure);
    put(quantity.value, at, into.written);
    put(quantity.base, at, into.base);
  }
  Measured& of(Measure measure) {
    const auto known = std::ranges::find(measured_, measure, &Measured::measure);
    return known != measured_.end() ? *known : measured_.emplace_back(Measured{measure, {}, {}});
  }
  void put(double value, const Place& at, Summary& into) const {
    const bool better = query_.op == Op::kMin ? value < into.best : value > into.best;
    if (into.count++ == 0 || better) {
      into.best = value;
      into.best_at = at;
    }
    into.sum += value;
    if (keeps_all_) into.all.push_back(value);
  }

  const Query& query_;
  bool keeps_all_ = false;
  std::optional<std::string> unit_;  // of the first number
  Measure measure_ = Measure::kNone;
  std::vector<Measured> measured_;   // one a measure
};

// The group that a record belongs to; nothing when it lacks the slot.
std::optional<std::string> group_value(const std::string& by, RecordInHand& record, std::size_t source, std::int32_t zone_s) {
  if (is_bucket(by)) return bucket_of(record.mark().event_us, by, zone_s);
  if (by == "source") return std::to_string(source);
  if (by == "pattern") return std::to_string(record.mark().pattern);
  const std::span<const Slot> slots = record.slots(by);
  if (slots.empty()) return std::nullopt;
  return slot_value(slots.front(), record.slot_text());
}

class NumberGroupCollector final : public Collector {
 public:
  NumberGroupCollector(const Query& query, const Limits& limits) : query_(query), limits_(limits) {}

  void add(RecordInHand& record, std::size_t source) override {
    const auto value = group_value(query_.group, record, source, limits_.zone_s);
    if (!value) return;
    if (Part* const part = part_of(*value, place_of(record, source))) part->numbers.add(record, source);
  }
  bool reads_slots() const override { return true; }
  std::unique_ptr<Collector> fork() const override { return std::make_unique<NumberGroupCollector>(query_, limits_); }
  void merge(Collector& fork) override {
    const auto& other = static_cast<const NumberGroupCollector&>(fork);
    cut_ |= other.cut_;
    for (const auto& [value, part] : other.groups_) {
      if (Part* const mine = part_of(value, part.example)) mine->numbers.merge(part.numbers);
    }
  }

  void finish(Outcome& out) override {
    out.groups_cut = cut_;
    for (auto& [value, part] : groups_) {
      Outcome one;
      part.numbers.finish(one);
      if (!one.value) continue;
      out.grouped += one.numbers;
      out.unit = one.unit;
      out.groups.push_back({value, one.numbers, part.example.hit(), one.value});
    }
    const bool least = query_.op == Op::kMin;
    const bool by_time = is_bucket(query_.group);
    std::sort(out.groups.begin(), out.groups.end(), [&](const Group& a, const Group& b) {
      if (by_time || *a.number == *b.number) return a.value < b.value;
      return least ? *a.number < *b.number : *a.number > *b.number;
    });
    if (out.groups.empty()) return;
    out.numbers = out.grouped;
    out.value = out.groups.front().number;
  }

 private:
  struct Part {
    NumberCollector numbers;
    Place example;
  };
  // Null: there are too many.
  Part* part_of(const std::string& value, const Place& example) {
    const auto found = groups_.find(value);
    if (found != groups_.end()) return &found->second;
    if (groups_.size() < limits_.groups) return &groups_.emplace(value, Part{NumberCollector(query_), example}).first->second;
    cut_ = true;
    return nullptr;
  }

  const Query& query_;
  const Limits& limits_;
  bool cut_ = false;
  std::unordered_map<std::string, Part> groups_;
};

}  // namespace

std::unique_ptr<Collector> number_collector(const Query& query) {
  return std::make_unique<NumberCollector>(query);
}
std::unique_ptr<Collector> number_group_collector(const Query& query, const Limits& limits) {
  return std::make_unique<NumberGroupCollector>(query, limits);
}

}  // namespace silt::answer::search
