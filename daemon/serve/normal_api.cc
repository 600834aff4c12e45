// The part of Api for what is normal, and for the digest.
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <charconv>

#include "base/escape.h"
#include "daemon/serve/api.h"
#include "daemon/watch/digest.h"
#include "daemon/watch/view.h"

namespace silt::serve {
namespace {

using access::Call;
using google::protobuf::util::TimeUtil;

constexpr std::int64_t kDayUs = 86'400LL * 1'000'000;
constexpr std::int64_t kForUs = 30 * kDayUs;
constexpr std::size_t kNoteBytesMax = 256;

// The kinds that changes of a pattern can be of.
constexpr watch::Kind kOfPattern[] = {watch::Kind::kNewPattern, watch::Kind::kLouder, watch::Kind::kGone, watch::Kind::kSeverity,
                                      watch::Kind::kOddStory};

std::string id_of(const store::NormalRow& row) {
  return std::to_string(static_cast<std::uint32_t>(row.source.source)) + "-" + std::to_string(row.pattern) + "-" + std::to_string(row.kind);
}

void fill(const store::NormalRow& row, const store::SourceInfo& info, watch::PatternTexts& patterns, silt::v1::Normal& out) {
  out.set_id(id_of(row));
  out.set_tenant(escape_bytes(info.tenant));
  out.set_source(escape_bytes(info.name));
  out.set_pattern(row.pattern);
  out.set_pattern_text(patterns.of(row.source, row.pattern));
  if (row.kind < watch::kKinds) out.set_kind(std::string(watch::kind_name(static_cast<watch::Kind>(row.kind))));
  *out.mutable_until() = TimeUtil::MicrosecondsToTimestamp(row.until_us);
  *out.mutable_created() = TimeUtil::MicrosecondsToTimestamp(row.created_us);
  out.set_created_by(escape_bytes(row.created_by));
  out.set_note(escape_bytes(row.note));
}

Result<std::int64_t> ttl_of(const silt::v1::MarkNormalRequest& request) {
  if (!request.has_ttl()) return kForUs;
  const auto& ttl = request.ttl();
  if (ttl.seconds() < 1 || ttl.nanos() < 0 || ttl.seconds() > watch::Normals::kForMaxUs / 1'000'000)
    return invalid_argument("ttl must be a time of one second to 366 days");
  return TimeUtil::DurationToMicroseconds(ttl);
}

}  // namespace

Result<silt::v1::MarkNormalResponse> Api::mark_normal(const Call& call, const silt::v1::MarkNormalRequest& request) const {
  SILT_TRY(check_names(request));
  SILT_ASSIGN(const std::string tenant, access::Catalogue::tenant_of(call, request.tenant()));
  if (dependencies_.normals == nullptr || dependencies_.board == nullptr) return unimplemented("nothing is watched here");
  if (request.note().size() > kNoteBytesMax) return invalid_argument("the note is longer than " + std::to_string(kNoteBytesMax) + " bytes");
  if (request.id().empty() == request.source().empty())
    return invalid_argument("name an incident, or a source and one of its patterns: silt watch --recent --once, silt patterns");
  SILT_ASSIGN(const std::int64_t ttl_us, ttl_of(request));
  const std::int64_t now_us = TimeUtil::TimestampToMicroseconds(TimeUtil::GetCurrentTime());
  std::vector<store::NormalRow> rows;
  const auto add = [&](store::SourceRef source, store::PatternId pattern, watch::Kind kind) {
    const store::NormalRow row{source, pattern, static_cast<std::uint32_t>(kind), now_us + ttl_us, now_us, call.caller.name, request.note()};
    if (std::find(rows.begin(), rows.end(), row) == rows.end()) rows.push_back(row);
  };
  watch::Sources sources;
  watch::PatternTexts patterns(dependencies_.folds);
  if (!request.source().empty()) {
    SILT_ASSIGN(const store::SourceInfo info, catalogue_.find_named(call, request.tenant(), request.source()));
    if (request.pattern() == 0 || patterns.of(info.ref, request.pattern()).empty())
      return not_found("the source has no pattern " + std::to_string(request.pattern()) + "; list them with: silt patterns SOURCE");
    sources.emplace(info.ref, info);
    for (const watch::Kind kind : kOfPattern) add(info.ref, request.pattern(), kind);
  } else {
    SILT_ASSIGN(const std::vector<store::SourceInfo> infos, catalogue_.find(call, tenant, {}));
    sources = watch::by_ref(infos);
    std::uint64_t number = 0;
    const auto [stop, failed] = std::from_chars(request.id().data(), request.id().data() + request.id().size(), number);
    if (failed != std::errc() || stop != request.id().data() + request.id().size()) number = 0;
    const Result<watch::Incident> incident = dependencies_.board->incident(number);
    if (incident.is_ok()) {
      for (const watch::Change& change : incident->changes) {
        if (sources.contains(change.source)) add(change.source, change.pattern, change.kind);
      }
    }
    // One of another tenant is as one that is not there.
    if (rows.empty()) return not_found("there is no incident '" + request.id() + "' that is still known: silt watch --recent --once");
  }
  SILT_TRY(dependencies_.normals->add(rows));
  silt::v1::MarkNormalResponse response;
  for (const store::NormalRow& row : rows) fill(row, sources.at(row.source), patterns, *response.add_normal());
  return response;
}

Result<silt::v1::ListNormalResponse> Api::list_normal(const Call& call, const silt::v1::ListNormalRequest& request) const {
  SILT_TRY(check_names(request));
  SILT_ASSIGN(const std::vector<store::SourceInfo> infos, catalogue_.find(call, request.tenant(), {}));
  if (dependencies_.normals == nullptr) return unimplemented("nothing is watched here");
  const watch::Sources sources = watch::by_ref(infos);
  SILT_ASSIGN(const std::vector<store::NormalRow> rows, dependencies_.normals->list());
  watch::PatternTexts patterns(dependencies_.folds);
  silt::v1::ListNormalResponse response;
  for (const store::NormalRow& row : rows) {
    const auto found = sources.find(row.source);
    if (found != sources.end()) fill(row, found->second, patterns, *response.add_normal());
  }
  return response;
}

Result<silt::v1::RemoveNormalResponse> Api::remove_normal(const Call& call, const silt::v1::RemoveNormalRequest& request) const {
  SILT_TRY(check_names(request));
  SILT_ASSIGN(const std::string tenant, access::Catalogue::tenant_of(call, request.tenant()));
  if (dependencies_.normals == nullptr) return unimplemented("nothing is watched here");
  if (request.id().empty()) return invalid_argument("id is missing; list what is normal with: silt normal --list");
  SILT_ASSIGN(const std::vector<store::SourceInfo> infos, catalogue_.find(call, tenant, {}));
  const watch::Sources sources = watch::by_ref(infos);
  SILT_ASSIGN(const std::vector<store::NormalRow> rows, dependencies_.normals->list());
  for (const store::NormalRow& row : rows) {
    const auto found = sources.find(row.source);
    if (found == sources.end() || id_of(row) != request.id()) continue;
    SILT_TRY(dependencies_.normals->remove({row}));
    watch::PatternTexts patterns(dependencies_.folds);
    silt::v1::RemoveNormalResponse response;
    fill(row, found->second, patterns, *response.mutable_normal());
    return response;
  }
  return not_found("nothing of this id is normal; list what is with: silt normal --list");
}

Result<silt::v1::DigestResponse> Api::digest(const Call& call, const silt::v1::DigestRequest& request) const {
  SILT_TRY(check_names(request));
  const std::vector<std::string> names(request.sources().begin(), request.sources().end());
  SILT_ASSIGN(const std::vector<store::SourceInfo> infos, catalogue_.find(call, request.tenant(), names));
  if (dependencies_.evidence == nullptr) return unimplemented("nothing is watched here");
  SILT_TRY(check_time("since", request.since()));
  SILT_TRY(check_time("until", request.until()));
  watch::DigestSpan span;
  span.until_us = TimeUtil::TimestampToMicroseconds(request.has_until() ? request.until() : TimeUtil::GetCurrentTime());
  span.since_us = request.has_since() ? TimeUtil::TimestampToMicroseconds(request.since()) : span.until_us - kDayUs;
  if (span.since_us >= span.until_us) return invalid_argument("since must be before until");
  std::vector<store::SourceRef> refs;
  for (const store::SourceInfo& info : infos) refs.push_back(info.ref);
  SILT_ASSIGN(const watch::Digest digest,
              watch::make_digest({dependencies_.log, dependencies_.folds, *dependencies_.evidence}, refs, span, call.cancelled));
  const watch::Sources sources = watch::by_ref(infos);
  silt::v1::DigestResponse response;
  watch::write(digest, span, sources, response);
  response.set_sources(infos.size());
  return response;
}

}  // namespace silt::serve
