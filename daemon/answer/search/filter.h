// Filter: which records of a source a query means.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/answer/query.h"
#include "daemon/answer/search/profile.h"
#include "daemon/answer/search/quantity.h"
#include "daemon/answer/search/slot_finder.h"
#include "daemon/store/stretch.h"

namespace silt::answer::search {

// A record while it is looked at. Its text and slots are read on first use.
class RecordInHand {
 public:
  explicit RecordInHand(const Layout& layout) : finder_(layout) {}
  void enter(store::Stretch& stretch) {
    stretch_ = &stretch;
    finder_.enter(stretch);
  }
  // Of the stretch that was entered.
  void take(std::size_t index, const store::FoldMark& mark) {
    finder_.take(index);
    attributes_.reset();
    attribute_.reset();
    index_ = index;
    mark_ = mark;
    read_ = false;
    status_ = Status::ok();
  }
  store::Seq seq() const { return stretch_->first_seq() + index_; }
  const store::FoldMark& mark() const { return mark_; }
  // Empty when it cannot be read: then status() says why.
  std::string_view text() {
    if (!read_) read();
    return text_;
  }
  // Whether the word (lower case) stands in the text or in the value of an attribute. One of digits only must stand
  // in the text: what a number among attributes means, only its name says.
  bool holds(const std::string& word);
  // What its input says of it beside the text.
  std::span<const store::Attribute> attributes();
  // Those that slot_key calls `name` ("rhost", "from:ip"), in the order of the line, until the next call; where
  // an attribute is called so in full, or in short and the line has none, it alone. None when the record cannot be
  // read: then status() says why.
  std::span<const Slot> slots(const std::string& name);
  // Not 0: all records of the source with this number have the same values in slots of the name.
  std::uint32_t same_slots(const std::string& name);
  // Reads what slots() need: status() says whether it could be.
  void look();
  // For the slots found last: their values stand in it, other digits may be those of another record.
  std::string_view slot_text() const { return attribute_ ? attribute_->value : finder_.text(); }
  const Status& status() const { return status_; }

 private:
  void read();
  bool find_attribute(const std::string& name, Called called);

  SlotFinder finder_;
  AttributeReader attribute_reader_;
  std::optional<std::vector<store::Attribute>> attributes_;  // once they were asked for
  std::optional<AttributeSlot> attribute_;                   // that was found last, if it was one
  store::Stretch* stretch_ = nullptr;
  std::size_t index_ = 0;
  store::FoldMark mark_;
  std::string_view text_;
  bool read_ = false;
  Status status_;
};

// Visits the folded records of the range that have one of the patterns (ascending; none: any) until `visit`
// returns false; `hand` holds one after the other. What is damaged costs itself: a record whose text could not
// be read counts as damaged.
Result<Scanned> visit_records(const store::RecordLog& log, store::SourceRef source, store::SeqRange range,
                              std::span<const store::PatternId> patterns, RecordInHand& hand,
                              const std::function<bool(RecordInHand&)>& visit);

// What must be known of a pattern's records to say whether the query means them.
enum class Need : std::uint8_t {
  kNever,  // nothing: it means none of them
  kTime,   // it means those of its window
  kText,
};

// For records of one RecordInHand; not safe from several threads.
class Filter {
 public:
  Filter(const Query& query, const Profile& profile, std::int32_t zone_s);
  bool matches(RecordInHand& record) const;
  Need need_of(store::PatternId pattern) const {
    return pattern < needs_.size() ? needs_[pattern] : unknown_need(pattern);
  }
  // The same of its records in one stretch, whose letters may rule words out.
  Result<Need> need_in(store::Stretch& stretch, store::PatternId pattern) const;
  bool in_time(std::int64_t event_us) const;
  // Of records whose times lie between these: whether any can, and whether all must be in the window.
  bool may_be_in_time(std::int64_t first_us, std::int64_t last_us) const;
  bool all_in_time(std::int64_t first_us, std::int64_t last_us) const;

 private:
  Need unknown_need(store::PatternId pattern) const;
  bool passes(RecordInHand& record, std::size_t test) const;
  bool test_slots(RecordInHand& record, const Test& test) const;
  bool knows_words(store::PatternId pattern) const { return pattern < has_words_.size() && has_words_[pattern]; }

  const Query& query_;
  std::int32_t zone_s_;
  Layout::Kind layout_;
  const Items& items_;
  bool spans_ = false;  // records must begin or end one
  std::vector<Need> needs_;  // by pattern; of those that the profile knows
  std::vector<bool> has_words_;  // by pattern: its template has all words
  // What the last few values made of a test of values, by RecordInHand::same_slots.
  struct Tested {
    std::uint32_t same = 0;
    bool passes = false;
  };
  mutable std::vector<std::array<Tested, 64>> tested_;  // one a test
};

// seconds from midnight in the zone
std::int32_t time_of_day_s(std::int64_t us, std::int32_t zone_s);

}  // namespace silt::answer::search
