#include "daemon/answer/search/filter.h"

#include <algorithm>

#include "daemon/answer/language/words.h"

namespace silt::answer::search {
std::int32_t time_of_day_s(std::int64_t us, std::int32_t zone_s) {
  const std::int64_t s = us / 1'000'000 + zone_s;
  return static_cast<std::int32_t>((s % 86400 + 86400) % 86400);
}

const Slot* find_slot(const std::vector<Slot>& slots, std::string_view name, std::string_view text) {
  for (const Slot& slot : slots) {
    if (slot_key(slot, text) == name) return &slot;
  }
  return nullptr;
}

Filter::Filter(const Query& query, const Profile& profile, std::int32_t zone_s) : query_(query), zone_s_(zone_s), layout_(profile.layout.kind), items_(profile.items) {
  for (const PatternProfile& pattern : profile.patterns) {
    literal_[pattern.id] = std::all_of(query.words.begin(), query.words.end(), [&](const WordGroup& group) {
      return std::any_of(group.begin(), group.end(), [&](const std::string& word) {
        const auto id = profile.word_at.find(word);
        if (id == profile.word_at.end()) return false;
        const auto at = pattern.word_at.find(id->second);
        return at != pattern.word_at.end() && pattern.words[at->second].literal;
      });
    });
  }
}

bool Filter::in_time(std::int64_t event_us) const {
  const Window& window = query_.window;
  if (event_us < window.since_us || event_us > window.until_us) return false;
  if (window.day_from_s < 0) return true;
  const std::int32_t at = time_of_day_s(event_us, zone_s_);
  if (window.day_from_s <= window.day_to_s) return at >= window.day_from_s && at < window.day_to_s;
  return at >= window.day_from_s || at < window.day_to_s;
}

bool Filter::has_words(std::string_view text, const std::vector<WordGroup>& groups) const {
  return std::all_of(groups.begin(), groups.end(), [&](const WordGroup& group) {
    return std::any_of(group.begin(), group.end(),
                       [&](const std::string& word) { return language::has_word(text, word); });
  });
}

bool Filter::passes(RecordInHand& record, const Test& test) const {
  const Slot* slot = find_slot(record.slots(), test.slot, record.text());
  if (test.compare == Compare::kIs || test.compare == Compare::kIsNot) {
    bool is = false;
    if (slot != nullptr) {
      const std::string value = language::lower(slot_value(*slot, record.text()));
      is = std::any_of(test.any.begin(), test.any.end(),
                       [&](const std::string& wanted) { return language::lower(wanted) == value; });
    } else {
      is = std::any_of(test.any.begin(), test.any.end(), [](const std::string& wanted) { return wanted.empty(); });
    }
    return is == (test.compare == Compare::kIs);
  }
  if (slot == nullptr) return false;
  const auto quantity = read_quantity(slot->told.empty() ? record.text().substr(slot->begin, 48) : slot->told, slot->kind == fold::TokenKind::kTime);
  if (!quantity) return false;
  double value = quantity->value, bound = test.number;
  if (const auto unit = read_unit(test.unit); unit && unit->measure == quantity->measure) {
    value = quantity->base;
    bound = test.number * unit->factor;
  }
  switch (test.compare) {
    case Compare::kLess: return value < bound;
    case Compare::kAtMost: return value <= bound;
    case Compare::kMore: return value > bound;
    default: return value >= bound;
  }
}

bool Filter::matches(RecordInHand& record) const {
  if (!in_time(record.mark().event_us)) return false;
  if (is_table_head(layout_, record.record()) || items_.is_history(record.record().seq)) return false;
  const store::PatternId pattern = record.mark().pattern;
  if (!query_.patterns.empty() &&
      std::find(query_.patterns.begin(), query_.patterns.end(), pattern) == query_.patterns.end())
    return false;
  if (!query_.words.empty()) {
    const auto literal = literal_.find(pattern);
    if ((literal == literal_.end() || !literal->second) && !has_words(record.text(), query_.words)) return false;
  }
  for (const std::string& word : query_.not_words) {
    if (language::has_word(record.text(), word)) return false;
  }
  return std::all_of(query_.tests.begin(), query_.tests.end(), [&](const Test& test) { return passes(record, test); });
}

}  // namespace silt::answer::search
