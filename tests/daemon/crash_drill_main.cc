// crash_drill --rounds N [--seed S] [--files N] [--retention BYTES] [--rollbacks N] [--forgets N] [--backups 1]:
// the drill of crash_test.cc, as long as you like. Ends with 1 and what differs when a store of a killed process is not that of its twin.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "tests/daemon/crash_drill.h"

int main(int argc, char** argv) {
  std::uint64_t rounds = 200, seed = std::random_device()(), files = 1, retention = 4000, rollbacks = 0, forgets = 0, backups = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--rounds") == 0) rounds = value;
    if (std::strcmp(argv[i], "--seed") == 0) seed = value;
    if (std::strcmp(argv[i], "--files") == 0) files = value;
    if (std::strcmp(argv[i], "--retention") == 0) retention = value;
    if (std::strcmp(argv[i], "--rollbacks") == 0) rollbacks = value;  // of one file that is kept whole, as the next
    if (std::strcmp(argv[i], "--forgets") == 0) forgets = value;
    if (std::strcmp(argv[i], "--backups") == 0) backups = value;
  }
  silt::testing::CrashDrill drill(seed);
  drill.retention_bytes = retention;
  if (files > 1) drill.stamp_step_us = 0;
  drill.backups = backups > 0;
  for (std::uint64_t i = 0; i < rollbacks + forgets; ++i) {
    const std::uint64_t at = 10 + 20 * i, first = 1 + drill.random() % at;
    const bool forget = drill.random() % (rollbacks + forgets) < forgets;
    drill.changes.push_back({at, {first, std::min(at, first + drill.random() % 15)}, forget ? "forget" : "rollback"});
  }
  if (rollbacks + forgets > 0) drill.retention_bytes = 0;
  std::vector<std::string> names;
  for (std::uint64_t i = 0; i < files; ++i) {
    names.push_back(std::to_string(i) + ".log");
    drill.write_lines(names.back(), 10);  // all are there at the first look: it numbers them
  }
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  for (std::uint64_t round = 0; round < rounds; ++round) {
    drill.round(names);
    if (round % 50 != 49) continue;
    std::printf("%llu rounds, %llu lines\n", static_cast<unsigned long long>(round + 1),
                static_cast<unsigned long long>(drill.lines()));
    std::fflush(stdout);
  }
  // What waits for more records than there are would wait for ever.
  const std::uint64_t last = drill.changes.empty() ? 0 : drill.changes.back().at;
  if (drill.lines() < last) drill.write_lines(names.front(), static_cast<int>(last - drill.lines()));
  const std::string differs = drill.difference();
  std::printf("%s\n", differs.empty() ? "the same as its twin" : differs.c_str());
  return differs.empty() ? 0 : 1;
}
