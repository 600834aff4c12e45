#include "daemon/export.h"

#include <boost/json.hpp>

#include "base/clock.h"
#include "base/escape.h"
#include "base/utf8.h"
#include "connectors/connector.h"
#include "daemon/store/tombstone.h"

namespace silt::daemon {
namespace {

namespace json = boost::json;

json::array flag_names(std::uint32_t flags) {
  using namespace connectors;
  json::array names;
  const auto take = [&](std::uint32_t flag, const char* name) {
    if ((flags & flag) != 0) names.emplace_back(name);
    flags &= ~flag;
  };
  take(kRecordCut, "cut");
  take(kRecordPartial, "partial");
  take(kRecordGap, "gap");
  take(store::kRecordForgotten, "forgotten");
  if (flags != 0) names.emplace_back(std::to_string(flags));  // of a newer siltd
  return names;
}

}  // namespace

std::string to_json_line(const ExportRecord& record) {
  json::object out;
  out["tenant"] = escape_bytes(record.tenant);
  out["source"] = escape_bytes(record.source);
  out["seq"] = record.seq;
  out["place"] = escape_bytes(record.place);
  out["arrival"] = rfc3339_utc(record.arrival_us);
  if (record.event_us) out["event_time"] = rfc3339_utc(*record.event_us);
  if (is_utf8(record.text)) {
    out["text"] = record.text;
  } else {
    out["text_base64"] = base64(record.text);
  }
  if (!record.attributes.empty()) {
    json::object& attributes = (out["attributes"] = json::object()).as_object();
    for (const auto& [name, value] : record.attributes) attributes[escape_bytes(name)] = escape_bytes(value);
  }
  if (record.flags != 0) out["flags"] = flag_names(record.flags);
  if (record.bytes_cut != 0) out["bytes_cut"] = record.bytes_cut;
  if (!record.pattern.empty()) out["pattern"] = escape_bytes(record.pattern);
  return json::serialize(out) + "\n";
}

}  // namespace silt::daemon
