#include "base/clock.h"
#include "cli/answer_view.h"
#include "cli/commands.h"
#include "cli/json_view.h"
#include "cli/patterns_view.h"
#include "cli/terminal.h"
#include "cli/when.h"

namespace silt::cli {
namespace {

std::string n_of(std::uint64_t matched, std::uint64_t examined, std::uint64_t total, bool truncated) {
  std::string out = std::to_string(matched) + " of " + std::to_string(total) + " records";
  if (truncated) out += "; a limit was reached after " + std::to_string(examined) + ", and what is said is of these alone";
  return out;
}

Status set_when(const std::string& text, google::protobuf::Timestamp* (*field)(silt::v1::SearchRequest&),
                silt::v1::SearchRequest& request) {
  if (text.empty()) return Status::ok();
  SILT_ASSIGN(const std::int64_t us, parse_when(text, SystemClock().wall_us()));
  field(request)->set_seconds(us / 1'000'000);
  return Status::ok();
}

std::string render(const silt::v1::QueryResponse& from, const Style& style) {
  std::string out;
  std::string_view rest = from.answer();
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    out += escape(rest.substr(0, end)) + "\n";
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  out += "\n";
  for (const auto& citation : from.evidence()) out += cli::render(citation, style) + "\n";
  return out + style.dim(n_of(from.records_matched(), from.records_examined(), from.records_total(), from.truncated())) + "\n";
}

std::string render(const silt::v1::SearchResponse& from, const Style& style) {
  std::string out;
  for (const auto& match : from.matches()) {
    const bool context = match.before_size() + match.after_size() > 0;
    for (const auto& line : match.before()) out += style.dim(cli::render(line, style)) + "\n";
    out += cli::render(match.record(), style) + "\n";
    for (const auto& line : match.after()) out += style.dim(cli::render(line, style)) + "\n";
    if (context) out += "--\n";
  }
  out += style.dim(std::to_string(from.matches_size()) + " shown, " +
                   n_of(from.records_matched(), from.records_examined(), from.records_total(), from.truncated())) + "\n";
  if (!from.next_page_token().empty()) out += style.dim("older ones: --page " + from.next_page_token()) + "\n";
  return out;
}

template <class Response>
int show(const Result<Response>& response, bool json, bool found) {
  if (!response.is_ok()) return fail(response.status());
  print(json ? to_json(*response) : render(*response, Style::of_stdout()));
  return found ? kExitOk : kExitNothingFound;
}

}  // namespace

int run_query(Client& client, const QueryOptions& options) {
  silt::v1::QueryRequest request;
  request.set_tenant(options.tenant);
  request.set_text(options.text);
  request.set_zone_s(local_zone_s());
  for (const std::string& source : options.sources) request.add_sources(source);
  const auto response = client.query(request);
  return show(response, options.json, response.is_ok() && response->found());
}

int run_search(Client& client, const SearchOptions& options) {
  silt::v1::SearchRequest request;
  request.set_tenant(options.tenant);
  for (const std::string& source : options.sources) request.add_sources(source);
  std::string pattern;
  for (const std::string& word : options.words) pattern += (pattern.empty() ? "" : " ") + word;
  request.set_pattern(pattern);
  request.set_context(options.context);
  request.set_limit(options.limit);
  request.set_page_token(options.page);
  for (const Status& status : {set_when(options.since, [](auto& to) { return to.mutable_since(); }, request),
                               set_when(options.until, [](auto& to) { return to.mutable_until(); }, request)}) {
    if (!status.is_ok()) return fail(status);
  }
  const auto response = client.search(request);
  return show(response, options.json, response.is_ok() && response->matches_size() > 0);
}

int run_patterns(Client& client, const PatternsOptions& options) {
  silt::v1::PatternsRequest request;
  request.set_tenant(options.tenant);
  if (!options.source.empty()) request.add_sources(options.source);
  request.set_limit(options.limit);
  request.set_page_token(options.page);
  request.set_zone_s(local_zone_s());
  const auto response = client.patterns(request);
  return show(response, options.json, response.is_ok() && response->patterns_size() > 0);
}

}  // namespace silt::cli
