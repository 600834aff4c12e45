#include "daemon/store/column_groups.h"

#include <algorithm>
#include <map>
#include <string>

#include "daemon/store/event_clock.h"
#include "daemon/store/numbered_values.h"

namespace silt::store {
namespace {

constexpr std::uint32_t kLeadingHoles = 8;
constexpr std::size_t kMaxGroups = 16;

constexpr std::size_t kRowsPerString = 8;  // at least, in a group of strings

struct Candidate {
  ColumnGroup group;
  std::uint64_t records = 0;
  std::uint64_t constant = 0;  // of them, in shapes of several records that all have the same token
};

// The column of a shape's token; null: it is constant.
const std::uint32_t* column_of(const Shape& shape, std::uint32_t hole) {
  const auto at = std::ranges::find(shape.varying, hole);
  return at == shape.varying.end() ? nullptr
                                   : &shape.columns[static_cast<std::size_t>(at - shape.varying.begin())];
}

std::vector<Candidate> find_candidates(const char* texts, std::span<const Shape> shapes) {
  std::vector<Candidate> candidates;
  std::map<std::string, std::size_t> known;  // by class and how often it came before in the line
  for (std::uint32_t s = kOverflowShape + 1; s < shapes.size(); ++s) {
    const Shape& shape = shapes[s];
    std::map<std::string, int> before;
    for (std::uint32_t hole = 0; hole < std::min<std::size_t>(kLeadingHoles, shape.spans.size()); ++hole) {
      std::string key = class_of_value(view_of(texts, shape.first_value(hole)));
      if (key.find('0') == std::string::npos) continue;
      key += static_cast<char>(before[key]++);
      const auto [entry, is_new] = known.try_emplace(std::move(key), candidates.size());
      if (is_new) candidates.push_back({.group = {std::vector<std::uint8_t>(shapes.size(), 0)}});
      Candidate& candidate = candidates[entry->second];
      candidate.group.hole_of_shape[s] = static_cast<std::uint8_t>(hole + 1);
      candidate.records += shape.count;
      if (shape.count > 1 && column_of(shape, hole) == nullptr) candidate.constant += shape.count;
    }
  }
  return candidates;
}

// Takes shapes out of the group until it is one that pays. False: there is none.
bool refine(const char* texts, const ShapeTable& table, ColumnGroup& group) {
  thread_local Skeleton skeleton;
  std::vector<ValueRef> values;
  const auto collect = [&] {
    values.clear();
    for (std::uint32_t s = 0; s < table.shapes().size(); ++s) {
      if (!group.has(s)) continue;
      const Shape& shape = table.shapes()[s];
      const std::uint32_t* const column = column_of(shape, group.hole(s));
      if (column == nullptr) {
        values.push_back(shape.first_value(group.hole(s)));
      } else {
        values.insert(values.end(), table.column(*column).begin(), table.column(*column).end());
      }
    }
  };
  collect();
  if (split_values(texts, values, Slots::kNumbers, skeleton)) return true;
  NumberedValues<std::string_view> distinct;
  for (const ValueRef value : values) distinct.number_of(view_of(texts, value));
  if (distinct.size() * kRowsPerString <= values.size()) return true;
  if (split_values(texts, values, Slots::kNumbersAndWords, skeleton)) return true;
  for (std::uint32_t s = 0; s < table.shapes().size(); ++s) {
    if (!group.has(s)) continue;
    const std::uint32_t* const column = column_of(table.shapes()[s], group.hole(s));
    if (column != nullptr && !split_values(texts, table.column(*column), Slots::kNumbers, skeleton)) {
      group.hole_of_shape[s] = 0;
    }
  }
  collect();
  return !values.empty() && split_values(texts, values, Slots::kNumbers, skeleton);
}

}  // namespace

std::vector<ColumnGroup> plan_groups(const char* texts, const ShapeTable& table) {
  std::uint64_t records = 0;
  for (const Shape& shape : table.shapes().subspan(1)) records += shape.count;
  std::vector<ColumnGroup> groups;
  for (Candidate& candidate : find_candidates(texts, table.shapes())) {
    const bool pays = candidate.records * 4 >= records && candidate.constant * 10 <= candidate.records;
    if (pays && groups.size() < kMaxGroups && refine(texts, table, candidate.group)) {
      groups.push_back(std::move(candidate.group));
    }
  }
  return groups;
}

void collect_group(const ColumnGroup& group, const ShapeTable& table,
                   std::span<const std::uint32_t> shape_of_record, std::vector<ValueRef>& values,
                   std::vector<std::uint32_t>& row_of_record) {
  struct Cursor {
    const ValueRef* next;
    std::size_t step;  // 0: the shape's constant, again and again
  };
  std::vector<ValueRef> constants(table.shapes().size());
  std::vector<Cursor> cursors(table.shapes().size(), {nullptr, 0});
  for (std::uint32_t s = 0; s < cursors.size(); ++s) {
    if (!group.has(s)) continue;
    const Shape& shape = table.shapes()[s];
    const std::uint32_t* const column = column_of(shape, group.hole(s));
    constants[s] = shape.first_value(group.hole(s));
    cursors[s] = column == nullptr ? Cursor{&constants[s], 0} : Cursor{table.column(*column).data(), 1};
  }
  values.clear();
  row_of_record.assign(shape_of_record.size(), kNoRow);
  for (std::size_t i = 0; i < shape_of_record.size(); ++i) {
    Cursor& cursor = cursors[shape_of_record[i]];
    if (cursor.next == nullptr) continue;
    row_of_record[i] = static_cast<std::uint32_t>(values.size());
    values.push_back(*cursor.next);
    cursor.next += cursor.step;
  }
}

}  // namespace silt::store
