#include "daemon/answer/query_proto.h"

#include <algorithm>
#include <array>
#include <string>

#include "daemon/answer/api_time.h"

namespace silt::answer {
namespace {

constexpr std::array<std::string_view, 7> kCompareNames = {"=", "!=", "<", "<=", ">", ">=", "~"};  // as Compare

void to_window(const Window& window, silt::v1::TimeWindow& out) {
  if (window.since_us != Window::kMin) set_time(window.since_us, *out.mutable_since());
  if (window.until_us != Window::kMax) set_time(window.until_us, *out.mutable_until());
  if (window.day_from_s < 0) return;
  out.set_daily_from_s(window.day_from_s);
  out.set_daily_to_s(window.day_to_s);
}

Window from_window(const silt::v1::TimeWindow& from) {
  Window out;
  if (from.has_since()) out.since_us = time_us_of(from.since());
  if (from.has_until()) out.until_us = time_us_of(from.until());
  if (from.has_daily_from_s() && from.has_daily_to_s()) {
    out.day_from_s = std::clamp(from.daily_from_s(), 0, 86400);
    out.day_to_s = std::clamp(from.daily_to_s(), 0, 86400);
  }
  return out;
}

std::vector<WordGroup> groups_of(const google::protobuf::RepeatedPtrField<silt::v1::Alternatives>& from) {
  std::vector<WordGroup> out;
  for (const silt::v1::Alternatives& group : from) {
    if (group.any_size() > 0) out.emplace_back(group.any().begin(), group.any().end());
  }
  return out;
}

}  // namespace

void to_proto(const Query& query, silt::v1::Query& out) {
  out.set_operation(std::string(name_of(query.op)));
  *out.mutable_sources() = {query.sources.begin(), query.sources.end()};
  if (query.window.bounded()) to_window(query.window, *out.mutable_window());
  if (query.other_window.bounded()) to_window(query.other_window, *out.mutable_other_window());
  for (const WordGroup& group : query.words) *out.add_words()->mutable_any() = {group.begin(), group.end()};
  for (const WordGroup& group : query.from_words) *out.add_from_words()->mutable_any() = {group.begin(), group.end()};
  for (const WordGroup& group : query.to_words) *out.add_to_words()->mutable_any() = {group.begin(), group.end()};
  *out.mutable_not_words() = {query.not_words.begin(), query.not_words.end()};
  *out.mutable_versus() = {query.versus.begin(), query.versus.end()};
  *out.mutable_patterns() = {query.patterns.begin(), query.patterns.end()};
  for (const Test& test : query.tests) {
    silt::v1::SlotTest& made = *out.add_tests();
    made.set_slot(test.slot);
    made.set_compare(std::string(kCompareNames[static_cast<std::size_t>(test.compare)]));
    *made.mutable_any() = {test.any.begin(), test.any.end()};
    made.set_number(test.number);
    made.set_unit(test.unit);
  }
  out.set_operand(query.operand);
  out.set_group(query.group);
  out.set_number(query.number);
  out.set_limit(query.limit);
}

Result<Query> from_proto(const silt::v1::Query& from) {
  Query out;
  const auto op = std::find(kOpNames.begin(), kOpNames.end(), from.operation());
  if (op == kOpNames.end()) return invalid_argument("query: '" + from.operation() + "' is no operation");
  out.op = static_cast<Op>(op - kOpNames.begin());
  out.sources.assign(from.sources().begin(), from.sources().end());
  if (from.has_window()) out.window = from_window(from.window());
  if (from.has_other_window()) out.other_window = from_window(from.other_window());
  out.words = groups_of(from.words());
  out.from_words = groups_of(from.from_words());
  out.to_words = groups_of(from.to_words());
  out.not_words.assign(from.not_words().begin(), from.not_words().end());
  out.versus.assign(from.versus().begin(), from.versus().end());
  out.patterns.assign(from.patterns().begin(), from.patterns().end());
  for (const silt::v1::SlotTest& test : from.tests()) {
    const auto compare = std::find(kCompareNames.begin(), kCompareNames.end(), test.compare());
    if (compare == kCompareNames.end()) return invalid_argument("query: '" + test.compare() + "' is no comparison");
    out.tests.push_back({test.slot(), static_cast<Compare>(compare - kCompareNames.begin()),
                         {test.any().begin(), test.any().end()}, test.number(), test.unit()});
  }
  out.operand = from.operand();
  out.group = from.group();
  out.number = from.number();
  out.limit = from.limit();
  return out;
}

}  // namespace silt::answer
