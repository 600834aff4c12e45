#include "daemon/answer/search/slot_finder.h"

#include <algorithm>
#include <array>

#include "daemon/answer/search/profile.h"
#include "daemon/fold/severity.h"
#include "daemon/fold/timestamp.h"
#include "daemon/fold/visible_text.h"
#include "daemon/store/text_kinds.h"

namespace silt::answer::search {
namespace {

constexpr std::size_t kClassesMax = 16 * 1024;
constexpr std::size_t kClassBytesMax = 1024;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Each run of digits by its length and number_kind. And where the line's time is, which find_timestamp knows.
void mask_digits(std::string_view text, std::string& key) {
  key.assign(text);
  for (std::size_t at = 0; at < key.size(); ++at) {
    if (!is_digit(key[at])) continue;
    std::size_t end = at + 1;
    while (end < key.size() && is_digit(key[end])) ++end;
    std::uint64_t value = 0;
    const auto digits = static_cast<unsigned>(end - at);
    for (std::size_t i = at; i < end && digits < 5; ++i) value = value * 10 + static_cast<unsigned>(key[i] - '0');
    std::fill(key.begin() + static_cast<std::ptrdiff_t>(at), key.begin() + static_cast<std::ptrdiff_t>(end), '0');
    key[at] = static_cast<char>('0' + store::number_kind(value, digits));
    at = end;
  }
}

// Whether the type of a value, a time or not, may be another one with other digits.
bool digits_decide(const Slot& slot, std::string_view text) {
  const bool starts = is_digit(text[slot.begin]) || text[slot.begin] == '-';
  return starts && (slot.type == fold::FieldType::kTime || slot.type == fold::FieldType::kText ||
                    slot.type == fold::FieldType::kUser || slot.type == fold::FieldType::kHost);
}

bool may_have_class(std::string_view text) {
  return text.size() <= kClassBytesMax && !fold::may_hide_characters(text);
}

std::string_view first_line(std::string_view text) {
  return text.substr(0, text.find('\n'));
}

std::array<std::uint32_t, 2> span_of(const std::optional<fold::TimeText>& time) {
  return {time ? time->begin : 0, time ? time->end : 0};
}

}  // namespace

void SlotFinder::enter(store::Stretch& stretch) {
  stretch_ = &stretch;
  kinds_.clear();
}

void SlotFinder::take(std::size_t index) {
  index_ = index;
  known_ = false;
}

Status SlotFinder::read_record() {
  known_ = true;
  class_ = nullptr;
  text_ = {};
  SILT_ASSIGN(kind_, stretch_->kind(index_));
  if (kind_ != store::kNoKind) {
    if (kinds_.size() <= kind_) kinds_.resize(kind_ + std::size_t{1});
    class_of_kind(kinds_[kind_]);
    return Status::ok();
  }
  SILT_ASSIGN(text_, stretch_->text(index_));
  if (may_have_class(text_)) class_ = class_of(text_, span_of(fold::find_timestamp(first_line(text_))));
  return Status::ok();
}

SlotFinder::Class* SlotFinder::class_of(std::string_view text, Span time) {
  mask_digits(text, key_);
  key_.append(reinterpret_cast<const char*>(time.data()), sizeof time);
  auto known = classes_.find(key_);
  if (known == classes_.end()) {
    if (classes_.size() >= kClassesMax) return nullptr;
    known = classes_.emplace(key_, Class()).first;
  }
  return &known->second;
}

// Digits decide whether there is a time, too, and only records of one time share a class.
void SlotFinder::class_of_kind(Kind& kind) {
  text_ = stretch_->text_part(index_, 0, kind.head.size());
  if (!kind.met) kind.has_class = may_have_class(text_);
  if (kind.has_class && (!kind.met || !text_.starts_with(kind.head))) meet(kind);
  kind.met = true;
  class_ = kind.of;
}

// The digits behind the head are not the record's yet: they are asked for where its time may depend on them.
void SlotFinder::meet(Kind& kind) {
  auto time = fold::find_timestamp(first_line(text_));
  std::size_t reach = fold::time_reach(first_line(text_), time);
  if (reach > kind.head.size()) {
    text_ = stretch_->text_part(index_, 0, text_.size());
    time = fold::find_timestamp(first_line(text_));
    reach = fold::time_reach(first_line(text_), time);
  }
  if (!kind.met || kind.time != span_of(time)) kind.of = class_of(text_, span_of(time));
  kind.time = span_of(time);
  kind.head.assign(text_.substr(0, reach));
}

SlotFinder::Part SlotFinder::part_of(std::string_view view) const {
  const bool inside = !view.empty() && view.data() >= text_.data() && view.data() + view.size() <= text_.data() + text_.size();
  if (!inside) return {std::string(view), 0, 0, false};
  return {{}, static_cast<std::uint32_t>(view.data() - text_.data()), static_cast<std::uint32_t>(view.size()), true};
}

std::string_view SlotFinder::view_of(const Part& part) const {
  return part.in_text ? text_.substr(part.at, part.size) : part.fixed;
}

void SlotFinder::find_anew(const std::string& name) {
  found_.clear();
  for (const Slot& slot : anatomist_.slots_of(text_, layout_)) {
    if (slot_key(slot, text_) == name) found_.push_back(slot);
  }
  // "level" and the like are all called severity.
  if (found_.empty() && name != "severity" && fold::names_severity(name)) find_anew("severity");
}

Status SlotFinder::look() {
  if (!known_) status_ = read_record();
  return status_;
}

// Remembers of the class what was found.
void SlotFinder::keep(const std::string& name) {
  Named& made = class_->emplace_back();
  made.name = name;
  made.each_anew = std::any_of(found_.begin(), found_.end(), [&](const Slot& slot) { return digits_decide(slot, text_); });
  made.begin = text_.size();
  bool same = !made.each_anew;
  const auto need = [&](std::size_t begin, std::size_t end) {
    made.begin = std::min(made.begin, begin);
    made.end = std::max(made.end, end);
    const std::string_view needed = text_.substr(begin, end - begin);
    same &= std::none_of(needed.begin(), needed.end(), is_digit);
  };
  for (const Slot& slot : found_) {
    const Place& place = made.places.emplace_back(Place{slot, part_of(slot.name), part_of(slot.before), part_of(slot.after)});
    need(slot.begin, slot.end);
    for (const Part* part : {&place.name, &place.before, &place.after}) {
      if (part->in_text) need(part->at, part->at + part->size);
    }
    made.end = std::max<std::size_t>(made.end, slot.begin + kQuantityReach);
  }
  if (same) made.same = ++same_count_;
}

SlotFinder::Named* SlotFinder::named(const std::string& name) {
  if (class_ == nullptr) return nullptr;
  const auto at = std::find_if(class_->begin(), class_->end(), [&](const Named& each) { return each.name == name; });
  return at == class_->end() ? nullptr : &*at;
}

Result<std::span<const Slot>> SlotFinder::find(const std::string& name) {
  SILT_TRY(look());
  const bool kind = kind_ != store::kNoKind;
  const Named* const known = named(name);
  if (known == nullptr || known->each_anew) {
    if (kind) text_ = stretch_->text_part(index_, 0, text_.size());
    find_anew(name);
    if (class_ != nullptr && known == nullptr) keep(name);
    return std::span<const Slot>(found_);
  }
  if (kind) text_ = stretch_->text_part(index_, known->begin, known->end);
  found_.clear();
  for (const Place& place : known->places) {
    Slot& slot = found_.emplace_back(place.slot);
    slot.name = view_of(place.name);
    slot.before = view_of(place.before);
    slot.after = view_of(place.after);
  }
  return std::span<const Slot>(found_);
}

Result<std::uint32_t> SlotFinder::same(const std::string& name) {
  SILT_TRY(look());
  if (class_ != nullptr && named(name) == nullptr) SILT_TRY(find(name).status());
  const Named* const known = named(name);
  return known == nullptr ? 0 : known->same;
}

}  // namespace silt::answer::search
