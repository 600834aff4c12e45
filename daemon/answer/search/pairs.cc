#include "daemon/answer/search/pairs.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemon/answer/language/words.h"

namespace silt::answer::search {
namespace {

constexpr std::size_t kEventsMax = 500'000;
constexpr std::size_t kKeysMax = 12;       // slots of one record that may be the identifier
constexpr std::size_t kValueMax = 80;      // bytes; longer ones identify nothing

bool holds(std::string_view text, const std::vector<WordGroup>& groups) {
  return std::all_of(groups.begin(), groups.end(), [&](const WordGroup& group) {
    return std::any_of(group.begin(), group.end(), [&](const std::string& word) { return language::has_word(text, word); });
  });
}

struct Event {
  std::size_t source = 0;
  store::Seq seq = 0;
  std::int64_t us = 0;
  store::PatternId pattern = 0;
  bool starts = false;
  bool ends = false;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> keys;  // name and value, by number
};

struct Span {
  const Event* from = nullptr;
  const Event* to = nullptr;
  double seconds() const { return static_cast<double>(to->us - from->us) / 1e6; }
};

struct Pairing {
  std::vector<Span> spans;
  std::size_t values = 0;  // different ones of the key
  std::size_t open = 0;
};

class Numbers {
 public:
  std::uint32_t of(const std::string& text) {
    const auto [at, fresh] = known_.emplace(text, static_cast<std::uint32_t>(names_.size()));
    if (fresh) names_.push_back(text);
    return at->second;
  }
  const std::string& name(std::uint32_t number) const { return names_[number]; }

 private:
  std::unordered_map<std::string, std::uint32_t> known_;
  std::vector<std::string> names_;
};

class PairCollector final : public Collector {
 public:
  explicit PairCollector(const Query& query) : query_(query) {}

  void add(RecordInHand& record, std::size_t source) override {
    Event event;
    event.starts = holds(record.text(), query_.from_words);
    event.ends = holds(record.text(), query_.to_words);
    if (!event.starts && !event.ends) return;
    if (events_.size() >= kEventsMax) {
      cut_ = true;
      return;
    }
    event.source = source;
    event.seq = record.seq();
    event.us = record.mark().event_us;
    event.pattern = record.mark().pattern;
    const auto& slots = query_.group.empty() ? anatomist_.slots_of(record.text(), {}) : record.slots(query_.group);
    for (const Slot& slot : slots) {
      if (event.keys.size() >= kKeysMax) break;
      if (slot.kind == fold::TokenKind::kTime || slot.end - slot.begin > kValueMax) continue;
      const std::string name = query_.group.empty() ? slot_key(slot, record.text()) : query_.group;
      event.keys.emplace_back(numbers_.of(name), numbers_.of(slot_value(slot, record.text())));
    }
    events_.push_back(std::move(event));
  }

  bool reads_text() const override { return true; }

  void finish(Outcome& out) override {
    std::stable_sort(events_.begin(), events_.end(), [](const Event& a, const Event& b) { return a.us < b.us; });
    out.groups_cut = cut_;
    Pairing best = pair([](const Event&) { return std::uint32_t{0}; });
    const std::size_t plain = best.spans.size();
    for (const std::uint32_t key : keys()) {
      Pairing made = pair([&](const Event& event) { return value_of(event, key); });
      if (made.values < 2 && query_.group.empty()) continue;
      const bool better = made.spans.size() > best.spans.size() || (made.spans.size() == best.spans.size() && made.values > best.values);
      if (!better && query_.group.empty()) continue;
      // Of one at a time, pairs in order are as good as any; an identifier must not lose them.
      if (query_.group.empty() && made.spans.size() * 10 < plain * 9) continue;
      best = std::move(made);
      out.paired_by = numbers_.name(key);
    }
    out.open = best.open;
    tell(best.spans, out);
  }

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  static std::uint32_t value_of(const Event& event, std::uint32_t key) {
    for (const auto& [name, value] : event.keys) {
      if (name == key) return value;
    }
    return kNone;
  }

  std::vector<std::uint32_t> keys() const {
    std::map<std::uint32_t, std::pair<std::size_t, std::size_t>> seen;  // in starts, in ends
    for (const Event& event : events_) {
      for (const auto& [name, value] : event.keys) {
        seen[name].first += event.starts;
        seen[name].second += event.ends;
      }
    }
    std::vector<std::uint32_t> out;
    for (const auto& [name, counts] : seen) {
      if (counts.first > 0 && counts.second > 0) out.push_back(name);
    }
    return out;
  }

  // A start that comes again before its end begins anew: the first one ended unseen.
  template <typename Key>
  Pairing pair(const Key& key) const {
    Pairing out;
    std::unordered_map<std::uint32_t, const Event*> open;
    for (const Event& event : events_) {
      const std::uint32_t value = key(event);
      if (value == kNone) continue;
      const auto found = open.find(value);
      const bool waits = found != open.end() && found->second != nullptr;
      if (event.ends && waits) {
        out.spans.push_back({found->second, &event});
        found->second = nullptr;
      } else if (event.starts) {
        open[value] = &event;
      }
    }
    out.values = open.size();
    for (const auto& [value, event] : open) out.open += event != nullptr;
    return out;
  }

  static Hit hit_of(const Event& event) { return {event.source, event.seq, event.us, event.pattern, "", ""}; }

  void tell(const std::vector<Span>& spans, Outcome& out) const {
    out.numbers = spans.size();
    if (spans.empty()) return;
    out.unit = "s";
    std::vector<double> values;
    double sum = 0;
    for (const Span& span : spans) {
      values.push_back(span.seconds());
      sum += span.seconds();
    }
    const auto shorter = [](const Span& a, const Span& b) { return a.seconds() < b.seconds(); };
    const Span* shown = &spans.front();
    const double n = static_cast<double>(values.size());
    switch (query_.op) {
      case Op::kSum: out.value = sum; break;
      case Op::kMin: shown = &*std::min_element(spans.begin(), spans.end(), shorter); break;
      case Op::kMax: shown = &*std::max_element(spans.begin(), spans.end(), shorter); break;
      case Op::kPercentile: {
        const double part = query_.number > 0 ? query_.number / 100 : 0.5;
        std::sort(values.begin(), values.end());
        const auto at = static_cast<std::size_t>(std::clamp(std::ceil(part * n) - 1, 0.0, n - 1));
        out.value = values[at];
        break;
      }
      default: out.value = sum / n;  // of one it is the span itself
    }
    if (!out.value) out.value = shown->seconds();
    out.from = hit_of(*shown->from);
    out.to = hit_of(*shown->to);
  }

  const Query& query_;
  Anatomist anatomist_;
  Numbers numbers_;
  std::vector<Event> events_;
  bool cut_ = false;
};

}  // namespace

std::unique_ptr<Collector> pair_collector(const Query& query) {
  return std::make_unique<PairCollector>(query);
}

}  // namespace silt::answer::search
