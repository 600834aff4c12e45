#include "daemon/watch/view.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/escape.h"
#include "daemon/watch/glance.h"

namespace silt::watch {
namespace {

using google::protobuf::util::TimeUtil;

constexpr std::size_t kRecordShown = 1024;  // bytes of a text
constexpr std::size_t kSourcesShown = 5;

// "12", "0.4": what is counted is whole, what is measured has a digit.
std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value == std::floor(value) ? "%.0f" : "%.1f", value);
  return text;
}

std::string minutes(double value) {
  return number(value) + (value == 1 ? " minute" : " minutes");
}

std::string sentence(const Change& change, const std::string& source, const std::string& pattern,
                     const std::string& identifier) {
  const std::string lines = pattern.empty() ? source + " wrote" : "\"" + pattern + "\" came";
  switch (change.kind) {
    case Kind::kNewPattern: return source + " writes something new: \"" + pattern + "\"";
    case Kind::kLouder:
      return lines + " " + number(change.value) + " times in a minute, and never more than " + number(std::ceil(change.most_before)) + " times before";
    case Kind::kGone:
      return lines + " regularly, and has not come for " + minutes(change.value) + "; the longest pause was " + minutes(std::ceil(change.most_before));
    case Kind::kSurprise:
      return "a minute of " + source + " was far more surprising than any: " + number(change.value) + " nats a token, never more than " +
             number(change.most_before) + " before";
    case Kind::kSilence:
      return source + " has been silent for " + minutes(change.value) + "; its longest pause was " + minutes(std::ceil(change.most_before));
    case Kind::kGap:
      return "something of " + source + " was lost before it was read: " + (change.value == 0 ? "nobody knows how many" : number(change.value)) + " bytes";
    case Kind::kSeverity: return source + " tells of trouble, which is not usual there: \"" + pattern + "\"";
    case Kind::kOddStory:
      return identifier + " in " + source + " went another way than usual: " + number(change.value) + " of " + number(change.most_before) +
             " others went so";
  }
  return {};
}

std::string count(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f", value);
  return text;
}

std::string milliseconds(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value < 10 ? "%.1f ms" : value < 10'000 ? "%.0f ms" : "%.0f s", value < 10'000 ? value : value / 1000);
  return text;
}

std::string sentence(const DigestLine& line, const std::string& what) {
  switch (line.trend) {
    case Trend::kNew: return what + " is new: " + count(line.after) + " records";
    case Trend::kGone: return what + " is gone: " + count(line.before) + " records before, none since";
    case Trend::kLouder: return what + " came " + count(line.after) + " times, " + count(line.before) + " before";
    case Trend::kQuieter: return what + " came only " + count(line.after) + " times, " + count(line.before) + " before";
    case Trend::kSlower: return what + " takes " + milliseconds(line.after) + " in the middle, " + milliseconds(line.before) + " before";
  }
  return {};
}

}  // namespace

bool IncidentView::write(const Incident& incident, silt::v1::Incident& out) {
  std::vector<const Change*> shown;
  for (const Change& change : incident.changes) {
    if (sources_.contains(change.source)) shown.push_back(&change);
  }
  const bool sees_cause = sources_.contains(incident.cause.source);
  if (!sees_cause && shown.empty()) return false;
  out.set_id(std::to_string(incident.number));
  // The first change that this reader may see.
  write(sees_cause ? incident.cause : *shown.front(), *out.mutable_cause());
  *out.mutable_last() = TimeUtil::MicrosecondsToTimestamp(incident.last_us);
  for (const store::SourceRef ref : incident.sources) {
    const auto found = sources_.find(ref);
    if (found != sources_.end()) out.add_sources(escape_bytes(found->second.name));
  }
  out.set_changes_total(incident.changes_total);
  out.set_score(incident.score);
  for (const Change* change : shown) write(*change, *out.add_changes());
  return true;
}

void IncidentView::write(const Change& change, silt::v1::Change& out) {
  const store::SourceInfo& info = sources_.at(change.source);
  out.set_kind(std::string(kind_name(change.kind)));
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
    const auto record = log_.read(info.ref, change.seq);  // its block is checked; it may have been removed since
    if (record.is_ok()) {
      out.set_record(record->text.substr(0, kRecordShown));
      identifier = escape_bytes(identifier_in(record->text));
    }
  }
  out.set_text(sentence(change, out.source(), patterns_.of(change.source, change.pattern), identifier));
}

void write(const Digest& digest, DigestSpan span, const Sources& sources, silt::v1::DigestResponse& out) {
  for (const DigestLine& line : digest.lines) {
    silt::v1::DigestLine& to = *out.add_lines();
    const store::SourceInfo& first = sources.at(line.sources.front());
    to.set_trend(std::string(trend_name(line.trend)));
    to.set_pattern(escape_bytes(line.pattern));
    to.set_tenant(escape_bytes(first.tenant));
    for (std::size_t i = 0; i < std::min(kSourcesShown, line.sources.size()); ++i) to.add_sources(escape_bytes(sources.at(line.sources[i]).name));
    to.set_sources_total(line.sources.size());
    to.set_seq(line.seq);
    to.set_before(line.before);
    to.set_after(line.after);
    to.set_text(sentence(line, line.pattern.empty() ? to.sources(0) : "\"" + to.pattern() + "\""));
  }
  out.set_lines_total(digest.lines_total);
  out.set_noise(digest.noise);
  out.set_cut(digest.cut);
  *out.mutable_since() = TimeUtil::MicrosecondsToTimestamp(span.since_us);
  *out.mutable_until() = TimeUtil::MicrosecondsToTimestamp(span.until_us);
}

}  // namespace silt::watch
