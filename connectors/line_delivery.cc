#include "connectors/line_delivery.h"

#include "base/clock.h"
#include "connectors/record_cutter.h"

namespace silt::connectors {
namespace {

constexpr std::size_t kLineBytesMax = 64 << 10;  // a longer one is a record of its own

}  // namespace

std::size_t deliver_lines(std::string_view text, const RecordRules* rules, bool all, const LineOrigin& origin, Delivery& out) {
  text = out.arena.copy(text);
  Record record;
  record.origin.place = out.arena.copy(origin.place);
  const Attribute modified{kModified, out.arena.copy(rfc3339_utc(origin.modified_us))};
  if (origin.modified_us != 0) record.attributes = out.arena.copy(std::span<const Attribute>(&modified, 1));
  const auto add = [&](std::string_view said, std::size_t begin, std::size_t end, std::uint32_t flags) {
    record.text = said;
    record.origin.begin = origin.begin + begin;
    record.origin.end = origin.begin + end;
    record.flags = flags;
    out.records.push_back(record);
  };
  RecordCutter cutter(text, rules, kLineBytesMax);
  Cutter::Cut cut;
  while (cutter.next(cut) || (all && cutter.last(cut))) add(cut.text, cut.begin, cut.end - 1, cut.goes_on ? kRecordCut : 0U);
  if (!all || cutter.consumed() == text.size()) return cutter.consumed();
  add(cutter.rest(), cutter.consumed(), text.size(), kRecordPartial);
  return text.size();
}

}  // namespace silt::connectors
