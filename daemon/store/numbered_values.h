// Numbers for values, in the order of first sight: an open hash table whose newest entries can be taken
// back. Strings are views: what they point to must stay.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "daemon/store/hash64.h"

namespace silt::store {

template <class Value>
class NumberedValues {
 public:
  static std::uint64_t hash_of(std::int64_t value) {
    return mix64(static_cast<std::uint64_t>(value) + 1, 0x9e3779b97f4a7c15);
  }
  static std::uint64_t hash_of(std::string_view value) { return hash64(value); }

  std::uint32_t number_of(const Value& value) {
    if (values_.size() * 2 >= slots_.size()) grow();
    const std::size_t at = slot_of(value);
    if (slots_[at] == 0) {
      values_.push_back(value);
      slots_[at] = static_cast<std::uint32_t>(values_.size());
    }
    return slots_[at] - 1;
  }
  // Forgets all but the first `size` values.
  void shrink_to(std::size_t size) {
    for (; values_.size() > size; values_.pop_back()) slots_[slot_of(values_.back())] = 0;
  }
  void clear() {
    values_.clear();
    std::fill(slots_.begin(), slots_.end(), 0);
  }
  std::size_t size() const { return values_.size(); }
  std::span<const Value> values() const { return values_; }

 private:
  std::size_t slot_of(const Value& value) const {
    const std::size_t mask = slots_.size() - 1;
    const std::uint32_t* const slots = slots_.data();
    std::size_t at = hash_of(value) & mask;
    while (slots[at] != 0 && values_.data()[slots[at] - 1] != value) at = (at + 1) & mask;
    return at;
  }
  void grow() {
    slots_.assign(slots_.empty() ? 256 : slots_.size() * 2, 0);
    for (std::size_t i = 0; i < values_.size(); ++i)
      slots_[slot_of(values_[i])] = static_cast<std::uint32_t>(i + 1);
  }
  std::vector<Value> values_;
  std::vector<std::uint32_t> slots_;  // 0: free, else number + 1
};

}  // namespace silt::store
