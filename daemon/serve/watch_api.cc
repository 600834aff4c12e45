#include <google/protobuf/util/time_util.h>

#include <cmath>
#include <cstdio>

#include "base/escape.h"
#include "daemon/serve/api.h"
#include "daemon/serve/shown_sources.h"
#include "daemon/watch/board.h"
#include "daemon/watch/glance.h"

namespace silt::serve {
namespace {

using access::Call;
using google::protobuf::util::TimeUtil;

constexpr std::uint32_t kPollMs = 1000;
constexpr std::size_t kRecordShown = 1024;  // bytes of a text

// "12", "0.4": what is counted is whole, what is measured has a digit.
std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value == std::floor(value) ? "%.0f" : "%.1f", value);
  return text;
}

std::string minutes(double value) {
  return number(value) + (value == 1 ? " minute" : " minutes");
}

std::string sentence(const watch::Change& change, const std::string& source, const std::string& pattern,
                     const std::string& identifier) {
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
    case watch::Kind::kSeverity: return source + " tells of trouble, which is not usual there: \"" + pattern + "\"";
    case watch::Kind::kOddStory:
      return identifier + " in " + source + " went another way than usual: " + number(change.value) + " of " + number(change.most_before) +
             " others went so";
  }
  return {};
}

// Writes changes as the API shows them. One call's: what it has read of the store it keeps.
class Writer {
 public:
  Writer(const Sources& sources, const ServerDependencies& stores) : sources_(sources), stores_(stores), patterns_(stores.folds) {}

  void write(const watch::Incident& incident, silt::v1::Incident& out) {
    out.set_id(std::to_string(incident.number));
    // The first change that this caller may see.
    const bool sees_cause = sources_.contains(incident.cause.source);
    write(sees_cause ? incident.cause : incident.changes.front(), *out.mutable_cause());
    *out.mutable_last() = TimeUtil::MicrosecondsToTimestamp(incident.last_us);
    for (const store::SourceRef ref : incident.sources) {
      const auto found = sources_.find(ref);
      if (found != sources_.end()) out.add_sources(escape_bytes(found->second.name));
    }
    out.set_changes_total(incident.changes_total);
    out.set_score(incident.score);
    for (const watch::Change& change : incident.changes) write(change, *out.add_changes());
  }

 private:
  void write(const watch::Change& change, silt::v1::Change& out) {
    const store::SourceInfo& info = sources_.at(change.source);
    out.set_kind(std::string(watch::kind_name(change.kind)));
    out.set_tenant(escape_bytes(info.tenant));
    out.set_source(escape_bytes(info.name));
    out.set_pattern(change.pattern);
    *out.mutable_time() = TimeUtil::MicrosecondsToTimestamp(change.time_us);
    out.set_seq(change.seq);
    out.set_value(change.value);
    out.set_most_before(change.most_before);
    out.set_score(change.score);
    std::string identifier = "something";
    if (change.seq != 0) {
      const auto record = stores_.log.read(info.ref, change.seq);  // its block is checked; it may have been removed since
      if (record.is_ok()) {
        out.set_record(record->text.substr(0, kRecordShown));
        identifier = escape_bytes(watch::identifier_in(record->text));
      }
    }
    out.set_text(sentence(change, out.source(), patterns_.of(change.source, change.pattern), identifier));
  }

  const Sources& sources_;
  const ServerDependencies& stores_;
  PatternTexts patterns_;
};

}  // namespace

Result<silt::v1::WatchResponse> Api::watch(const Call& call, const silt::v1::WatchRequest& request) const {
  SILT_TRY(check_names(request));
  if (dependencies_.board == nullptr) return unimplemented("nothing is watched here");
  const std::vector<std::string> names(request.sources().begin(), request.sources().end());
  SILT_ASSIGN(const std::vector<store::SourceInfo> infos, catalogue_.find(call, request.tenant(), names));
  const Sources sources = by_ref(infos);
  SILT_ASSIGN(const watch::News news, dependencies_.board->since(request.token(), request.recent(), [&](store::SourceRef source) {
    return sources.contains(source);
  }));
  silt::v1::WatchResponse response;
  Writer writer(sources, dependencies_);
  for (const watch::Incident& incident : news.incidents) writer.write(incident, *response.add_incidents());
  response.set_token(news.token);
  response.set_missed(news.missed);
  response.set_poll_ms(news.more ? 0 : kPollMs);
  return response;
}

}  // namespace silt::serve
