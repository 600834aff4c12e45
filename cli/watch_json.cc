// What changes in the logs, what of it is normal, and the digest, as JSON.
#include <boost/json.hpp>

#include "base/utf8.h"
#include "cli/json_values.h"
#include "cli/json_view.h"

namespace silt::cli {
namespace {

namespace json = boost::json;

json::object change_of(const silt::v1::Change& from) {
  json::object out = {{"kind", from.kind()},
                      {"tenant", to_utf8(from.tenant())},
                      {"source", to_utf8(from.source())},
                      {"pattern", from.pattern()},
                      {"time", time_value(from.has_time(), from.time())},
                      {"seq", from.seq()},
                      {"value", from.value()},
                      {"most_before", from.most_before()},
                      {"score", from.score()},
                      {"says", to_utf8(from.text())}};
  set_text(out, from.record());
  return out;
}

json::object normal_of(const silt::v1::Normal& from) {
  return {{"id", from.id()},
          {"tenant", to_utf8(from.tenant())},
          {"source", to_utf8(from.source())},
          {"pattern", from.pattern()},
          {"pattern_text", to_utf8(from.pattern_text())},
          {"kind", from.kind()},
          {"until", time_value(from.has_until(), from.until())},
          {"created", time_value(from.has_created(), from.created())},
          {"created_by", to_utf8(from.created_by())},
          {"note", to_utf8(from.note())}};
}

template <class Response>
std::string normal_list(const Response& from) {
  json::array normal;
  for (const auto& one : from.normal()) normal.emplace_back(normal_of(one));
  json::object out;
  out["normal"] = std::move(normal);
  return line_of(out);
}

}  // namespace

std::string to_json(const silt::v1::MarkNormalResponse& from) {
  return normal_list(from);
}

std::string to_json(const silt::v1::ListNormalResponse& from) {
  return normal_list(from);
}

std::string to_json(const silt::v1::RemoveNormalResponse& from) {
  return line_of({{"normal", normal_of(from.normal())}});
}

std::string to_json(const silt::v1::DigestResponse& from) {
  json::array lines;
  for (const auto& line : from.lines()) {
    lines.emplace_back(json::object{{"trend", line.trend()},
                                    {"says", to_utf8(line.text())},
                                    {"pattern", to_utf8(line.pattern())},
                                    {"tenant", to_utf8(line.tenant())},
                                    {"sources", names(line.sources())},
                                    {"sources_total", line.sources_total()},
                                    {"seq", line.seq()},
                                    {"before", line.before()},
                                    {"after", line.after()}});
  }
  return line_of({{"since", time_value(from.has_since(), from.since())},
                  {"until", time_value(from.has_until(), from.until())},
                  {"sources", from.sources()},
                  {"lines", std::move(lines)},
                  {"lines_total", from.lines_total()},
                  {"noise", from.noise()},
                  {"cut", from.cut()}});
}

std::string to_json(const silt::v1::WatchResponse& from) {
  json::array incidents;
  for (const auto& incident : from.incidents()) {
    json::array changes;
    for (const auto& change : incident.changes()) changes.emplace_back(change_of(change));
    incidents.emplace_back(json::object{{"id", incident.id()},
                                        {"cause", change_of(incident.cause())},
                                        {"last", time_value(incident.has_last(), incident.last())},
                                        {"sources", names(incident.sources())},
                                        {"score", incident.score()},
                                        {"changes_total", incident.changes_total()},
                                        {"changes", std::move(changes)}});
  }
  return line_of({{"incidents", std::move(incidents)}, {"token", from.token()}, {"missed", from.missed()}});
}

}  // namespace silt::cli
