#include "daemon/outbox/render.h"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "base/escape.h"
#include "daemon/watch/view.h"

namespace silt::outbox {
namespace {

using google::protobuf::util::TimeUtil;

constexpr std::int64_t kMinuteUs = 60'000'000, kDayMinutes = 24 * 60;
constexpr std::size_t kSourcesNamed = 50, kRecordBytes = 300;

store::OutboxChange row_of(const watch::Change& change) {
  return {static_cast<std::uint32_t>(change.kind), change.source, change.pattern, change.time_us, change.seq, change.value, change.most_before,
          change.score};
}

watch::Change change_of(const store::OutboxChange& row) {
  return {static_cast<watch::Kind>(row.kind), row.source, row.pattern, row.time_us, row.seq, row.value, row.most_before, row.score};
}

std::string number_of(const std::string& id) {
  return id.substr(id.rfind('.') + 1);
}

watch::Incident incident_of(const store::OutboxRow& row) {
  watch::Incident out;
  out.number = std::strtoull(number_of(row.id).c_str(), nullptr, 10);
  out.cause = change_of(row.cause);
  out.last_us = row.last_us;
  out.sources = {row.sources.begin(), row.sources.end()};
  out.changes_total = row.changes_total;
  out.score = row.cause.score;
  for (const store::OutboxChange& change : row.changes) {
    if (change.kind < watch::kKinds) out.changes.push_back(change_of(change));
    out.score = std::max(out.score, change.score);
  }
  return out;
}

std::string left_out(std::uint64_t count) {
  if (count == 0) return {};
  return std::to_string(count) + (count == 1 ? " incident" : " incidents") + " before this message left out: there were too many\n";
}

Message message_of(silt::v1::Alert alert) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  Message out{alert.id(), alert.title(), alert.text(), {}};
  (void)google::protobuf::util::MessageToJsonString(alert, &out.json, options);  // all strings are UTF-8
  return out;
}

}  // namespace

store::OutboxRow row_of(const watch::Incident& incident, const std::string& id) {
  store::OutboxRow row;
  row.id = id;
  row.cause = row_of(incident.cause);
  row.last_us = incident.last_us;
  for (const store::SourceRef source : incident.sources) {
    if (row.sources.size() < kSourcesNamed) row.sources.push_back(source);
  }
  row.changes_total = incident.changes_total;
  for (const watch::Change& change : watch::most_telling(incident.changes, kChangesShown)) row.changes.push_back(row_of(change));
  return row;
}

Result<std::optional<Message>> Renderer::render(const store::OutboxRow& row, const std::string& tenant, const std::atomic<bool>& cancelled) const {
  watch::Sources sources = watch::by_ref(stores_.log.sources());
  std::erase_if(sources, [&tenant](const auto& entry) { return entry.second.tenant != tenant; });
  return row.digest_until_us != 0 ? digest(row, sources, cancelled) : incident(row, sources);
}

Result<std::optional<Message>> Renderer::incident(const store::OutboxRow& row, const watch::Sources& sources) const {
  silt::v1::Alert alert;
  watch::IncidentView view(sources, stores_.log, stores_.folds);
  if (row.changes.empty() || !view.write(incident_of(row), *alert.mutable_incident())) return std::optional<Message>();
  const silt::v1::Incident& incident = alert.incident();
  const std::string others = incident.sources_size() > 1 ? " and " + std::to_string(incident.sources_size() - 1) + " more" : "";
  alert.set_id(row.id);
  alert.set_host(escape_bytes(host_));
  alert.set_title("[silt " + alert.host() + "] " + incident.cause().kind() + " in " + incident.cause().source() + others);
  std::string text;
  for (const silt::v1::Change& change : incident.changes()) {
    text += local_time(TimeUtil::TimestampToMicroseconds(change.time())) + " " + change.kind() + " " + change.text() + "\n";
    if (!change.record().empty()) text += "  #" + std::to_string(change.seq()) + " " + escape_bytes(change.record().substr(0, kRecordBytes)) + "\n";
  }
  if (const std::uint64_t more = row.changes_total - std::min<std::uint64_t>(row.changes_total, row.changes.size()); more > 0)
    text += std::to_string(more) + " more changes so far\n";
  alert.set_left_out(row.left_out);
  alert.set_text(text + left_out(row.left_out) + "Is this normal? silt normal " + number_of(row.id) + "\n");
  return std::optional(message_of(std::move(alert)));
}

Result<std::optional<Message>> Renderer::digest(const store::OutboxRow& row, const watch::Sources& sources, const std::atomic<bool>& cancelled) const {
  std::vector<store::SourceRef> refs;
  for (const auto& [ref, info] : sources) refs.push_back(ref);
  const watch::DigestSpan span{row.digest_since_us, row.digest_until_us};
  SILT_ASSIGN(const watch::Digest digest, watch::make_digest(stores_, refs, span, cancelled));
  silt::v1::Alert alert;
  watch::write(digest, span, sources, *alert.mutable_digest());
  alert.mutable_digest()->set_sources(sources.size());
  alert.set_id(row.id);
  alert.set_host(escape_bytes(host_));
  alert.set_title("[silt " + alert.host() + "] digest: " + (digest.lines.empty() ? "nothing of note" : std::to_string(digest.lines_total) + " changes"));
  std::string text = "since " + local_time(span.since_us) + ", against as long before, in " + std::to_string(sources.size()) + " sources\n";
  for (const silt::v1::DigestLine& line : alert.digest().lines()) {
    text += line.trend() + "  " + line.text();
    if (!line.pattern().empty() && line.sources_size() > 0) text += " in " + line.sources(0);
    if (line.sources_total() > 1) text += " and " + std::to_string(line.sources_total() - 1) + " more";
    text += "\n";
  }
  if (digest.lines_total > digest.lines.size()) text += std::to_string(digest.lines_total - digest.lines.size()) + " lesser changes\n";
  if (digest.cut) text += "there were too many records: not all were looked at\n";
  alert.set_left_out(row.left_out);
  alert.set_text(text + left_out(row.left_out));
  return std::optional(message_of(std::move(alert)));
}

std::int64_t Renderer::last_time_of_day(std::int64_t now_us, std::int32_t minute) const {
  const std::int64_t zone_us = std::int64_t{zone_of_(now_us)} * 1'000'000;
  const std::int64_t day_us = kDayMinutes * kMinuteUs;
  std::int64_t time_us = (now_us + zone_us) / day_us * day_us + minute * kMinuteUs - zone_us;
  if (time_us > now_us) time_us -= day_us;
  // The zone's summer begins or ends between then and now: by the clock of then.
  return time_us + zone_us - std::int64_t{zone_of_(time_us)} * 1'000'000;
}

std::string Renderer::local_time(std::int64_t time_us) const {
  const std::time_t seconds = time_us / 1'000'000 + zone_of_(time_us);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts)};
}

}  // namespace silt::outbox
