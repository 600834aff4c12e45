// fold_speed FILE...: lines per second of processor time (one core), for each stage and for all.
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "daemon/fold/miner.h"
#include "daemon/fold/policy.h"
#include "daemon/fold/redact.h"
#include "daemon/fold/typed_fields.h"

namespace {

using namespace silt::fold;

template <class Work>
void time_stage(const char* name, const std::vector<std::string>& lines, Work work) {
  std::size_t bytes = 0;
  const std::clock_t start = std::clock();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    work(lines[i], i);
    bytes += lines[i].size();
  }
  const double seconds = static_cast<double>(std::clock() - start + 1) / CLOCKS_PER_SEC;
  std::printf("%-28s %10.0f lines/s %8.1f MB/s\n", name, static_cast<double>(lines.size()) / seconds,
              static_cast<double>(bytes) / seconds / 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> lines;
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    for (std::string line; std::getline(file, line);) lines.push_back(line);
  }
  if (lines.empty()) {
    std::fprintf(stderr, "usage: fold_speed FILE...\n");
    return 2;
  }
  RedactState state;
  RedactCounts counts;
  std::string redacted;
  redact("warm", RedactConfig{}, state, redacted, counts);  // compiles the cues
  ScannedLine scanned;
  std::vector<Field> fields;
  std::vector<std::string> terms;
  time_stage("redact", lines, [&](const std::string& line, std::size_t) {
    redact(line, RedactConfig{}, state, redacted, counts);
  });
  time_stage("find timestamp", lines, [&](const std::string& line, std::size_t) { find_timestamp(line); });
  time_stage("scan", lines, [&](const std::string& line, std::size_t) { scan_line(line, scanned); });
  time_stage("scan + fields", lines, [&](const std::string& line, std::size_t) {
    scan_line(line, scanned);
    fields_of(scanned, fields);
  });
  FieldReader reader;
  time_stage("scan + typed fields", lines, [&](const std::string& line, std::size_t) {
    scan_line(line, scanned);
    reader.read(scanned);
  });
  time_stage("scan + terms", lines, [&](const std::string& line, std::size_t) {
    scan_line(line, scanned);
    index_terms(scanned, terms);
  });
  Miner miner;
  time_stage("scan + fold", lines, [&](const std::string& line, std::size_t i) { miner.fold(line, i, 0); });
  Miner all_miner;
  Policy policy;
  time_stage("scan + fold + terms + policy", lines, [&](const std::string& line, std::size_t i) {
    scan_line(line, scanned);
    const Folded folded = all_miner.fold(scanned, i, 0);
    index_terms(scanned, terms);
    policy.decide({.text = line, .seq = i, .pattern = folded.pattern});
  });
  std::printf("%zu lines, %zu patterns\n", lines.size(), miner.size());
  return 0;
}
