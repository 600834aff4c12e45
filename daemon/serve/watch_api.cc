#include <google/protobuf/util/time_util.h>

#include <cmath>
#include <cstdio>
#include <map>

#include "base/escape.h"
#include "daemon/serve/api.h"
#include "daemon/watch/board.h"

namespace silt::serve {
namespace {

using access::Call;
using google::protobuf::util::TimeUtil;
using Sources = std::map<store::SourceRef, store::SourceInfo>;

constexpr std::uint32_t kPollMs = 1000;
constexpr std::size_t kRecordShown = 4096;  // bytes of a text

// "12", "0.4": what is counted is whole, what is measured has a digit.
std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value == std::floor(value) ? "%.0f" : "%.1f", value);
  return text;
}

std::string minutes(double value) {
  return number(value) + (value == 1 ? " minute" : " minutes");
}

std::string sentence(const watch::Change& change, const std::string& source, const std::string& pattern) {
  const std::string lines = pattern.empty() ? source + " wrote" : "\"" + pattern + "\" came";
  switch (change.kind) {
    case watch::Kind::kNewPattern: return source + " writes something new: \"" + pattern + "\"";
    case watch::Kind::kLouder:
      return lines + " " + number(change.value) + " times in a minute, and never more than " + number(std::ceil(change.most_before)) + " times before";
    case watch::Kind::kGone:
      return lines + " regularly, and has not come for " + minutes(change.value) + "; the longest pause was " + minutes(std::ceil(change.most_before));
    case watch::Kind::kSurprise:
      return "a minute of " + source + " was far more surprising than any: " + number(change.value) + " nats a token, never more than " +
             number(change.most_before) + " before";
    case watch::Kind::kSilence:
      return source + " has been silent for " + minutes(change.value) + "; its longest pause was " + minutes(std::ceil(change.most_before));
    case watch::Kind::kGap:
      return "something of " + source + " was lost before it was read: " + (change.value == 0 ? "nobody knows how many" : number(change.value)) + " bytes";
  }
  return {};
}

void fill(const watch::Change& change, const store::SourceInfo& info, const ServerDependencies& stores, silt::v1::Change& out) {
  out.set_kind(std::string(watch::kind_name(change.kind)));
  out.set_tenant(escape_bytes(info.tenant));
  out.set_source(escape_bytes(info.name));
  out.set_pattern(change.pattern);
  *out.mutable_time() = TimeUtil::MicrosecondsToTimestamp(change.time_us);
  out.set_seq(change.seq);
  out.set_value(change.value);
  out.set_most_before(change.most_before);
  const auto record = stores.log.read(info.ref, change.seq);  // its block is checked; it may have been removed since
  if (change.seq > 0 && record.is_ok()) out.set_record(record->text.substr(0, kRecordShown));
  std::string pattern;
  std::vector<store::PatternRow> rows;
  if (change.pattern > 0 && stores.folds.patterns(info.ref, rows).is_ok()) {
    for (const store::PatternRow& row : rows) {
      if (row.id == change.pattern) pattern = escape_bytes(row.text);
    }
  }
  out.set_text(sentence(change, out.source(), pattern));
}

void fill(const watch::Incident& incident, const Sources& sources, const ServerDependencies& stores, silt::v1::Incident& out) {
  out.set_id(std::to_string(incident.number));
  // The first change that this caller may see.
  const bool sees_cause = sources.contains(incident.cause.source);
  const watch::Change& cause = sees_cause ? incident.cause : incident.changes.front();
  fill(cause, sources.at(cause.source), stores, *out.mutable_cause());
  *out.mutable_last() = TimeUtil::MicrosecondsToTimestamp(incident.last_us);
  for (const store::SourceRef ref : incident.sources) {
    const auto found = sources.find(ref);
    if (found != sources.end()) out.add_sources(escape_bytes(found->second.name));
  }
  out.set_changes_total(incident.changes_total);
  for (const watch::Change& change : incident.changes) fill(change, sources.at(change.source), stores, *out.add_changes());
}

}  // namespace

Result<silt::v1::WatchResponse> Api::watch(const Call& call, const silt::v1::WatchRequest& request) const {
  SILT_TRY(check_names(request));
  if (dependencies_.board == nullptr) return unimplemented("nothing is watched here");
  const std::vector<std::string> names(request.sources().begin(), request.sources().end());
  SILT_ASSIGN(const std::vector<store::SourceInfo> infos, catalogue_.find(call, request.tenant(), names));
  Sources sources;
  for (const store::SourceInfo& info : infos) sources.emplace(info.ref, info);
  SILT_ASSIGN(const watch::News news, dependencies_.board->since(request.token(), request.recent(), [&](store::SourceRef source) {
    return sources.contains(source);
  }));
  silt::v1::WatchResponse response;
  for (const watch::Incident& incident : news.incidents) fill(incident, sources, dependencies_, *response.add_incidents());
  response.set_token(news.token);
  response.set_missed(news.missed);
  response.set_poll_ms(kPollMs);
  return response;
}

}  // namespace silt::serve
