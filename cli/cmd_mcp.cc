// `silt mcp`: the read-only calls as tools for a model, over standard input and output.
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "cli/answer_view.h"
#include "cli/commands.h"
#include "cli/json_view.h"
#include "cli/mcp.h"
#include "cli/when.h"

namespace silt::cli {
namespace {

constexpr std::uint32_t kLimit = 10, kLimitMax = 50, kContextMax = 10;

// Arguments are named as the fields of the request are.
template <class Request>
Result<Request> request_of(const std::string& arguments) {
  Request request;
  const auto parsed = google::protobuf::util::JsonStringToMessage(arguments, &request);
  if (!parsed.ok()) return invalid_argument("arguments: " + std::string(parsed.message()));
  return request;
}

std::uint32_t bounded(std::uint32_t asked) {
  return std::min(asked == 0 ? kLimit : asked, kLimitMax);
}

Result<std::string> ask(Client& client, const std::string& arguments) {
  SILT_ASSIGN(auto request, request_of<silt::v1::AskRequest>(arguments));
  request.set_evidence_max(bounded(request.evidence_max()));
  if (request.zone_s() == 0) request.set_zone_s(local_zone_s());
  Answer answer;
  SILT_TRY(client.ask(request, [&](const silt::v1::AskResponse& event) { answer.add(event); }));
  return to_json(answer);
}

Result<std::string> query(Client& client, const std::string& arguments) {
  SILT_ASSIGN(auto request, request_of<silt::v1::QueryRequest>(arguments));
  request.set_evidence_max(bounded(request.evidence_max()));
  SILT_ASSIGN(const auto response, client.query(request));
  return to_json(response);
}

Result<std::string> search(Client& client, const std::string& arguments) {
  SILT_ASSIGN(auto request, request_of<silt::v1::SearchRequest>(arguments));
  request.set_limit(bounded(request.limit()));
  request.set_context(std::min(request.context(), kContextMax));
  SILT_ASSIGN(const auto response, client.search(request));
  return to_json(response);
}

Result<std::string> patterns(Client& client, const std::string& arguments) {
  SILT_ASSIGN(auto request, request_of<silt::v1::PatternsRequest>(arguments));
  request.set_limit(bounded(request.limit()));
  SILT_ASSIGN(const auto response, client.patterns(request));
  return to_json(response);
}

Result<std::string> sources(Client& client, const std::string& arguments) {
  SILT_ASSIGN(const auto request, request_of<silt::v1::ListSourcesRequest>(arguments));
  SILT_ASSIGN(const auto response, client.list_sources(request));
  return to_json(response);
}

Result<std::string> explain(Client& client, const std::string& arguments) {
  SILT_ASSIGN(const auto request, request_of<silt::v1::ExplainRequest>(arguments));
  SILT_ASSIGN(const auto response, client.explain(request));
  return to_json(response);
}

Result<std::string> changes(Client& client, const std::string& arguments) {
  SILT_ASSIGN(auto request, request_of<silt::v1::WatchRequest>(arguments));
  request.set_recent(request.token().empty());
  SILT_ASSIGN(const auto response, client.watch(request));
  return to_json(response);
}

Result<std::string> digest(Client& client, const std::string& arguments) {
  SILT_ASSIGN(const auto request, request_of<silt::v1::DigestRequest>(arguments));
  SILT_ASSIGN(const auto response, client.digest(request));
  return to_json(response);
}

constexpr char kAskSchema[] = R"({"type": "object", "required": ["question"], "additionalProperties": false, "properties": {
  "question": {"type": "string", "description": "in English, German, French or Spanish"},
  "sources": {"type": "array", "items": {"type": "string"}, "description": "names or globs of sources; none: all"},
  "since": {"type": "string", "format": "date-time"}, "until": {"type": "string", "format": "date-time"},
  "evidence_max": {"type": "integer", "minimum": 1, "maximum": 50}}})";
constexpr char kQuerySchema[] = R"({"type": "object", "required": ["text"], "additionalProperties": false, "properties": {
  "text": {"type": "string", "description": "one line, as answers show it: count words:failed status>=500 by:path since:2026-11-21T09:00:00Z"},
  "sources": {"type": "array", "items": {"type": "string"}},
  "evidence_max": {"type": "integer", "minimum": 1, "maximum": 50}}})";
constexpr char kSearchSchema[] = R"({"type": "object", "additionalProperties": false, "properties": {
  "pattern": {"type": "string", "description": "words that a record must hold, or /a regular expression/"},
  "seq": {"type": "integer", "description": "instead of a pattern: this record of the one source, with its context"},
  "sources": {"type": "array", "items": {"type": "string"}},
  "since": {"type": "string", "format": "date-time"}, "until": {"type": "string", "format": "date-time"},
  "context": {"type": "integer", "minimum": 0, "maximum": 10},
  "limit": {"type": "integer", "minimum": 1, "maximum": 50},
  "page_token": {"type": "string", "description": "next_page_token of the last answer"}}})";
constexpr char kPatternsSchema[] = R"({"type": "object", "additionalProperties": false, "properties": {
  "sources": {"type": "array", "items": {"type": "string"}},
  "limit": {"type": "integer", "minimum": 1, "maximum": 50},
  "page_token": {"type": "string", "description": "next_page_token of the last answer"}}})";
constexpr char kSourcesSchema[] = R"({"type": "object", "additionalProperties": false, "properties": {}})";
constexpr char kExplainSchema[] = R"({"type": "object", "required": ["source"], "additionalProperties": false, "properties": {
  "source": {"type": "string"}, "seq": {"type": "integer", "description": "the record's number"}}})";
constexpr char kChangesSchema[] = R"({"type": "object", "additionalProperties": false, "properties": {
  "sources": {"type": "array", "items": {"type": "string"}},
  "token": {"type": "string", "description": "of the last answer: only what came after it"}}})";

constexpr char kDigestSchema[] = R"({"type": "object", "additionalProperties": false, "properties": {
  "sources": {"type": "array", "items": {"type": "string"}},
  "since": {"type": "string", "format": "date-time", "description": "against as long before; without: a day ago"},
  "until": {"type": "string", "format": "date-time"}}})";

// What answers always hold; texts of records, names and patterns in them are from logs.
constexpr char kAskReply[] = R"({"type": "object", "required": ["answer", "verdict", "plan", "evidence", "records_matched", "records_total", "truncated"], "properties": {
  "answer": {"type": "string"}, "verdict": {"type": "string", "description": "stated, closest or nothing"},
  "plan": {"type": "object"}, "evidence": {"type": "array", "items": {"type": "object"}},
  "records_matched": {"type": "integer"}, "records_examined": {"type": "integer"}, "records_total": {"type": "integer"}, "truncated": {"type": "boolean"}}})";
constexpr char kQueryReply[] = R"({"type": "object", "required": ["answer", "query", "value", "groups", "evidence", "records_matched", "records_total", "truncated"], "properties": {
  "answer": {"type": "string"}, "query": {"type": "string"}, "value": {"type": ["number", "null"]}, "unit": {"type": "string"},
  "groups": {"type": "array"}, "groups_total": {"type": "integer"}, "evidence": {"type": "array", "items": {"type": "object"}},
  "records_matched": {"type": "integer"}, "records_examined": {"type": "integer"}, "records_total": {"type": "integer"}, "truncated": {"type": "boolean"}}})";
constexpr char kSearchReply[] = R"({"type": "object", "required": ["matches", "records_matched", "records_total", "truncated", "next_page_token"], "properties": {
  "matches": {"type": "array", "items": {"type": "object"}},
  "records_matched": {"type": "integer"}, "records_examined": {"type": "integer"}, "records_total": {"type": "integer"},
  "truncated": {"type": "boolean"}, "next_page_token": {"type": "string"}}})";
constexpr char kPatternsReply[] = R"({"type": "object", "required": ["patterns", "patterns_total", "truncated", "next_page_token"], "properties": {
  "patterns": {"type": "array", "items": {"type": "object"}}, "patterns_total": {"type": "integer"},
  "truncated": {"type": "boolean"}, "next_page_token": {"type": "string"}}})";
constexpr char kSourcesReply[] = R"({"type": "object", "required": ["sources"], "properties": {"sources": {"type": "array", "items": {"type": "object"}}}})";
constexpr char kExplainReply[] = R"({"type": "object", "required": ["text", "record", "pattern", "pattern_count", "bits_per_byte"], "properties": {
  "text": {"type": "string"}, "record": {"type": "object"}, "pattern": {"type": "string"}, "pattern_count": {"type": "integer"}, "bits_per_byte": {"type": "object"}}})";
constexpr char kChangesReply[] = R"({"type": "object", "required": ["incidents", "token", "missed"], "properties": {
  "incidents": {"type": "array", "items": {"type": "object"}}, "token": {"type": "string"}, "missed": {"type": "boolean"}}})";
constexpr char kDigestReply[] = R"({"type": "object", "required": ["lines", "lines_total"], "properties": {
  "lines": {"type": "array", "items": {"type": "object"}}, "lines_total": {"type": "integer"}}})";

std::vector<mcp::Tool> tools(Client& client) {
  const auto bound = [&client](auto run) { return [&client, run](const std::string& arguments) { return run(client, arguments); }; };
  return {
      {"ask", "Answers a question about the logs: the query it was read as, the value, and the records it rests on.", kAskSchema, kAskReply, bound(ask)},
      {"query", "Runs a query in silt's one-line form: exact counts, top lists, averages, percentiles, histograms.", kQuerySchema, kQueryReply, bound(query)},
      {"search", "Records that hold words or match a regular expression, newest first, in pages.", kSearchSchema, kSearchReply, bound(search)},
      {"patterns", "The kinds of lines there are, with counts, times and what varies in them, most frequent first.", kPatternsSchema, kPatternsReply, bound(patterns)},
      {"sources", "What siltd reads: records, bytes, backlog, gaps, bits per byte.", kSourcesSchema, kSourcesReply, bound(sources)},
      {"explain", "Why a record is, or is not, surprising to its source.", kExplainSchema, kExplainReply, bound(explain)},
      {"changes", "What is unusual of late, in incidents: new kinds of lines, far more or none of a usual one, silence, gaps.", kChangesSchema, kChangesReply, bound(changes)},
      {"digest", "What is new, gone, louder, quieter and slower since a time, the most telling first.", kDigestSchema, kDigestReply, bound(digest)},
  };
}

}  // namespace

int run_mcp(Client& client, std::string_view version) {
  const std::vector<mcp::Tool> all = tools(client);
  for (std::string line; std::getline(std::cin, line);) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (const auto reply = mcp::reply_to(line, {version, all})) {
      print(*reply + "\n");
      std::fflush(stdout);
    }
  }
  return kExitOk;
}

}  // namespace silt::cli
