// store_codec [--columns] FILE...: what the store's two forms of records cost, beside plain zstd -1 blocks
// of 64 KiB: MB of text per second of processor time (one core), and bytes written as a share of raw.
// With --columns also where the bytes of the first segment are.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/check.h"
#include "daemon/fold/miner.h"
#include "daemon/fold/scanner.h"
#include "daemon/fold/timestamp.h"
#include "daemon/store/chunk.h"
#include "daemon/store/compress.h"
#include "daemon/store/segment.h"
#include "daemon/store/segment_builder.h"

namespace {

using namespace silt::store;

constexpr std::size_t kChunkTextBytes = 64 * 1024;
constexpr std::size_t kSegmentTextBytes = 1024 * 1024;
constexpr double kSecondsEach = 1.0;

struct Log {
  std::string name;
  std::vector<std::string> lines;
  std::vector<RecordView> records;
  std::vector<FoldMark> marks;
  std::vector<std::vector<TokenSpan>> tokens;
  std::size_t text_bytes = 0;
};

void fold(Log& log) {
  silt::fold::Miner miner;
  silt::fold::ScannedLine scanned;
  for (const RecordView& record : log.records) {
    silt::fold::scan_line(record.text, scanned);
    FoldMark mark{.event_us = record.arrival_us};
    if (scanned.time) {
      mark.event_us =
          silt::fold::resolve_time(*scanned.time, record.arrival_us, {}).value_or(record.arrival_us);
    }
    const silt::fold::Folded folded = miner.fold(scanned, record.seq, mark.event_us);
    mark.pattern = folded.pattern;
    mark.new_pattern = folded.is_new;
    log.marks.push_back(mark);
    std::vector<TokenSpan>& tokens = log.tokens.emplace_back();
    for (const silt::fold::Token& token : scanned.tokens) {
      tokens.push_back({token.begin, token.end, scanned.time && token.begin == scanned.time->begin});
    }
  }
}

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
  fold(log);
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

// Of a line or a part of one, in which what looks like the line's timestamp is a value like others.
void terms_of(std::string_view text, std::vector<std::string>& terms) {
  thread_local silt::fold::ScannedLine scanned;
  silt::fold::scan_line(text, scanned);
  scanned.time.reset();
  silt::fold::index_terms(scanned, terms);
}

std::size_t build_segments(const Log& log, SegmentBuilder& builder, std::vector<std::string>& out) {
  out.clear();
  std::size_t written = 0;
  const auto finish = [&] {
    silt::Result<std::string> segment = builder.finish(terms_of);
    SILT_CHECK(segment.is_ok());
    written += out.emplace_back(std::move(segment).value()).size();
  };
  for (std::size_t i = 0; i < log.records.size(); ++i) {
    builder.add(log.records[i], log.marks[i], log.tokens[i]);
    if (builder.raw_bytes() >= kSegmentTextBytes) finish();
  }
  if (builder.records() > 0) finish();
  return written;
}

// Each column's packed bytes in frames, and its bytes in the pool (before packing).
void print_columns(const std::string& bytes) {
  const Segment segment = Segment::open(std::make_shared<const std::string>(bytes)).value();
  const SegmentHeader& header = segment.header();
  std::size_t frames = 0;
  for (const Frame& frame : header.frames) frames += frame.packed_bytes;
  std::printf("  %u records, %zu bytes of %zu: header %zu, bloom %u, pool %u of %u\n", header.records,
              bytes.size(), static_cast<std::size_t>(header.text_bytes),
              bytes.size() - frames - header.bloom_bytes, header.bloom_bytes,
              header.frames.back().packed_bytes, header.frames.back().raw_bytes);
  for (std::size_t i = 0; i < header.columns.size(); ++i) {
    const Place begin = header.columns[i].place;
    const bool last = i + 1 == header.columns.size();
    const Place end =
        last ? Place{header.frames.back().raw_bytes, static_cast<std::uint32_t>(header.frames.size() - 1)}
             : header.columns[i + 1].place;
    std::printf("  column %3zu: pool %5u, frames", i, end.pool - begin.pool);
    for (std::uint32_t f = begin.frame; f < end.frame; ++f) {
      std::printf(" %u of %u,", header.frames[f].packed_bytes, header.frames[f].raw_bytes);
    }
    std::printf("\n");
  }
  for (const ShapeInfo& shape : header.shapes) {
    std::printf("  shape of pattern %u, %u records:", shape.pattern, shape.count);
    for (const HoleInfo& hole : shape.holes) {
      if (!hole.is_constant()) std::printf(" %u", hole.column);
    }
    std::printf(": %.150s\n", shape.text.c_str());
  }
}

void measure_segments(const Log& log, bool columns) {
  std::vector<std::string> segments;
  SegmentBuilder builder;
  time_stage("segments: build and prove", log, [&] { return build_segments(log, builder, segments); });
  const auto stage = [&](const char* name, auto use) {
    time_stage(name, log, [&] {
      std::size_t read = 0;
      for (const std::string& bytes : segments) {
        silt::Result<Segment> segment = Segment::open(std::make_shared<const std::string>(bytes));
        SILT_CHECK(segment.is_ok() && use(*segment));
        read += bytes.size();
      }
      return read;
    });
  };
  stage("segments: open", [](Segment&) { return true; });
  stage("segments: marks", [](Segment& segment) { return segment.marks().is_ok(); });
  stage("segments: all records",
        [](Segment& segment) { return segment.records(0, segment.records()).is_ok(); });
  stage("segments: ten records", [](Segment& segment) {
    std::vector<std::uint32_t> some;
    for (std::uint32_t i = 0; i < segment.records(); i += segment.records() / 10 + 1) some.push_back(i);
    return segment.records(some).is_ok();
  });
  if (columns) print_columns(segments.front());
}

}  // namespace

int main(int argc, char** argv) {
  const bool columns = argc > 1 && std::string_view(argv[1]) == "--columns";
  const int first = columns ? 2 : 1;
  if (argc <= first) {
    std::fprintf(stderr, "usage: store_codec [--columns] FILE...\n");
    return 2;
  }
  for (int i = first; i < argc; ++i) {
    const Log log = read_log(argv[i]);
    measure_blocks(log);
    measure_chunks(log);
    measure_segments(log, columns);
  }
  return 0;
}
