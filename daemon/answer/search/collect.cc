#include "daemon/answer/search/collect.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "daemon/answer/language/words.h"
#include "daemon/answer/search/pairs.h"

namespace silt::answer::search {
namespace {

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

// Without the text, which is read at the end: there may be a new last record with each one.
Hit end_of(RecordInHand& record, std::size_t source) {
  return {source, record.seq(), record.mark().event_us, record.mark().pattern, "", ""};
}

// The group that a record belongs to; nothing when it lacks the slot.
std::optional<std::string> group_value(const std::string& by, RecordInHand& record, std::size_t source, std::int32_t zone_s) {
  if (is_bucket(by)) return bucket_of(record.mark().event_us, by, zone_s);
  if (by == "source") return std::to_string(source);
  if (by == "pattern") return std::to_string(record.mark().pattern);
  const std::span<const Slot> slots = record.slots(by);
  if (slots.empty()) return std::nullopt;
  return slot_value(slots.front(), record.slot_text());
}

class CountCollector final : public Collector {
 public:
  explicit CountCollector(const Limits& limits) : limits_(limits) {}

  void add(RecordInHand& record, std::size_t source) override {
    ++matched_;
    const std::int64_t us = record.mark().event_us;
    if (!first_ || us < first_->event_us) first_ = end_of(record, source);
    if (!last_ || us >= last_->event_us) last_ = end_of(record, source);
    PatternCount& of_pattern = pattern(source, record.mark().pattern);
    if (of_pattern.count++ == 0) of_pattern = {source, record.mark().pattern, 1, record.seq(), 0, us};
    of_pattern.last_seq = record.seq();
    if (sample_.size() < limits_.sample) {
      sample_.push_back(hit_of(record, source));
    } else if (of_pattern.count == 1 && later_.size() < limits_.sample) {
      later_.push_back(hit_of(record, source));
    }
  }

  bool takes_counts() const override { return true; }
  void add_counts(const PatternCount& found) override {
    matched_ += found.count;
    PatternCount& of_pattern = pattern(found.source, found.pattern);
    of_pattern.count += found.count;
    of_pattern.last_seq = found.last_seq;
  }

  void finish(Outcome& out) override {
    out.matched = matched_;
    out.first = std::move(first_);
    out.last = std::move(last_);
    out.sample = std::move(sample_);
    for (Hit& hit : later_) out.sample.push_back(std::move(hit));
    for (const auto& [key, found] : patterns_) out.patterns.push_back(found);
    std::stable_sort(out.patterns.begin(), out.patterns.end(),
                     [](const PatternCount& a, const PatternCount& b) { return a.count > b.count; });
  }

 private:
  // Most records have the pattern of one of the last few.
  PatternCount& pattern(std::size_t source, store::PatternId id) {
    PatternCount*& known = recent_[id % recent_.size()];
    if (known == nullptr || known->source != source || known->pattern != id || known->count == 0)
      known = &patterns_[{source, id}];
    return *known;
  }

  const Limits& limits_;
  std::uint64_t matched_ = 0;
  std::optional<Hit> first_, last_;
  std::vector<Hit> sample_, later_;
  std::map<std::pair<std::size_t, store::PatternId>, PatternCount> patterns_;
  std::array<PatternCount*, 64> recent_{};
};

class GroupCollector final : public Collector {
 public:
  GroupCollector(const Query& query, const Limits& limits)
      : query_(query), limits_(limits), by_(query.group.empty() ? query.operand : query.group), 
        bucket_(is_bucket(by_)) {}

  void add(RecordInHand& record, std::size_t source) override {
    if (bucket_) return count_bucket(record, source);
    if (by_ == "source" || by_ == "pattern") {
      count(std::to_string(by_ == "source" ? source : record.mark().pattern), record, source);
      return;
    }
    const std::uint32_t same = record.same_slots(by_);
    Known& known = known_[same % known_.size()];
    if (same != 0 && known.same == same && known.source == source) {
      if (known.group != nullptr) add_to(*known.group);
      return;
    }
    const std::span<const Slot> slots = record.slots(by_);
    Group* const group = slots.empty() ? nullptr : count(slot_value(slots.front(), record.slot_text()), record, source);
    if (slots.empty() || group != nullptr) known = {same, source, group};
  }
  bool reads_slots() const override { return !bucket_ && !takes_counts(); }
  bool takes_counts() const override { return by_ == "source" || by_ == "pattern"; }
  void add_counts(const PatternCount& found) override {
    grouped_ += found.count;
    const auto group = groups_.find(std::to_string(by_ == "source" ? found.source : found.pattern));
    if (group != groups_.end()) group->second.count += found.count;
  }

  void finish(Outcome& out) override {
    out.grouped = grouped_;
    out.groups_cut = cut_;
    for (auto& [value, group] : groups_) out.groups.push_back(std::move(group));
    const bool by_time = bucket_ && query_.op != Op::kTop && query_.op != Op::kBottom && query_.op != Op::kMax && query_.op != Op::kMin;
    std::sort(out.groups.begin(), out.groups.end(), [&](const Group& a, const Group& b) {
      if (by_time) return a.value < b.value;
      if (a.count != b.count) return query_.op == Op::kBottom || query_.op == Op::kMin ? a.count < b.count : a.count > b.count;
      return a.example.seq != b.example.seq ? a.example.seq < b.example.seq : a.value < b.value;
    });
  }

 private:
  void add_to(Group& group) {
    ++grouped_;
    ++group.count;
  }
  // Null: there are too many groups.
  Group* count(const std::string& value, RecordInHand& record, std::size_t source) {
    auto found = groups_.find(value);
    if (found == groups_.end()) {
      if (groups_.size() >= limits_.groups) {
        ++grouped_;
        cut_ = true;
        return nullptr;
      }
      found = groups_.emplace(value, Group{value, 0, hit_of(record, source), std::nullopt}).first;
    }
    add_to(found->second);
    return &found->second;
  }

  // Times that follow each other are mostly of one bucket, whose name is made once.
  void count_bucket(RecordInHand& record, std::size_t source) {
    const std::int64_t step = by_ == "second" ? 1 : by_ == "minute" ? 60 : by_ == "hour" ? 3600 : 86400;
    const std::int64_t seconds = floor_div(record.mark().event_us, 1'000'000) + limits_.zone_s;
    const std::int64_t bucket = floor_div(seconds, step);
    if (bucket_name_.empty() || bucket != bucket_at_) bucket_name_ = bucket_of(record.mark().event_us, by_, limits_.zone_s);
    bucket_at_ = bucket;
    count(bucket_name_, record, source);
  }

  const Query& query_;
  const Limits& limits_;
  std::string by_;
  bool bucket_;
  std::int64_t bucket_at_ = 0;
  std::string bucket_name_;
  bool cut_ = false;
  std::uint64_t grouped_ = 0;
  std::unordered_map<std::string, Group> groups_;
  // The groups of the last few values, by RecordInHand::same_slots; null: records have none.
  struct Known {
    std::uint32_t same = 0;
    std::size_t source = 0;
    Group* group = nullptr;
  };
  std::array<Known, 64> known_{};
};

class NumberCollector final : public Collector {
 public:
  explicit NumberCollector(const Query& query) : query_(query), name_(query.operand) {}

  void add(RecordInHand& record, std::size_t source) override {
    for (const Slot& slot : record.slots(name_)) {
      const bool clock = slot.kind == fold::TokenKind::kTime || record.slot_text().substr(slot.begin, slot.end - slot.begin).find(':') != std::string_view::npos;
      const auto quantity = slot_quantity(slot, record.slot_text(), clock);
      if (!quantity) continue;
      take(*quantity, record, source);
      return;
    }
  }
  bool reads_slots() const override { return true; }

  void finish(Outcome& out) override {
    out.numbers = values_.size();
    if (values_.empty()) return;
    out.unit = unit_;
    out.from = std::move(extreme_);
    const double n = static_cast<double>(values_.size());
    double sum = 0;
    for (const double value : values_) sum += value;
    switch (query_.op) {
      case Op::kSum: out.value = sum; break;
      case Op::kAverage: out.value = sum / n; break;
      case Op::kMin:
      case Op::kMax: out.value = best_; break;
      default: {
        const double part = query_.number > 0 ? query_.number / 100 : 0.5;
        auto at = static_cast<std::ptrdiff_t>(std::ceil(part * n)) - 1;
        at = std::clamp<std::ptrdiff_t>(at, 0, static_cast<std::ptrdiff_t>(values_.size()) - 1);
        std::nth_element(values_.begin(), values_.begin() + at, values_.end());
        out.value = values_[static_cast<std::size_t>(at)];
      }
    }
    if (measure_ != Measure::kNone && factor_ != 0) *out.value /= factor_;
  }

 private:
  void take(const Quantity& quantity, RecordInHand& record, std::size_t source) {
    if (values_.empty()) {  // the first record's unit is the one that the answer has
      measure_ = quantity.measure;
      unit_ = quantity.unit;
      const auto unit = read_unit(quantity.unit);
      factor_ = unit ? unit->factor : 1;
    }
    const double value = quantity.measure == measure_ && measure_ != Measure::kNone ? quantity.base : quantity.value;
    const bool better = values_.empty() || (query_.op == Op::kMin ? value < best_ : value > best_);
    values_.push_back(value);
    if (!better) return;
    best_ = value;
    extreme_ = hit_of(record, source);
  }

  const Query& query_;
  std::string name_;
  std::vector<double> values_;
  double best_ = 0, factor_ = 1;
  Measure measure_ = Measure::kNone;
  std::string unit_;
  std::optional<Hit> extreme_;
};

// Sum, average, ... of a slot, for each value of another.
class NumberGroupCollector final : public Collector {
 public:
  NumberGroupCollector(const Query& query, const Limits& limits) : query_(query), limits_(limits) {}

  void add(RecordInHand& record, std::size_t source) override {
    const auto value = group_value(query_.group, record, source, limits_.zone_s);
    if (!value) return;
    auto found = groups_.find(*value);
    if (found == groups_.end()) {
      if (groups_.size() >= limits_.groups) {
        cut_ = true;
        return;
      }
      found = groups_.emplace(*value, Part{NumberCollector(query_), hit_of(record, source)}).first;
    }
    found->second.numbers.add(record, source);
  }

  bool reads_slots() const override { return true; }

  void finish(Outcome& out) override {
    out.groups_cut = cut_;
    for (auto& [value, part] : groups_) {
      Outcome one;
      part.numbers.finish(one);
      if (!one.value) continue;
      out.grouped += one.numbers;
      out.unit = one.unit;
      out.groups.push_back({value, one.numbers, std::move(part.example), one.value});
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
    Hit example;
  };
  const Query& query_;
  const Limits& limits_;
  bool cut_ = false;
  std::unordered_map<std::string, Part> groups_;
};

class GapCollector final : public Collector {
 public:
  void add(RecordInHand& record, std::size_t source) override {
    times_.push_back({record.mark().event_us, source, record.seq()});
  }
  void finish(Outcome& out) override {
    std::sort(times_.begin(), times_.end(), [](const At& a, const At& b) { return a.us < b.us; });
    std::int64_t best = -1;
    for (std::size_t i = 1; i < times_.size(); ++i) {
      if (times_[i].us - times_[i - 1].us <= best) continue;
      best = times_[i].us - times_[i - 1].us;
      out.from = Hit{times_[i - 1].source, times_[i - 1].seq, times_[i - 1].us, 0, "", ""};
      out.to = Hit{times_[i].source, times_[i].seq, times_[i].us, 0, "", ""};
    }
    if (best < 0) return;
    out.value = static_cast<double>(best) / 1e6;
    out.unit = "s";
  }

 private:
  struct At {
    std::int64_t us;
    std::size_t source;
    store::Seq seq;
  };
  std::vector<At> times_;
};

}  // namespace

Hit hit_of(RecordInHand& record, std::size_t source) {
  return {source, record.seq(), record.mark().event_us, record.mark().pattern,
          std::string(record.text().substr(0, 16 * 1024)), ""};
}

std::vector<std::unique_ptr<Collector>> collectors_for(const Query& query, const Limits& limits) {
  std::vector<std::unique_ptr<Collector>> out;
  out.push_back(std::make_unique<CountCollector>(limits));
  if (is_span(query)) {
    out.push_back(pair_collector(query));
    return out;
  }
  const bool groups = !query.group.empty();
  switch (query.op) {
    case Op::kCount:
      if (groups) out.push_back(std::make_unique<GroupCollector>(query, limits));
      break;
    case Op::kDistinct:
    case Op::kTop:
    case Op::kBottom:
    case Op::kThreshold:
    case Op::kList:
    case Op::kCompare:
    case Op::kHistogram:
    case Op::kTrend:
      if (groups || !query.operand.empty()) out.push_back(std::make_unique<GroupCollector>(query, limits));
      break;
    case Op::kSum:
    case Op::kAverage:
    case Op::kMin:
    case Op::kMax:
    case Op::kPercentile:
      if (groups && !query.operand.empty()) out.push_back(std::make_unique<NumberGroupCollector>(query, limits));
      else if (groups) out.push_back(std::make_unique<GroupCollector>(query, limits));
      else if (!query.operand.empty()) out.push_back(std::make_unique<NumberCollector>(query));
      break;
    case Op::kDuration:
      if (!query.operand.empty()) out.push_back(std::make_unique<NumberCollector>(query));
      break;
    case Op::kGap: out.push_back(std::make_unique<GapCollector>()); break;
    default: break;
  }
  return out;
}

}  // namespace silt::answer::search
