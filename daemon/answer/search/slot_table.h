// Slot table: what the slots of patterns hold, for lists of patterns: name, type, unit and the values with
// their counts.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/answer/search/execute.h"
#include "daemon/answer/search/profile.h"

namespace silt::answer::search {

struct SlotCounts {
  std::string name;           // as queries name it
  std::uint64_t records = 0;  // that have it
  std::string unit;           // of its first number with one
  std::array<std::uint64_t, fold::kFieldTypes> types{};
  std::unordered_map<std::string, std::uint64_t> values;  // at most kSlotValuesMax

  // That of most values; decimal where some numbers are.
  fold::FieldType type() const;
};

struct SlotTable {
  // Of each pattern, the slots that most of its records have first; without words of its template.
  std::map<store::PatternId, std::vector<SlotCounts>> patterns;
  bool complete = true;  // false: the time was up; counts are lower bounds
};

// Of the source's patterns with these ids; reads the records.
Result<SlotTable> count_slots(const store::RecordLog& log, const Profile& profile,
                              const std::vector<store::PatternId>& ids, const Limits& limits);

}  // namespace silt::answer::search
