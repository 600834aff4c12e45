#include "daemon/answer/search/collect.h"

#include <algorithm>
#include <array>
#include <map>

#include "daemon/answer/search/numbers.h"
#include "daemon/answer/search/pairs.h"

namespace silt::answer::search {
namespace {

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

class CountCollector final : public Collector {
 public:
  explicit CountCollector(const Limits& limits) : limits_(limits) {}

  void add(RecordInHand& record, std::size_t source) override {
    ++matched_;
    const std::int64_t us = record.mark().event_us;
    if (!first_ || us < first_->event_us) first_ = place_of(record, source);
    if (!last_ || us >= last_->event_us) last_ = place_of(record, source);
    PatternCount& of_pattern = pattern(source, record.mark().pattern);
    if (of_pattern.count++ == 0) of_pattern = {source, record.mark().pattern, 1, record.seq(), 0, us};
    of_pattern.last_seq = record.seq();
    if (sample_.size() < limits_.sample) {
      sample_.push_back(hit_of(record, source));
    } else if (of_pattern.count == 1 && later_.size() < limits_.sample) {
      later_.push_back(hit_of(record, source));
    }
  }
  std::unique_ptr<Collector> fork() const override { return std::make_unique<CountCollector>(limits_); }
  void merge(Collector& fork) override {
    auto& other = static_cast<CountCollector&>(fork);
    matched_ += other.matched_;
    if (other.first_ && (!first_ || other.first_->event_us < first_->event_us)) first_ = other.first_;
    if (other.last_ && (!last_ || other.last_->event_us >= last_->event_us)) last_ = other.last_;
    for (std::vector<Hit>* const hits : {&other.sample_, &other.later_}) {
      for (Hit& hit : *hits) {
        const PatternKey key{hit.source, hit.pattern};
        const bool is_new = !patterns_.contains(key) && other.patterns_.at(key).first_seq == hit.seq;
        if (sample_.size() < limits_.sample) sample_.push_back(std::move(hit));
        else if (is_new && later_.size() < limits_.sample) later_.push_back(std::move(hit));
      }
    }
    for (const auto& [key, found] : other.patterns_) {
      const auto [mine, is_new] = patterns_.emplace(key, found);
      if (is_new) continue;
      mine->second.count += found.count;
      mine->second.last_seq = found.last_seq;
    }
  }

  bool takes_counts() const override { return true; }
  void add_counts(const PatternCount& found) override {
    matched_ += found.count;
    PatternCount& of_pattern = pattern(found.source, found.pattern);
    of_pattern.count += found.count;
    of_pattern.first_seq = std::min(of_pattern.first_seq, found.first_seq);
    of_pattern.last_seq = std::max(of_pattern.last_seq, found.last_seq);
  }

  void finish(Outcome& out) override {
    out.matched = matched_;
    if (first_) out.first = first_->hit();
    if (last_) out.last = last_->hit();
    out.sample = std::move(sample_);
    for (Hit& hit : later_) out.sample.push_back(std::move(hit));
    for (const auto& [key, found] : patterns_) out.patterns.push_back(found);
    std::stable_sort(out.patterns.begin(), out.patterns.end(),
                     [](const PatternCount& a, const PatternCount& b) { return a.count > b.count; });
  }

 private:
  using PatternKey = std::pair<std::size_t, store::PatternId>;

  // Most records have the pattern of one of the last few.
  PatternCount& pattern(std::size_t source, store::PatternId id) {
    PatternCount*& known = recent_[id % recent_.size()];
    if (known == nullptr || known->source != source || known->pattern != id || known->count == 0)
      known = &patterns_[{source, id}];
    return *known;
  }

  const Limits& limits_;
  std::uint64_t matched_ = 0;
  std::optional<Place> first_, last_;
  std::vector<Hit> sample_, later_;
  std::map<PatternKey, PatternCount> patterns_;
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
    Counted* const group = slots.empty() ? nullptr : count(slot_value(slots.front(), record.slot_text()), record, source);
    if (slots.empty() || group != nullptr) known = {same, source, group};
  }
  std::unique_ptr<Collector> fork() const override { return std::make_unique<GroupCollector>(query_, limits_); }
  void merge(Collector& fork) override {
    auto& other = static_cast<GroupCollector&>(fork);
    grouped_ += other.grouped_;
    cut_ |= other.cut_;
    for (auto& [value, group] : other.groups_) {
      const auto mine = groups_.find(value);
      if (mine != groups_.end()) mine->second.count += group.count;
      else if (groups_.size() < limits_.groups) groups_.emplace(value, group);
      else cut_ = true;
    }
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
    out.groups.reserve(groups_.size());
    for (const auto& [value, group] : groups_) out.groups.push_back({value, group.count, group.example.hit(), std::nullopt});
    const bool by_time = bucket_ && query_.op != Op::kTop && query_.op != Op::kBottom && query_.op != Op::kMax && query_.op != Op::kMin;
    std::sort(out.groups.begin(), out.groups.end(), [&](const Group& a, const Group& b) {
      if (by_time) return a.value < b.value;
      if (a.count != b.count) return query_.op == Op::kBottom || query_.op == Op::kMin ? a.count < b.count : a.count > b.count;
      return a.example.seq != b.example.seq ? a.example.seq < b.example.seq : a.value < b.value;
    });
  }

 private:
  struct Counted {
    std::uint64_t count = 0;
    Place example;  // the first record of it
  };
  void add_to(Counted& group) {
    ++grouped_;
    ++group.count;
  }
  // Null: there are too many groups.
  Counted* count(const std::string& value, RecordInHand& record, std::size_t source) {
    auto found = groups_.find(value);
    if (found == groups_.end()) {
      if (groups_.size() >= limits_.groups) {
        ++grouped_;
        cut_ = true;
        return nullptr;
      }
      found = groups_.emplace(value, Counted{0, place_of(record, source)}).first;
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
  std::unordered_map<std::string, Counted> groups_;
  // The groups of the last few values, by RecordInHand::same_slots; null: records have none.
  struct Known {
    std::uint32_t same = 0;
    std::size_t source = 0;
    Counted* group = nullptr;
  };
  std::array<Known, 64> known_{};
};

class GapCollector final : public Collector {
 public:
  void add(RecordInHand& record, std::size_t source) override {
    times_.push_back({record.mark().event_us, source, record.seq()});
  }
  std::unique_ptr<Collector> fork() const override { return std::make_unique<GapCollector>(); }
  void merge(Collector& fork) override {
    const auto& other = static_cast<const GapCollector&>(fork).times_;
    times_.insert(times_.end(), other.begin(), other.end());
  }
  void finish(Outcome& out) override {
    std::stable_sort(times_.begin(), times_.end(), [](const At& a, const At& b) { return a.us < b.us; });
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
      if (groups && !query.operand.empty()) out.push_back(number_group_collector(query, limits));
      else if (groups) out.push_back(std::make_unique<GroupCollector>(query, limits));
      else if (!query.operand.empty()) out.push_back(number_collector(query));
      break;
    case Op::kDuration:
      if (!query.operand.empty()) out.push_back(number_collector(query));
      break;
    case Op::kGap: out.push_back(std::make_unique<GapCollector>()); break;
    default: break;
  }
  return out;
}

}  // namespace silt::answer::search
