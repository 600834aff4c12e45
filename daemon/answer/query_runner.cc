#include "daemon/answer/query_runner.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <string>

#include "base/escape.h"
#include "daemon/answer/api_time.h"
#include "daemon/answer/citations.h"
#include "daemon/answer/query_proto.h"
#include "daemon/answer/query_text.h"
#include "daemon/answer/reply/compose.h"
#include "daemon/answer/reply/judge.h"
#include "daemon/answer/reply/plain_query.h"
#include "daemon/answer/reply/story.h"
#include "daemon/answer/search/records.h"
#include "daemon/answer/search/slot_table.h"
#include "daemon/answer/search/time_buckets.h"

namespace silt::answer {
namespace {

constexpr std::uint32_t kCitations = 8, kMatches = 20, kPatterns = 50, kMost = 1000, kContextMost = 50;
constexpr std::size_t kTopValues = 5, kSlots = 12;

std::uint32_t limit_of(std::uint32_t asked, std::uint32_t usual) {
  return std::min(asked == 0 ? usual : asked, kMost);
}

// Page tokens are numbers with ':' between them.
template <class... Numbers>
std::string page_token(Numbers... numbers) {
  std::string out;
  ((out += out.empty() ? "" : ":", out += std::to_string(numbers)), ...);
  return out;
}

template <class... Numbers>
Status read_token(const std::string& token, Numbers&... numbers) {
  const char* at = token.data();
  const char* const end = at + token.size();
  bool good = true;
  const auto read = [&](auto& number) {
    if (at != token.data()) good = good && at != end && *at++ == ':';
    if (!good) return;
    const auto [stop, error] = std::from_chars(at, end, number);
    good = error == std::errc();
    at = stop;
  };
  (read(numbers), ...);
  return good && at == end ? Status::ok() : invalid_argument("'" + token + "' is no page token of this call");
}

void add_slots(const std::vector<search::SlotCounts>& slots, silt::v1::PatternSummary& out) {
  for (std::size_t i = 0; i < slots.size() && i < kSlots; ++i) {
    const search::SlotCounts& slot = slots[i];
    silt::v1::SlotSummary& made = *out.add_slots();
    made.set_name(escape_bytes(slot.name));
    made.set_type(std::string(fold::field_type_name(slot.type())));
    made.set_unit(escape_bytes(slot.unit));
    made.set_values_total(slot.values.size());
    std::vector<std::pair<std::string, std::uint64_t>> values(slot.values.begin(), slot.values.end());
    const std::size_t shown = std::min(kTopValues, values.size());
    std::partial_sort(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(shown), values.end(), [](const auto& a, const auto& b) {
      return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    for (std::size_t v = 0; v < shown; ++v) {
      silt::v1::ValueCount& value = *made.add_top();
      value.set_value(escape_bytes(values[v].first));
      value.set_count(values[v].second);
    }
  }
}

// Over all patterns, whichever are shown.
search::TimeAxis axis_of(const search::Profiles& scope, std::int32_t zone_s) {
  std::int64_t first_us = Window::kMax, last_us = Window::kMin;
  for (const auto& profile : scope) {
    for (const search::PatternProfile& pattern : profile->patterns) {
      first_us = std::min(first_us, pattern.first_us);
      last_us = std::max(last_us, pattern.last_us);
    }
  }
  return search::TimeAxis::over(first_us, last_us, zone_s);
}

void add_histogram(const std::vector<std::uint64_t>& counts, const search::TimeAxis& axis, silt::v1::PatternSummary& out) {
  if (axis.buckets == 0) return;
  silt::v1::TimeBuckets& made = *out.mutable_histogram();
  set_time(axis.begin_us, *made.mutable_begin());
  made.set_bucket_s(static_cast<double>(axis.bucket_us) / 1e6);
  made.mutable_counts()->Assign(counts.begin(), counts.end());
}

}  // namespace

Result<silt::v1::Query> QueryRunner::query_of(const silt::v1::QueryRequest& request) const {
  if (request.has_query() && !request.text().empty()) return invalid_argument("both text and query are given");
  if (request.has_query()) return request.query();
  SILT_ASSIGN(const Query parsed, parse_query(unescape_bytes(request.text()), {clock_.wall_us(), request.zone_s()}));
  silt::v1::Query out;
  to_proto(parsed, out);
  return out;
}

Result<search::Profiles> QueryRunner::profiles_of(const access::Call& call, const std::vector<store::SourceInfo>& sources) {
  search::Profiles out;
  for (const store::SourceInfo& source : sources) {
    if (call.cancelled) return Status(Code::kCancelled, "cancelled by the caller");
    SILT_ASSIGN(auto profile, asker_.profiles().get(source));
    out.push_back(std::move(profile));
  }
  return out;
}

Status QueryRunner::cite_hit(const search::Profiles& scope, const search::Hit& hit, std::uint32_t number,
                             silt::v1::Citation& out) const {
  CitationRequest request;
  request.source = scope[hit.source]->ref;
  request.source_name = scope[hit.source]->name;
  request.seq = hit.seq;
  request.event_us = hit.event_us;
  SILT_ASSIGN(auto citation, cite(log_, request));
  if (!citation) return Status::ok();
  citation->set_number(number);
  out = std::move(*citation);
  return Status::ok();
}

Result<silt::v1::QueryResponse> QueryRunner::query(const access::Call& call, const silt::v1::QueryRequest& request,
                                                   const std::vector<store::SourceInfo>& sources) {
  SILT_ASSIGN(const silt::v1::Query message, query_of(request));
  SILT_ASSIGN(Query parsed, from_proto(message));
  SILT_ASSIGN(const search::Profiles scope, profiles_of(call, sources));
  const search::Limits limits = asker_.limits_of(call, request.zone_s());
  SILT_ASSIGN(reply::Judged judged, reply::run_query(log_, scope, std::move(parsed), limits));
  const Query& query = judged.candidate.query;
  SILT_TRY(reply::add_odd(log_, asker_.evidence(), limits, judged));
  const reply::Reply reply = reply::compose(judged, request.zone_s(), limit_of(request.evidence_max(), kCitations));
  silt::v1::QueryResponse out;
  out.set_answer(escape_lines(reply.text));
  out.set_text(escape_bytes(print_query(query)));
  out.set_records_matched(judged.outcome.matched);
  out.set_records_examined(judged.outcome.examined);
  out.set_records_total(judged.outcome.total);
  out.set_truncated(!judged.outcome.complete || judged.outcome.groups_cut);
  if (judged.outcome.value) out.set_value(*judged.outcome.value);
  out.set_unit(escape_bytes(judged.outcome.unit));
  out.set_found(reply::has_answer(query, judged.outcome));
  out.set_groups_total(judged.outcome.groups.size());
  const std::size_t shown = query.limit == 0 ? kMost : query.limit;
  const std::string& by = query.group.empty() ? query.operand : query.group;
  for (std::size_t i = 0; i < judged.outcome.groups.size() && i < shown; ++i) {
    silt::v1::ValueCount& group = *out.add_groups();
    const search::Group& found = judged.outcome.groups[i];
    group.set_value(escape_bytes(by == "source" ? judged.scope[found.example.source]->name : found.value));
    group.set_count(judged.outcome.groups[i].count);
  }
  for (std::size_t i = 0; i < reply.citations.size(); ++i)
    SILT_TRY(cite_hit(judged.scope, reply.citations[i], static_cast<std::uint32_t>(i + 1), *out.add_evidence()));
  return out;
}

Result<silt::v1::SearchResponse> QueryRunner::record_in_context(const access::Call& call, const silt::v1::SearchRequest& request,
                                                                const std::vector<store::SourceInfo>& sources) {
  if (!request.pattern().empty()) return invalid_argument("both a pattern and seq are given");
  if (sources.size() != 1) return invalid_argument("seq is of one source: name it, and only it");
  SILT_ASSIGN(const search::Profiles scope, profiles_of(call, sources));
  const store::Seq context = std::min(request.context(), kContextMost);
  const store::SeqRange near{request.seq() > context ? request.seq() - context : 1,
                             request.seq() + std::min(context, ~store::Seq{0} - request.seq())};
  std::vector<search::Hit> hits;
  SILT_TRY(search::scan_records(log_, scope[0]->ref, near, [&](const store::RecordView& record, const store::FoldMark& mark) {
             hits.push_back({.seq = record.seq, .event_us = mark.event_us});
             return true;
           }).status());
  silt::v1::SearchResponse out;
  silt::v1::SearchMatch& match = *out.add_matches();
  for (const search::Hit& hit : hits) {
    const bool here = hit.seq == request.seq();
    out.set_records_matched(out.records_matched() + (here ? 1 : 0));
    SILT_TRY(cite_hit(scope, hit, 0, here ? *match.mutable_record() : hit.seq < request.seq() ? *match.add_before() : *match.add_after()));
  }
  if (out.records_matched() == 0) return not_found("record " + std::to_string(request.seq()) + " is not there: it was never read, is not folded yet, or was removed by retention");
  out.set_records_examined(hits.size());
  out.set_records_total(scope[0]->total());
  return out;
}

Result<silt::v1::SearchResponse> QueryRunner::search(const access::Call& call, const silt::v1::SearchRequest& request,
                                                     const std::vector<store::SourceInfo>& sources) {
  if (request.seq() != 0) return record_in_context(call, request, sources);
  SILT_ASSIGN(const auto matcher, search::TextMatcher::create(unescape_bytes(request.pattern())));
  SILT_ASSIGN(const search::Profiles scope, profiles_of(call, sources));
  search::FindRequest wanted;
  wanted.matcher = matcher.get();
  wanted.limit = limit_of(request.limit(), kMatches);
  if (request.has_since()) wanted.window.since_us = time_us_of(request.since());
  if (request.has_until()) wanted.window.until_us = time_us_of(request.until());
  if (search::MatchPlace last; !request.page_token().empty()) {
    SILT_TRY(read_token(request.page_token(), last.event_us, last.source, last.seq));
    wanted.after = last;
  }
  SILT_ASSIGN(const search::Found found, search::find(log_, scope, wanted, asker_.limits_of(call, 0)));
  silt::v1::SearchResponse out;
  const std::size_t context = std::min(request.context(), kContextMost);
  for (const search::Hit& hit : found.hits) {
    silt::v1::SearchMatch& match = *out.add_matches();
    SILT_TRY(cite_hit(scope, hit, 0, *match.mutable_record()));
    if (context == 0) continue;
    SILT_ASSIGN(const std::vector<search::Hit> near, reply::around(log_, scope, hit, context, context));
    for (const search::Hit& line : near)
      SILT_TRY(cite_hit(scope, line, 0, line.seq < hit.seq ? *match.add_before() : *match.add_after()));
  }
  out.set_records_matched(found.matched);
  out.set_records_examined(found.examined);
  out.set_records_total(found.total);
  out.set_truncated(!found.complete);
  if (found.more && !found.hits.empty()) {
    const search::Hit& last = found.hits.back();
    out.set_next_page_token(page_token(last.event_us, last.source, last.seq));
  }
  return out;
}

Result<silt::v1::PatternsResponse> QueryRunner::patterns(const access::Call& call, const silt::v1::PatternsRequest& request,
                                                         const std::vector<store::SourceInfo>& sources) {
  SILT_ASSIGN(const search::Profiles scope, profiles_of(call, sources));
  std::vector<std::pair<std::size_t, std::size_t>> all;
  for (std::size_t s = 0; s < scope.size(); ++s) {
    for (std::size_t p = 0; p < scope[s]->patterns.size(); ++p) all.emplace_back(s, p);
  }
  std::stable_sort(all.begin(), all.end(), [&](const auto& a, const auto& b) {
    return scope[a.first]->patterns[a.second].count > scope[b.first]->patterns[b.second].count;
  });
  std::size_t at = 0;
  if (!request.page_token().empty()) SILT_TRY(read_token(request.page_token(), at));
  silt::v1::PatternsResponse out;
  out.set_patterns_total(all.size());
  const std::size_t end = std::min<std::size_t>(all.size(), at + limit_of(request.limit(), kPatterns));
  std::map<std::size_t, std::vector<store::PatternId>> shown;  // by source
  for (std::size_t i = at; i < end; ++i) shown[all[i].first].push_back(scope[all[i].first]->patterns[all[i].second].id);
  const search::Limits limits = asker_.limits_of(call, 0);
  const search::TimeAxis axis = axis_of(scope, request.zone_s());
  std::map<std::size_t, search::SlotTable> slots;
  std::map<std::size_t, search::BucketTable> times;
  for (const auto& [source, ids] : shown) {  // all times before the slots, which cost more
    SILT_ASSIGN(times[source], search::count_times(log_, *scope[source], ids, axis, limits));
    out.set_truncated(out.truncated() || !times[source].complete);
  }
  for (const auto& [source, ids] : shown) {
    SILT_ASSIGN(slots[source], search::count_slots(log_, *scope[source], ids, limits));
    out.set_truncated(out.truncated() || !slots[source].complete);
  }
  for (; at < end; ++at) {
    const search::Profile& profile = *scope[all[at].first];
    const search::PatternProfile& pattern = profile.patterns[all[at].second];
    silt::v1::PatternSummary& made = *out.add_patterns();
    made.set_source(escape_bytes(profile.name));
    made.set_id(pattern.id);
    made.set_text(escape_bytes(pattern.text));
    made.set_count(pattern.count);
    set_time(pattern.first_us, *made.mutable_first());
    set_time(pattern.last_us, *made.mutable_last());
    add_slots(slots[all[at].first].patterns[pattern.id], made);
    add_histogram(times[all[at].first].patterns[pattern.id], axis, made);
  }
  if (end < all.size()) out.set_next_page_token(page_token(end));
  return out;
}

}  // namespace silt::answer
