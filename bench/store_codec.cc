// store_codec FILE...: what the store's two forms of records cost, beside plain zstd -1 blocks of
// 64 KiB: MB of text per second of processor time (one core), and bytes written as a share of raw.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/check.h"
#include "daemon/store/chunk.h"
#include "daemon/store/compress.h"

namespace {

using namespace silt::store;

constexpr std::size_t kChunkTextBytes = 64 * 1024;
constexpr double kSecondsEach = 1.0;

struct Log {
  std::string name;
  std::vector<std::string> lines;
  std::vector<RecordView> records;
  std::size_t text_bytes = 0;
};

Log read_log(const std::string& path) {
  Log log;
  log.name = std::filesystem::path(path).filename();
  std::ifstream file(path, std::ios::binary);
  for (std::string line; std::getline(file, line);) log.lines.push_back(line);
  std::uint64_t at = 0;
  for (const std::string& line : log.lines) {
    RecordView record;
    record.seq = log.records.size() + 1;
    record.arrival_us = 1795000000000000 + static_cast<std::int64_t>(at / kChunkTextBytes) * 200'000;
    record.text = line;
    record.origin = {path, 0x5bd1e9955bd1e995, at, at + line.size()};
    at = record.origin.end + 1;
    log.records.push_back(record);
    log.text_bytes += line.size();
  }
  return log;
}

// Runs `pass`, which gives the bytes written, again and again for a second.
template <class Pass>
void time_stage(const char* name, const Log& log, Pass pass) {
  std::size_t written = pass();  // warm
  int passes = 0;
  const std::clock_t start = std::clock();
  double seconds = 0;
  while (seconds < kSecondsEach) {
    written = pass();
    ++passes;
    seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  }
  const auto raw = static_cast<double>(log.text_bytes);
  std::printf("%-22s %-28s %8.1f MB/s %7.2f %% of raw\n", log.name.c_str(), name,
              raw * passes / seconds / 1e6, 100.0 * static_cast<double>(written) / raw);
}

// Calls `work` for runs of records with at least `bytes` of text each.
template <class Work>
void for_runs(const Log& log, std::size_t bytes, Work work) {
  std::size_t first = 0, sum = 0;
  for (std::size_t i = 0; i < log.records.size(); ++i) {
    sum += log.records[i].text.size();
    if (sum < bytes && i + 1 < log.records.size()) continue;
    work(std::span(log.records).subspan(first, i + 1 - first));
    first = i + 1;
    sum = 0;
  }
}

void measure_blocks(const Log& log) {
  std::string raw, packed;
  time_stage("plain zstd -1, 64 KiB", log, [&] {
    std::size_t written = 0;
    for_runs(log, kChunkTextBytes, [&](std::span<const RecordView> records) {
      raw.clear();
      packed.clear();
      for (const RecordView& record : records) raw.append(record.text).push_back('\n');
      compress_append(raw, 1, packed);
      written += packed.size();
    });
    return written;
  });
}

void measure_chunks(const Log& log) {
  std::vector<std::string> chunks;
  time_stage("chunks: encode", log, [&] {
    chunks.clear();
    std::size_t written = 0;
    for_runs(log, kChunkTextBytes, [&](std::span<const RecordView> records) {
      written += chunks.emplace_back(encode_chunk(records)).size();
    });
    return written;
  });
  time_stage("chunks: decode", log, [&] {
    std::size_t read = 0;
    for (const std::string& chunk : chunks) {
      SILT_CHECK(decode_chunk(chunk, 1).is_ok());
      read += chunk.size();
    }
    return read;
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: store_codec FILE...\n");
    return 2;
  }
  for (int i = 1; i < argc; ++i) {
    const Log log = read_log(argv[i]);
    measure_blocks(log);
    measure_chunks(log);
  }
  return 0;
}
