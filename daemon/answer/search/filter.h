// Filter: which records of a source a query means.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/answer/query.h"
#include "daemon/answer/search/anatomy.h"
#include "daemon/answer/search/profile.h"
#include "daemon/answer/search/quantity.h"

namespace silt::answer::search {

// The first slot of that name, as slot_key gives it ("rhost", "from:ip"); nullptr: none.
const Slot* find_slot(const std::vector<Slot>& slots, std::string_view name, std::string_view text);

// A record while it is looked at; slots are found on first use.
class RecordInHand {
 public:
  RecordInHand(const Layout& layout) : layout_(layout) {}
  void take(const store::RecordView& record, const store::FoldMark& mark) {
    record_ = &record;
    mark_ = mark;
    slots_ = nullptr;
  }
  const store::RecordView& record() const { return *record_; }
  const store::FoldMark& mark() const { return mark_; }
  std::string_view text() const { return record_->text; }
  const std::vector<Slot>& slots() {
    if (slots_ == nullptr) slots_ = &anatomist_.slots_of(record_->text, layout_, record_->attributes);
    return *slots_;
  }

 private:
  const Layout& layout_;
  Anatomist anatomist_;
  const store::RecordView* record_ = nullptr;
  store::FoldMark mark_;
  const std::vector<Slot>* slots_ = nullptr;
};

class Filter {
 public:
  Filter(const Query& query, const Profile& profile, std::int32_t zone_s);
  bool matches(RecordInHand& record) const;
  bool in_time(std::int64_t event_us) const;

 private:
  bool has_words(std::string_view text, const std::vector<WordGroup>& groups) const;
  bool passes(RecordInHand& record, const Test& test) const;

  const Query& query_;
  std::int32_t zone_s_;
  Layout::Kind layout_;
  const Items& items_;
  std::unordered_map<store::PatternId, bool> literal_;  // patterns whose template has all words
};

// seconds from midnight in the zone
std::int32_t time_of_day_s(std::int64_t us, std::int32_t zone_s);

}  // namespace silt::answer::search
