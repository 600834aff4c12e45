#include "cli/json_view.h"

#include <boost/json.hpp>

#include "base/hex.h"
#include "base/utf8.h"
#include "cli/json_values.h"

namespace silt::cli {
namespace {

namespace json = boost::json;

json::object citation(const silt::v1::Citation& from) {
  json::object out;
  out["number"] = from.number();
  out["source"] = to_utf8(from.source());
  out["seq"] = from.seq();
  out["time"] = time_value(from.has_time(), from.time());
  set_text(out, from.text());
  out["span"] = json::array{from.span_begin(), from.span_end()};
  out["sha256"] = to_hex(from.sha256());
  out["path"] = to_utf8(from.path());
  out["offset"] = from.offset();
  out["bits"] = from.bits();
  out["score"] = from.score();
  out["frozen_bits"] = from.frozen_bits();
  out["usual_bits"] = from.usual_bits();
  return out;
}

template <class Items>
json::array value_counts(const Items& items) {
  json::array out;
  for (const auto& item : items) out.emplace_back(json::object{{"value", to_utf8(item.value())}, {"count", item.count()}});
  return out;
}

json::object plan_object(const silt::v1::Plan& plan) {
  json::object out;
  out["kind"] = to_utf8(plan.kind());
  out["text"] = to_utf8(plan.text());
  out["planner"] = to_utf8(plan.planner());
  out["sources"] = names(plan.sources());
  out["since"] = time_value(plan.has_since(), plan.since());
  out["until"] = time_value(plan.has_until(), plan.until());
  out["terms"] = names(plan.terms());
  out["field"] = to_utf8(plan.field());
  return out;
}

json::object source_object(const silt::v1::Source& from) {
  json::object skipped;
  for (const auto& [reason, count] : from.skipped()) skipped[reason] = count;
  json::object out;
  out["tenant"] = to_utf8(from.tenant());
  out["source"] = to_utf8(from.source());
  out["lines"] = from.lines();
  out["bytes"] = from.bytes();
  out["journal_seq"] = from.journal_seq();
  out["folded_seq"] = from.folded_seq();
  out["learned_seq"] = from.learned_seq();
  out["floor_seq"] = from.floor_seq();
  out["stored_bytes"] = from.stored_bytes();
  out["places"] = from.places();
  out["input"] = to_utf8(from.input());
  out["learned_lines"] = from.learned_lines();
  out["scored_lines"] = from.scored_lines();
  out["counted_lines"] = from.counted_lines();
  out["skipped"] = std::move(skipped);
  out["bits_per_byte"] =
      json::object{{"window", from.bits_per_byte_window()}, {"total", from.bits_per_byte()}};
  out["state_version"] = from.state_version();
  out["state_digest"] = to_utf8(from.state_digest());
  out["backlog"] = from.backlog();
  out["patterns"] = from.patterns();
  out["steps"] = from.steps();
  out["gaps"] = from.gaps();
  out["bytes_lost"] = from.bytes_lost();
  out["redactions"] = from.redactions();
  out["last_arrival"] = time_value(from.has_last_arrival(), from.last_arrival());
  out["backend"] = to_utf8(from.backend());
  out["model_fingerprint"] = to_utf8(from.model_fingerprint());
  return out;
}

}  // namespace

std::string to_json(const Answer& answer) {
  json::array evidence;
  for (const auto& item : answer.evidence) evidence.emplace_back(citation(item));
  json::array versions;
  for (const auto& version : answer.final.versions()) {
    versions.emplace_back(json::object{{"source", to_utf8(version.source())},
                                       {"state_version", version.state_version()},
                                       {"learned_seq", version.learned_seq()},
                                       {"folded_seq", version.folded_seq()},
                                       {"journal_seq", version.journal_seq()}});
  }
  json::object out;
  out["answer"] = to_utf8(answer.final.answer());
  out["abstained"] = answer.final.abstained();
  out["verdict"] = to_utf8(answer.final.verdict());
  out["confidence"] = answer.final.confidence();
  out["plan"] = plan_object(answer.plan);
  out["evidence"] = std::move(evidence);
  out["versions"] = std::move(versions);
  out["records_matched"] = answer.final.records_matched();
  out["records_examined"] = answer.final.records_examined();
  out["records_total"] = answer.final.records_total();
  out["conversation"] = to_utf8(answer.final.conversation());
  out["conversation_lost"] = answer.final.conversation_lost();
  out["citations_dropped"] = answer.final.citations_dropped();
  out["truncated"] = answer.final.truncated();
  out["elapsed_ms"] = answer.final.elapsed_ms();
  out["reader"] = to_utf8(answer.final.reader());
  return line_of(std::move(out));
}

std::string to_json(const silt::v1::QueryResponse& from) {
  json::array evidence;
  for (const auto& item : from.evidence()) evidence.emplace_back(citation(item));
  json::object out;
  out["answer"] = to_utf8(from.answer());
  out["query"] = to_utf8(from.text());
  out["value"] = from.has_value() ? json::value(from.value()) : json::value(nullptr);
  out["unit"] = to_utf8(from.unit());
  out["groups"] = value_counts(from.groups());
  out["groups_total"] = from.groups_total();
  out["evidence"] = std::move(evidence);
  out["records_matched"] = from.records_matched();
  out["records_examined"] = from.records_examined();
  out["records_total"] = from.records_total();
  out["truncated"] = from.truncated();
  return line_of(std::move(out));
}

std::string to_json(const silt::v1::SearchResponse& from) {
  json::array matches;
  for (const auto& match : from.matches()) {
    json::array before, after;
    for (const auto& line : match.before()) before.emplace_back(citation(line));
    for (const auto& line : match.after()) after.emplace_back(citation(line));
    matches.emplace_back(json::object{{"record", citation(match.record())}, {"before", std::move(before)}, {"after", std::move(after)}});
  }
  json::object out;
  out["matches"] = std::move(matches);
  out["records_matched"] = from.records_matched();
  out["records_examined"] = from.records_examined();
  out["records_total"] = from.records_total();
  out["truncated"] = from.truncated();
  out["next_page_token"] = to_utf8(from.next_page_token());
  return line_of(std::move(out));
}

namespace {

json::value time_buckets(const silt::v1::PatternSummary& from) {
  if (!from.has_histogram()) return nullptr;
  const silt::v1::TimeBuckets& buckets = from.histogram();
  return json::object{{"begin", time_value(buckets.has_begin(), buckets.begin())},
                      {"bucket_s", buckets.bucket_s()},
                      {"counts", json::array(buckets.counts().begin(), buckets.counts().end())}};
}

}  // namespace

std::string to_json(const silt::v1::PatternsResponse& from) {
  json::array patterns;
  for (const auto& pattern : from.patterns()) {
    json::array slots;
    for (const auto& slot : pattern.slots())
      slots.emplace_back(json::object{{"name", to_utf8(slot.name())}, {"type", slot.type()}, {"unit", slot.unit()}, {"values_total", slot.values_total()}, {"top", value_counts(slot.top())}});
    patterns.emplace_back(json::object{{"source", to_utf8(pattern.source())},
                                       {"id", pattern.id()},
                                       {"text", to_utf8(pattern.text())},
                                       {"count", pattern.count()},
                                       {"first", time_value(pattern.has_first(), pattern.first())},
                                       {"last", time_value(pattern.has_last(), pattern.last())},
                                       {"slots", std::move(slots)},
                                       {"histogram", time_buckets(pattern)}});
  }
  json::object out;
  out["patterns"] = std::move(patterns);
  out["patterns_total"] = from.patterns_total();
  out["truncated"] = from.truncated();
  out["next_page_token"] = to_utf8(from.next_page_token());
  return line_of(std::move(out));
}

std::string to_json(const silt::v1::ExplainResponse& from) {
  json::array tokens;
  for (const auto& token : from.tokens()) {
    json::object object;
    set_text(object, token.text());
    object["adapted_bits"] = token.adapted_bits();
    object["frozen_bits"] = token.frozen_bits();
    tokens.emplace_back(std::move(object));
  }
  json::array similar;
  for (const auto& record : from.similar()) similar.emplace_back(citation(record));
  json::object out;
  out["text"] = to_utf8(from.text());
  out["record"] = citation(from.record());
  out["pattern"] = to_utf8(from.pattern());
  out["pattern_count"] = from.pattern_count();
  out["pattern_first_seen"] = time_value(from.has_pattern_first_seen(), from.pattern_first_seen());
  out["pattern_last_seen"] = time_value(from.has_pattern_last_seen(), from.pattern_last_seen());
  out["bits_per_byte"] = json::object{{"adapted", from.adapted_bits_per_byte()},
                                      {"frozen", from.frozen_bits_per_byte()},
                                      {"source", from.source_bits_per_byte()}};
  out["tokens"] = std::move(tokens);
  out["similar"] = std::move(similar);
  out["state_version"] = from.state_version();
  return line_of(std::move(out));
}

std::string to_json(const silt::v1::ListSourcesResponse& sources) {
  json::array list;
  for (const auto& source : sources.sources()) list.emplace_back(source_object(source));
  json::object out;
  out["sources"] = std::move(list);
  return line_of(std::move(out));
}

static json::array alerts_of(const silt::v1::GetStatusResponse& status) {
  json::array alerts;
  for (const auto& alert : status.alerts()) {
    alerts.emplace_back(json::object{{"name", to_utf8(alert.name())},
                                     {"type", to_utf8(alert.type())},
                                     {"tenant", to_utf8(alert.tenant())},
                                     {"waiting", alert.waiting()},
                                     {"lag_ms", alert.lag_ms()},
                                     {"sent", alert.sent()},
                                     {"refused", alert.refused()},
                                     {"failures", alert.failures()},
                                     {"left_out", alert.left_out()},
                                     {"last_error", to_utf8(alert.last_error())}});
  }
  return alerts;
}

std::string to_json(const silt::v1::GetStatusResponse& status) {
  json::array connectors;
  for (const auto& connector : status.connectors()) {
    connectors.emplace_back(json::object{{"name", to_utf8(connector.name())},
                                         {"kind", to_utf8(connector.kind())},
                                         {"files_open", connector.files_open()},
                                         {"files_known", connector.files_known()},
                                         {"bytes_read", connector.bytes_read()},
                                         {"bytes_lost", connector.bytes_lost()},
                                         {"read_errors", connector.read_errors()},
                                         {"backlog_bytes", connector.backlog_bytes()},
                                         {"state", to_utf8(connector.state())},
                                         {"last_error", to_utf8(connector.last_error())},
                                         {"remedy", to_utf8(connector.remedy())},
                                         {"lag_ms", connector.has_lag_ms() ? json::value(connector.lag_ms()) : nullptr}});
  }
  json::array quotas;
  for (const auto& use : status.quotas()) {
    quotas.emplace_back(json::object{{"tenant", to_utf8(use.tenant())},
                                     {"sources_max", use.sources_max()},
                                     {"sources_refused", use.sources_refused()},
                                     {"bytes_per_day", use.bytes_per_day()},
                                     {"bytes_today", use.bytes_today()},
                                     {"pauses", use.pauses()},
                                     {"resident_states_max", use.resident_states_max()},
                                     {"states_evicted", use.states_evicted()},
                                     {"questions_per_minute", use.questions_per_minute()},
                                     {"questions", use.questions()},
                                     {"questions_refused", use.questions_refused()}});
  }
  json::array devices;
  for (const auto& device : status.devices()) {
    devices.emplace_back(json::object{{"name", to_utf8(device.name())},
                                      {"lost", to_utf8(device.lost())},
                                      {"states", device.states()},
                                      {"states_max", device.states_max()},
                                      {"learned_tokens", device.learned_tokens()},
                                      {"host_s", device.host_s()},
                                      {"wait_s", device.wait_s()}});
  }
  json::object out;
  out["version"] = to_utf8(status.version());
  out["started"] = time_value(status.has_started(), status.started());
  out["model_file"] = to_utf8(status.model_file());
  out["model_fingerprint"] = to_utf8(status.model_fingerprint());
  out["backend"] = to_utf8(status.backend());
  out["backends_built"] = to_utf8(status.backends_built());
  out["threads"] = status.threads();
  out["cpu_share"] = status.cpu_share();
  out["backlog_records"] = status.backlog_records();
  out["backlog_bytes"] = status.backlog_bytes();
  if (!status.learner_state().empty()) {  // else the caller does not see all tenants, and so not these
    out["learner_state"] = to_utf8(status.learner_state());
    out["learned_tokens_per_s"] = status.learned_tokens_per_s();
    out["learn_latency_p50_ms"] = status.learn_latency_p50_ms();
    out["learn_latency_p99_ms"] = status.learn_latency_p99_ms();
    out["commits"] = status.commits();
    out["commit_us"] = status.commit_us();
    out["devices"] = std::move(devices);
    out["resident_states"] = status.resident_states();
    out["resident_bytes"] = status.resident_bytes();
    out["process_rss_bytes"] = status.process_rss_bytes();
  }
  out["quotas"] = std::move(quotas);
  out["connectors"] = std::move(connectors);
  out["alerts"] = alerts_of(status);
  return line_of(std::move(out));
}

std::string to_json(const silt::v1::ListGapsResponse& response) {
  json::array gaps;
  for (const auto& gap : response.gaps()) {
    gaps.emplace_back(json::object{{"tenant", to_utf8(gap.tenant())},
                                   {"source", to_utf8(gap.source())},
                                   {"seq", gap.seq()},
                                   {"found", time_value(gap.has_found(), gap.found())},
                                   {"place", to_utf8(gap.place())},
                                   {"begin", gap.begin()},
                                   {"bytes", gap.bytes()},
                                   {"cause", to_utf8(gap.cause())}});
  }
  json::object out;
  out["gaps"] = std::move(gaps);
  return line_of(out);
}

std::string to_json(const silt::v1::RenameSourceResponse& renamed) {
  return line_of({{"old_name", to_utf8(renamed.old_name())}, {"new_name", to_utf8(renamed.new_name())}});
}

std::string to_json(const silt::v1::DeleteSourceResponse& deleted) {
  return line_of({{"source", to_utf8(deleted.source())},
                  {"dry_run", deleted.dry_run()},
                  {"records", deleted.records()},
                  {"bytes", deleted.bytes()},
                  {"stored_bytes", deleted.stored_bytes()},
                  {"patterns", deleted.patterns()},
                  {"steps", deleted.steps()}});
}

std::string to_json(const silt::v1::ListVersionsResponse& from) {
  json::array sources;
  for (const auto& source : from.sources()) {
    json::array versions;
    for (const auto& version : source.versions()) {
      versions.emplace_back(json::object{{"version", version.version()},
                                         {"written", time_value(version.has_written(), version.written())},
                                         {"learned_seq", version.learned_seq()},
                                         {"bytes", version.bytes()},
                                         {"digest", to_utf8(version.digest())},
                                         {"backend", to_utf8(version.backend())},
                                         {"weights", to_utf8(version.weights())},
                                         {"bits_per_byte", version.bits_per_byte()},
                                         {"stored_bytes", version.stored_bytes()},
                                         {"reason", to_utf8(version.reason())},
                                         {"pinned", version.pinned()}});
    }
    sources.emplace_back(json::object{{"tenant", to_utf8(source.tenant())},
                                      {"source", to_utf8(source.source())},
                                      {"left_out_records", source.left_out_records()},
                                      {"floor_seq", source.floor_seq()},
                                      {"versions", std::move(versions)}});
  }
  return line_of({{"sources", std::move(sources)}});
}

std::string to_json(const silt::v1::ResetStateResponse& from) {
  json::array resets;
  for (const auto& reset : from.resets()) {
    resets.emplace_back(json::object{{"source", to_utf8(reset.source())},
                                     {"old_version", reset.old_version()},
                                     {"new_version", reset.new_version()},
                                     {"forgotten_steps", reset.forgotten_steps()},
                                     {"forgotten_patterns", reset.forgotten_patterns()},
                                     {"dropped_versions", reset.dropped_versions()}});
  }
  const bool fold = from.scope() == silt::v1::RESET_SCOPE_NET_AND_FOLD;
  return line_of({{"scope", fold ? "net_and_fold" : "net"}, {"dry_run", from.dry_run()}, {"resets", std::move(resets)}});
}

std::string to_json(const silt::v1::RollbackStateResponse& from) {
  return line_of({{"source", to_utf8(from.source())},
                  {"dry_run", from.dry_run()},
                  {"old_version", from.old_version()},
                  {"from_version", from.from_version()},
                  {"from_seq", from.from_seq()},
                  {"left_out_records", from.left_out_records()},
                  {"reread_records", from.reread_records()},
                  {"dropped_versions", from.dropped_versions()}});
}

std::string to_json(const silt::v1::ForgetResponse& from) {
  json::array sources;
  for (const auto& source : from.sources()) {
    sources.emplace_back(json::object{{"source", to_utf8(source.source())},
                                      {"whole", source.whole()},
                                      {"records", source.records()},
                                      {"unreadable_records", source.unreadable_records()},
                                      {"old_version", source.old_version()},
                                      {"old_digest", to_utf8(source.old_digest())},
                                      {"from_version", source.from_version()},
                                      {"from_digest", to_utf8(source.from_digest())},
                                      {"from_seq", source.from_seq()},
                                      {"dropped_versions", source.dropped_versions()},
                                      {"dropped_pinned", source.dropped_pinned()},
                                      {"journal_before", to_utf8(source.journal_before())},
                                      {"journal_after", to_utf8(source.journal_after())}});
  }
  const auto list = [](const google::protobuf::RepeatedPtrField<std::string>& names) {
    json::array out;
    for (const std::string& name : names) out.emplace_back(to_utf8(name));
    return out;
  };
  return line_of({{"tenant", to_utf8(from.tenant())},
                  {"request_id", to_utf8(from.request_id())},
                  {"dry_run", from.dry_run()},
                  {"text_sha256", to_utf8(from.text_sha256())},
                  {"begun", time_value(from.has_begun(), from.begun())},
                  {"ended", time_value(from.has_ended(), from.ended())},
                  {"sources", std::move(sources)},
                  {"may_remember", list(from.may_remember())},
                  {"complete", from.complete()},
                  {"files_replaced", from.files_replaced()},
                  {"files_left", list(from.files_left())},
                  {"files_searched", from.files_searched()},
                  {"files_with_text", list(from.files_with_text())}});
}

std::string to_json(const silt::v1::PinVersionResponse& from) {
  return line_of({{"source", to_utf8(from.source())}, {"version", from.version()}, {"pinned", from.pinned()}});
}

std::string to_json(const silt::v1::DiffVersionsResponse& from) {
  json::array changes;
  for (const auto& change : from.changes()) {
    changes.emplace_back(json::object{{"pattern", change.pattern()},
                                      {"text", to_utf8(change.text())},
                                      {"count", change.count()},
                                      {"seq", change.seq()},
                                      {"from_bits", change.from_bits()},
                                      {"to_bits", change.to_bits()}});
  }
  return line_of({{"source", to_utf8(from.source())},
                  {"from", from.from()},
                  {"to", from.to()},
                  {"patterns_compared", from.patterns_compared()},
                  {"changes", std::move(changes)}});
}

std::string to_json(const silt::v1::ListAuditResponse& from) {
  json::array entries;
  for (const auto& entry : from.entries()) {
    entries.emplace_back(json::object{{"number", entry.number()},
                                      {"time", time_value(entry.has_time(), entry.time())},
                                      {"caller", to_utf8(entry.caller())},
                                      {"action", to_utf8(entry.action())},
                                      {"tenant", to_utf8(entry.tenant())},
                                      {"object", to_utf8(entry.object())},
                                      {"request_id", to_utf8(entry.request_id())},
                                      {"outcome", to_utf8(entry.outcome())},
                                      {"detail", to_utf8(entry.detail())},
                                      {"sha256", to_utf8(entry.sha256())}});
  }
  return line_of({{"entries", std::move(entries)},
                  {"entries_verified", from.entries_verified()},
                  {"damage", to_utf8(from.damage())}});
}

namespace {

json::object token_value(const silt::v1::Token& token) {
  json::array rights;
  for (const std::string& right : token.rights()) rights.emplace_back(to_utf8(right));
  return {{"id", to_utf8(token.id())},
          {"tenant", to_utf8(token.tenant())},
          {"rights", std::move(rights)},
          {"note", to_utf8(token.note())},
          {"created_by", to_utf8(token.created_by())},
          {"created", time_value(token.has_created(), token.created())},
          {"expires", time_value(token.has_expires(), token.expires())},
          {"revoked", time_value(token.has_revoked(), token.revoked())},
          {"valid", token.valid()}};
}

}  // namespace

std::string to_json(const silt::v1::CreateTokenResponse& from) {
  return line_of({{"token", token_value(from.token())}, {"secret", to_utf8(from.secret())}});
}

std::string to_json(const silt::v1::ListTokensResponse& from) {
  json::array tokens;
  for (const silt::v1::Token& token : from.tokens()) tokens.emplace_back(token_value(token));
  return line_of({{"tokens", std::move(tokens)}});
}

std::string to_json(const silt::v1::RevokeTokenResponse& from) {
  return line_of({{"token", token_value(from.token())}});
}

std::string to_json(const silt::v1::BackupResponse& from) {
  return line_of({{"directory", to_utf8(from.directory())},
                  {"files", from.files()},
                  {"bytes", from.bytes()},
                  {"sources", from.sources()},
                  {"records", from.records()},
                  {"sha256", to_utf8(from.sha256())}});
}

std::string to_json(const silt::v1::ExportStateResponse& from) {
  return line_of({{"source", to_utf8(from.source())},
                  {"version", from.version()},
                  {"bytes", from.bytes()},
                  {"sha256", to_utf8(from.sha256())},
                  {"signed", from.signed_()}});
}

std::string to_json(const silt::v1::ImportStateResponse& from) {
  return line_of({{"source", to_utf8(from.source())},
                  {"dry_run", from.dry_run()},
                  {"old_version", from.old_version()},
                  {"new_version", from.new_version()},
                  {"forgotten_steps", from.forgotten_steps()},
                  {"dropped_versions", from.dropped_versions()},
                  {"from_tenant", to_utf8(from.from_tenant())},
                  {"from_source", to_utf8(from.from_source())},
                  {"from_version", from.from_version()},
                  {"from_backend", to_utf8(from.from_backend())},
                  {"converted", from.converted()},
                  {"signed", from.signed_()}});
}

std::string to_json(const std::vector<Recalled>& lines) {
  json::array out;
  for (const Recalled& line : lines) {
    out.emplace_back(json::object{{"text", to_utf8(line.text)},
                                  {"adapted_bits", line.adapted_bits},
                                  {"frozen_bits", line.frozen_bits},
                                  {"state_version", line.state_version}});
  }
  return line_of({{"lines", std::move(out)}});
}

}  // namespace silt::cli
