// `silt recall`: what a state remembers. Each line of a file is read by the source's adapted net and by the frozen one: a
// line that the first finds far less surprising has been learned, or is like what has.
#include <fstream>
#include <iostream>

#include "cli/commands.h"
#include "cli/state_commands.h"
#include "cli/format.h"
#include "cli/json_view.h"
#include "cli/terminal.h"

namespace silt::cli {

int run_recall(Client& client, const RecallOptions& options) {
  std::ifstream file;
  if (options.probe != "-") file.open(options.probe, std::ios::binary);
  if (options.probe != "-" && !file) return fail(not_found(options.probe + ": cannot be read"));
  std::istream& in = options.probe == "-" ? std::cin : file;
  std::vector<Recalled> lines;
  double adapted = 0, frozen = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) continue;
    silt::v1::ExplainRequest request;
    request.set_tenant(options.tenant);
    request.set_source(options.source);
    request.set_line(line);
    const Result<silt::v1::ExplainResponse> read = client.explain(request);
    if (!read.is_ok()) return fail(read.status());
    Recalled recalled{line, 0, 0, read->state_version()};
    for (const auto& token : read->tokens()) {
      recalled.adapted_bits += token.adapted_bits();
      recalled.frozen_bits += token.frozen_bits();
    }
    adapted += recalled.adapted_bits;
    frozen += recalled.frozen_bits;
    lines.push_back(std::move(recalled));
  }
  if (options.json) {
    print(to_json(lines));
    return kExitOk;
  }
  Table table({{"BITS", true}, {"FROZEN", true}, {"SAVED", true}, {"LINE"}});
  for (const Recalled& line : lines) {
    table.add({format_fixed(line.adapted_bits, 1), format_fixed(line.frozen_bits, 1), format_fixed(line.frozen_bits - line.adapted_bits, 1),
               escape(line.text)});
  }
  print(table.render(Style::of_stdout()) + format_count(lines.size()) + " lines: " + format_fixed(adapted, 1) + " bits, " +
        format_fixed(frozen, 1) + " without learning" +
        (lines.empty() ? "" : " (state v" + std::to_string(lines.back().state_version) + ")") +
        "\nwhat is saved tells that a line, or its like, was learned; compare with lines that never were\n");
  return kExitOk;
}

}  // namespace silt::cli
