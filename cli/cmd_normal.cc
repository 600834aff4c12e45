// `silt normal`: what is no news, because someone says so.
#include <google/protobuf/util/time_util.h>

#include <charconv>

#include "cli/commands.h"
#include "cli/json_view.h"
#include "cli/terminal.h"
#include "cli/when.h"

namespace silt::cli {
namespace {

using google::protobuf::util::TimeUtil;

std::string what_of(const silt::v1::Normal& normal) {
  if (normal.pattern() == 0) return "(the source)";
  return "#" + std::to_string(normal.pattern()) + " " + escape(normal.pattern_text());
}

template <class Response>
std::string render(const Response& response, const Style& style) {
  Table table({{"ID"}, {"SOURCE"}, {"KIND"}, {"UNTIL"}, {"SAID BY"}, {"WHY"}, {"PATTERN"}});
  for (const silt::v1::Normal& normal : response.normal()) {
    table.add({escape(normal.id()), escape(normal.source()), escape(normal.kind()),
               format_local(TimeUtil::TimestampToMicroseconds(normal.until())), escape(normal.created_by()), escape(normal.note()),
               what_of(normal)});
  }
  return response.normal().empty() ? "nothing is said to be normal\n" : table.render(style);
}

// "12", or "SOURCE#17".
Status read_target(const std::string& target, silt::v1::MarkNormalRequest& request) {
  if (target.empty()) return invalid_argument("what is normal? Name an incident (silt watch --recent --once), or SOURCE#PATTERN (silt patterns SOURCE)");
  if (target.find_first_not_of("0123456789") == std::string::npos) {
    request.set_id(target);
    return Status::ok();
  }
  const std::size_t hash = target.rfind('#');
  std::uint32_t pattern = 0;
  const char* const end = target.data() + target.size();
  const char* const begin = hash == std::string::npos ? end : target.data() + hash + 1;
  const auto [stop, failed] = std::from_chars(begin, end, pattern);
  if (failed != std::errc() || stop != end || pattern == 0)
    return invalid_argument("'" + target + "' is neither an incident's number nor SOURCE#PATTERN, as in 'host:/var/log/app.log#17'");
  request.set_source(target.substr(0, hash));
  request.set_pattern(pattern);
  return Status::ok();
}

}  // namespace

int run_normal(Client& client, const NormalOptions& options) {
  if (options.list) {
    silt::v1::ListNormalRequest request;
    request.set_tenant(options.tenant.empty() ? "*" : options.tenant);
    const Result<silt::v1::ListNormalResponse> response = client.list_normal(request);
    if (!response.is_ok()) return fail(response.status());
    print(options.json ? to_json(*response) : render(*response, Style::of_stdout()));
    return kExitOk;
  }
  if (!options.remove.empty()) {
    silt::v1::RemoveNormalRequest request;
    request.set_tenant(options.tenant);
    request.set_id(options.remove);
    const Result<silt::v1::RemoveNormalResponse> done = client.remove_normal(request);
    if (!done.is_ok()) return fail(done.status());
    print(options.json ? to_json(*done) : escape(done->normal().kind()) + " of " + what_of(done->normal()) + " is news again\n");
    return kExitOk;
  }
  silt::v1::MarkNormalRequest request;
  request.set_tenant(options.tenant);
  const Status target = read_target(options.target, request);
  if (!target.is_ok()) return fail(target);
  const Result<std::int64_t> ttl_us = parse_duration(options.ttl);
  if (!ttl_us.is_ok()) return fail(ttl_us.status());
  *request.mutable_ttl() = TimeUtil::MicrosecondsToDuration(*ttl_us);
  request.set_note(options.note);
  const Result<silt::v1::MarkNormalResponse> made = client.mark_normal(request);
  if (!made.is_ok()) return fail(made.status());
  print(options.json ? to_json(*made) : render(*made, Style::of_stdout()));
  return kExitOk;
}

}  // namespace silt::cli
