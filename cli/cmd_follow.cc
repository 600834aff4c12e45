// `silt sources --follow`: the sources as they are being read and learned.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <thread>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/sources_view.h"

namespace silt::cli {
namespace {

using std::chrono::steady_clock;
constexpr std::chrono::milliseconds kRefresh{500};
constexpr int kPlainEvery = 4;  // refreshes per line when the output is not a terminal

// What was seen first, for saying how it has changed since.
struct Start {
  std::optional<std::uint64_t> patterns;
  std::map<std::string, double> bits;  // per byte, of each source when it had been scored first
};

struct Totals {
  std::uint64_t lines = 0, bytes = 0, learned = 0, backlog = 0, patterns = 0, version_max = 0;
  double first_bits = 0, bits = 0;  // sums over the scored sources
  int scored_sources = 0;
};

Totals total(const silt::v1::ListSourcesResponse& response, Start& start) {
  Totals sum;
  for (const auto& source : response.sources()) {
    sum.lines += source.lines();
    sum.bytes += source.bytes();
    sum.learned += source.learned_lines();
    sum.backlog += source.backlog();
    sum.patterns += source.patterns();
    sum.version_max = std::max<std::uint64_t>(sum.version_max, source.state_version());
    const double now = source.bits_per_byte_window();
    if (now <= 0) continue;
    sum.first_bits += start.bits.try_emplace(source.tenant() + '\n' + source.source(), now).first->second;
    sum.bits += now;
    ++sum.scored_sources;
  }
  if (!start.patterns) start.patterns = sum.patterns;
  return sum;
}

// The two figures are means over the same sources: one that joins late does not move them apart.
std::string bits_per_byte(const Totals& sum) {
  if (sum.scored_sources == 0) return "- bits/byte";
  return format_fixed(sum.first_bits / sum.scored_sources, 3) + " -> " +
         format_fixed(sum.bits / sum.scored_sources, 3) + " bits/byte";
}

std::string summary(const Totals& sum, const Start& start, std::int64_t elapsed_s) {
  std::string out = std::to_string(elapsed_s) + " s: " + format_count(sum.lines) + " lines (" +
                    format_bytes(sum.bytes) + "), " + format_count(sum.patterns) + " patterns";
  if (sum.patterns > *start.patterns) out += " (" + format_count(sum.patterns - *start.patterns) + " new)";
  return out + "; " + format_count(sum.learned) + " lines learned, " + format_count(sum.backlog) +
         " to go, " + bits_per_byte(sum) + ", states up to v" + std::to_string(sum.version_max) + "\n";
}

std::size_t line_count(const std::string& text) {
  std::size_t lines = 0;
  for (const char c : text) lines += c == '\n';
  return lines;
}

// Draws over what was drawn before.
void redraw(const std::string& text, std::size_t& lines_above) {
  std::string out;
  if (lines_above > 0) out = "\x1b[" + std::to_string(lines_above) + "A";
  out += "\x1b[J" + text;
  lines_above = line_count(text);
  print(out);
}

}  // namespace

int run_follow(Client& client, const SourcesOptions& options) {
  silt::v1::ListSourcesRequest request;
  request.set_tenant(options.tenant);
  const Style style = Style::of_stdout();
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  const auto begin = steady_clock::now();
  std::size_t lines_above = 0;
  Start start;
  for (int refresh = 0;; ++refresh) {
    const Result<silt::v1::ListSourcesResponse> response = client.list_sources(request);
    if (!response.is_ok()) return fail(response.status());
    const auto elapsed_s =
        std::chrono::duration_cast<std::chrono::seconds>(steady_clock::now() - begin).count();
    const Totals sum = total(*response, start);
    // A daemon that has just started has not looked yet; one that has looked and has no backlog is done.
    const bool ended = elapsed_s >= options.for_s || (sum.backlog == 0 && sum.lines > 0);
    if (terminal) {
      redraw(render(*response, style) + summary(sum, start, elapsed_s), lines_above);
    } else if (ended || refresh % kPlainEvery == 0) {
      print(summary(sum, start, elapsed_s));
    }
    if (ended && !terminal) print(render(*response, style));
    if (ended) return kExitOk;
    std::this_thread::sleep_for(kRefresh);
  }
}

}  // namespace silt::cli
