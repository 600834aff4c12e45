// `silt digest`: what is new, gone, louder, quieter and slower, in at most twenty lines.
#include <google/protobuf/util/time_util.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/json_view.h"
#include "cli/terminal.h"
#include "cli/when.h"

namespace silt::cli {
namespace {

using google::protobuf::util::TimeUtil;

constexpr std::size_t kTrendWidth = 8;

std::string place_of(const silt::v1::DigestLine& line) {
  if (line.pattern().empty() || line.sources().empty()) return {};
  const std::uint64_t others = line.sources_total() - 1;
  return " in " + escape(line.sources(0)) + (others == 0 ? "" : " and " + std::to_string(others) + " more");
}

std::string render(const silt::v1::DigestResponse& digest, const Style& style) {
  std::string out = style.bold("since " + format_local(TimeUtil::TimestampToMicroseconds(digest.since()))) + ", against as long before, in " +
                    std::to_string(digest.sources()) + " sources\n";
  for (const auto& line : digest.lines()) {
    std::string trend = line.trend();
    trend.resize(std::max(kTrendWidth, trend.size()), ' ');
    out += style.bold(trend) + escape(line.text()) + style.dim(place_of(line)) + "\n";
  }
  const std::uint64_t others = digest.lines_total() - static_cast<std::uint64_t>(digest.lines_size());
  std::string end;
  if (digest.lines().empty()) end = "nothing has changed much";
  if (others > 0) end = std::to_string(others) + " lesser changes";
  if (digest.noise() > 0) end += (end.empty() ? "" : ", ") + std::to_string(digest.noise()) + " patterns of identifiers, times or encoded bytes";
  if (digest.cut()) end += std::string(end.empty() ? "" : ", ") + "not all records were looked at: name fewer sources, or a later time";
  return end.empty() ? out : out + style.dim(end) + "\n";
}

}  // namespace

int run_digest(Client& client, const DigestOptions& options) {
  const std::int64_t now_us = SystemClock().wall_us();
  silt::v1::DigestRequest request;
  request.set_tenant(options.tenant);
  for (const std::string& source : options.sources) request.add_sources(source);
  const Result<std::int64_t> since_us = parse_when(options.since, now_us);
  if (!since_us.is_ok()) return fail(since_us.status());
  *request.mutable_since() = TimeUtil::MicrosecondsToTimestamp(*since_us);
  if (!options.until.empty()) {
    const Result<std::int64_t> until_us = parse_when(options.until, now_us);
    if (!until_us.is_ok()) return fail(until_us.status());
    *request.mutable_until() = TimeUtil::MicrosecondsToTimestamp(*until_us);
  }
  const Result<silt::v1::DigestResponse> response = client.digest(request);
  if (!response.is_ok()) return fail(response.status());
  print(options.json ? to_json(*response) : render(*response, Style::of_stdout()));
  return kExitOk;
}

}  // namespace silt::cli
