#include "daemon/answer/search/slot_finder.h"

#include <algorithm>
#include <array>

#include "daemon/answer/search/profile.h"
#include "daemon/fold/severity.h"
#include "daemon/fold/timestamp.h"
#include "daemon/fold/visible_text.h"

namespace silt::answer::search {
namespace {

constexpr std::size_t kClassesMax = 16 * 1024;
constexpr std::size_t kClassBytesMax = 1024;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Where more is asked than "is it a digit": parts of addresses are at most 255, a status begins with 1 to 5, a
// year with 1 or 2, a hexadecimal number with 0x. And where the line's time is, which find_timestamp knows.
void mask_digits(std::string_view text, std::string& key) {
  key.assign(text);
  for (std::size_t at = 0; at < key.size(); ++at) {
    if (!is_digit(key[at])) continue;
    std::size_t end = at + 1;
    while (end < key.size() && is_digit(key[end])) ++end;
    const bool three = end - at == 3, status = three && key[at] >= '1' && key[at] <= '5';
    const bool above = three && std::string_view(key).substr(at, 3) > "255";
    const bool year = end - at == 4 && (key[at] == '1' || key[at] == '2');
    const bool hex = end - at == 1 && key[at] == '0' && end < key.size() && (key[end] | 0x20) == 'x';
    std::fill(key.begin() + static_cast<std::ptrdiff_t>(at), key.begin() + static_cast<std::ptrdiff_t>(end), '1');
    if (three) key[at] = above ? (status ? '5' : '9') : status ? '1' : '0';
    if (year) key[at] = '2';
    if (hex) key[at] = '0';
    at = end;
  }
}

// Whether the type of a value, a time or not, may be another one with other digits.
bool digits_decide(const Slot& slot, std::string_view text) {
  const bool starts = is_digit(text[slot.begin]) || text[slot.begin] == '-';
  return starts && (slot.type == fold::FieldType::kTime || slot.type == fold::FieldType::kText ||
                    slot.type == fold::FieldType::kUser || slot.type == fold::FieldType::kHost);
}

}  // namespace

void SlotFinder::take(std::string_view text) {
  text_ = text;
  known_ = false;
}

// False: the line is looked at for itself.
bool SlotFinder::read_class() {
  class_ = nullptr;
  if (text_.size() > kClassBytesMax || fold::may_hide_characters(text_)) return false;
  mask_digits(text_, key_);
  const auto time = fold::find_timestamp(text_.substr(0, std::min(text_.find('\n'), text_.size())));
  const std::array<std::uint32_t, 2> span = {time ? time->begin : 0, time ? time->end : 0};
  key_.append(reinterpret_cast<const char*>(span.data()), sizeof span);
  auto known = classes_.find(key_);
  if (known == classes_.end()) {
    if (classes_.size() >= kClassesMax) return false;
    known = classes_.emplace(key_, Class()).first;
  }
  class_ = &known->second;
  return true;
}

SlotFinder::Part SlotFinder::part_of(std::string_view view) const {
  const bool inside = !view.empty() && view.data() >= text_.data() && view.data() + view.size() <= text_.data() + text_.size();
  if (!inside) return {std::string(view), 0, 0, false};
  return {{}, static_cast<std::uint32_t>(view.data() - text_.data()), static_cast<std::uint32_t>(view.size()), true};
}

std::string_view SlotFinder::view_of(const Part& part) const {
  return part.in_text ? text_.substr(part.at, part.size) : part.fixed;
}

void SlotFinder::look(const std::string& name) {
  found_.clear();
  for (const Slot& slot : anatomist_.slots_of(text_, layout_)) {
    if (slot_key(slot, text_) == name) found_.push_back(slot);
  }
  // "level" and the like are all called severity.
  if (found_.empty() && name != "severity" && fold::names_severity(name)) look("severity");
}

const std::vector<Slot>& SlotFinder::find(const std::string& name) {
  if (!known_) read_class();
  known_ = true;
  if (class_ == nullptr) {
    look(name);
    return found_;
  }
  const auto named = std::find_if(class_->begin(), class_->end(), [&](const Named& each) { return each.name == name; });
  if (named == class_->end() || named->each_anew) {
    look(name);
    if (named != class_->end()) return found_;
    Named& made = class_->emplace_back();
    made.name = name;
    made.each_anew = std::any_of(found_.begin(), found_.end(), [&](const Slot& slot) { return digits_decide(slot, text_); });
    for (const Slot& slot : found_)
      made.places.push_back({slot, part_of(slot.name), part_of(slot.before), part_of(slot.after)});
    return found_;
  }
  found_.clear();
  for (const Place& place : named->places) {
    Slot& slot = found_.emplace_back(place.slot);
    slot.name = view_of(place.name);
    slot.before = view_of(place.before);
    slot.after = view_of(place.after);
  }
  return found_;
}

}  // namespace silt::answer::search
