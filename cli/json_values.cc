#include "cli/json_values.h"

#include <boost/json.hpp>
#include <utility>

#include "base/clock.h"
#include "base/escape.h"
#include "base/utf8.h"

namespace silt::cli {

namespace json = boost::json;

void set_text(json::object& to, const std::string& bytes) {
  to["text"] = to_utf8(bytes);
  if (!is_utf8(bytes)) to["text_base64"] = base64(bytes);
}

json::value time_value(bool set, const google::protobuf::Timestamp& time) {
  if (!set) return nullptr;
  return json::value(rfc3339_utc(time.seconds() * 1'000'000 + time.nanos() / 1000));
}

json::array names(const google::protobuf::RepeatedPtrField<std::string>& items) {
  json::array out;
  for (const auto& item : items) out.emplace_back(to_utf8(item));
  return out;
}

std::string line_of(json::object object) {
  return json::serialize(json::value(std::move(object))) + "\n";
}

}  // namespace silt::cli
