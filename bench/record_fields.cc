// record_fields FILE...: what records of many lines and typed fields cost the fold. Each file is folded into
// segments line by line, and with records joined and their fields read; both in one run, by turns. Prints MB
// of text per second of processor time (one core) of both, and the second as a share of the first.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/check.h"
#include "connectors/record_cutter.h"
#include "connectors/record_rules.h"
#include "daemon/fold/miner.h"
#include "daemon/fold/typed_fields.h"
#include "daemon/store/segment_builder.h"

namespace {

namespace connectors = silt::connectors;
namespace fold = silt::fold;
namespace store = silt::store;

constexpr std::size_t kSegmentTextBytes = 1 << 20;
constexpr std::size_t kLineBytesMax = 64 * 1024;
constexpr double kSecondsEach = 2.0;

void terms_of(std::string_view text, std::vector<std::string>& out) {
  fold::index_terms(text, out);
}

struct Folder {
  fold::Miner miner;
  fold::ScannedLine line;
  fold::FieldReader fields;
  store::SegmentBuilder builder;
  std::vector<store::TokenSpan> spans;
  std::uint64_t seq = 0;
  std::uint64_t found = 0;

  void record(std::string_view text, bool with_fields) {
    fold::scan_line(text, line);
    if (with_fields) found += fields.read(line).size();
    const fold::Folded folded = miner.fold(line, ++seq, 0);
    spans.clear();
    for (const fold::Token& token : line.tokens) spans.push_back({token.begin, token.end});
    store::RecordView record;
    record.seq = seq;
    record.text = text;
    builder.add(record, {folded.pattern, 0, folded.is_new}, spans);
    if (builder.raw_bytes() >= kSegmentTextBytes) finish();
  }
  void finish() {
    if (builder.records() > 0) SILT_CHECK(builder.finish(terms_of).is_ok());
  }
};

double seconds_of(const std::string& text, bool rich) {
  const std::clock_t start = std::clock();
  const auto rules = connectors::RecordRules::usual();
  connectors::RecordCutter cutter(text, rich ? rules.get() : nullptr, kLineBytesMax);
  Folder folder;
  connectors::RecordCutter::Cut cut;
  while (cutter.next(cut) || cutter.last(cut)) folder.record(cut.text, rich);
  folder.finish();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

void measure(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream read;
  read << file.rdbuf();
  const std::string text = read.str();
  double plain = 0, rich = 0;
  int passes = 0;
  seconds_of(text, true);  // warm
  for (; plain < kSecondsEach; ++passes) {
    plain += seconds_of(text, false);
    rich += seconds_of(text, true);
  }
  const double bytes = static_cast<double>(text.size()) * passes;
  std::printf("%-28s %8.1f MB/s plain %8.1f MB/s with records and fields: %3.0f %%\n",
              std::filesystem::path(path).filename().c_str(), bytes / plain / 1e6, bytes / rich / 1e6,
              100 * plain / rich);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: record_fields FILE...\n");
    return 2;
  }
  for (int i = 1; i < argc; ++i) measure(argv[i]);
  return 0;
}
