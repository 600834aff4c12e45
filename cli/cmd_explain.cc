#include <algorithm>

#include "cli/answer_view.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/json_view.h"
#include "cli/terminal.h"
#include "cli/when.h"

namespace silt::cli {
namespace {

constexpr int kTokensShown = 12;

std::string local(const google::protobuf::Timestamp& time) {
  return format_local(time.seconds() * 1'000'000);
}

// The tokens that cost most, in the order of the line.
std::string surprising_tokens(const silt::v1::ExplainResponse& from, const Style& style) {
  std::vector<int> order(static_cast<std::size_t>(from.tokens_size()));
  for (int i = 0; i < from.tokens_size(); ++i) order[static_cast<std::size_t>(i)] = i;
  const auto shown = order.begin() + std::min<int>(kTokensShown, from.tokens_size());
  std::partial_sort(order.begin(), shown, order.end(), [&](int a, int b) {
    return from.tokens(a).adapted_bits() > from.tokens(b).adapted_bits();
  });
  std::sort(order.begin(), shown);
  Table table({{"TOKEN"}, {"BITS", true}, {"WITHOUT LEARNING", true}});
  for (auto i = order.begin(); i != shown; ++i) {
    const auto& token = from.tokens(*i);
    table.add({"'" + escape(token.text()) + "'", format_fixed(token.adapted_bits(), 1),
               format_fixed(token.frozen_bits(), 1)});
  }
  return table.render(style);
}

std::string render_explanation(const silt::v1::ExplainResponse& from, const Style& style) {
  std::string out = style.bold(escape(from.text())) + "\n\n" + render(from.record(), style) + "\n\n";
  out += "pattern          " + escape(from.pattern()) + "\n";
  out += "seen             " + format_count(from.pattern_count()) + " times";
  if (from.has_pattern_first_seen()) out += ", first " + local(from.pattern_first_seen());
  if (from.has_pattern_last_seen()) out += ", last " + local(from.pattern_last_seen());
  out += "\nbits per byte    " + format_fixed(from.adapted_bits_per_byte(), 2) + " here, " +
         format_fixed(from.source_bits_per_byte(), 2) + " usual for the source, " +
         format_fixed(from.frozen_bits_per_byte(), 2) + " without learning\n";
  if (from.tokens_size() > 0) out += "\n" + surprising_tokens(from, style);
  if (from.similar_size() > 0) out += "\nsimilar earlier records:\n";
  for (const auto& record : from.similar()) out += render(record, style) + "\n";
  return out + "\n" + style.dim("state v" + std::to_string(from.state_version())) + "\n";
}

}  // namespace

int run_explain(Client& client, const ExplainOptions& options) {
  if ((options.seq == 0) == options.line.empty()) {
    return fail(invalid_argument("name a record by its SEQ, or bring a text with --line, not both"));
  }
  silt::v1::ExplainRequest request;
  request.set_tenant(options.tenant);
  request.set_source(options.source);
  if (options.seq > 0) {
    request.set_seq(options.seq);
  } else {
    request.set_line(options.line);
  }
  const Result<silt::v1::ExplainResponse> response = client.explain(request);
  if (!response.is_ok()) return fail(response.status());
  print(options.json ? to_json(*response) : render_explanation(*response, Style::of_stdout()));
  return kExitOk;
}

}  // namespace silt::cli
