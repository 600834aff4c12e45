// The drill of crash_test.cc, as long as you like.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <random>
#include <string>

#include "tests/daemon/crash_drill.h"

namespace {

constexpr char kHelp[] =
    "crash_drill [--rounds N] [--seed S] [--files N] [--retention BYTES] [--rollbacks N] [--forgets N] [--resets N] [--backups 1]\n"
    "\n"
    "Kills a process that reads, folds and learns, again and again, and compares its store with that of a twin that was\n"
    "never killed. Ends with 1, and what differs, when they are not the same.\n"
    "\n"
    "  --rounds N      deaths (200), besides four of each reset\n"
    "  --seed S        of all chance; printed\n"
    "  --files N       that are written to (1)\n"
    "  --retention B   bytes of segments of a source that are kept (4000, with what follows 0); 0: everything\n"
    "  --rollbacks N   records of one file are left out, so often (0)\n"
    "  --forgets N     or forgotten\n"
    "  --resets N      its net, or net and fold, are reset, so often, between the rounds\n"
    "  --backups 1     backups are made all the time\n";

constexpr std::uint64_t kNotGiven = ~std::uint64_t{0};

using Numbers = std::map<std::string, std::uint64_t>;

std::optional<Numbers> numbers_of(int argc, char** argv) {
  Numbers numbers = {{"--rounds", 200}, {"--seed", std::random_device()()}, {"--files", 1}, {"--retention", kNotGiven},
                     {"--rollbacks", 0}, {"--forgets", 0}, {"--resets", 0}, {"--backups", 0}};
  for (int i = 1; i < argc; i += 2) {
    const auto known = numbers.find(argv[i]);
    if (known == numbers.end() || i + 1 == argc) return std::nullopt;
    const char* const end = argv[i + 1] + std::strlen(argv[i + 1]);
    if (std::from_chars(argv[i + 1], end, known->second).ptr != end) return std::nullopt;
  }
  return numbers;
}

}  // namespace

int main(int argc, char** argv) {
  const bool asks = argc == 2 && (std::strcmp(argv[1], "--help") == 0 || std::strcmp(argv[1], "-h") == 0);
  const std::optional<Numbers> numbers = numbers_of(argc, argv);
  if (asks || !numbers) {
    std::fputs(kHelp, asks ? stdout : stderr);
    return asks ? 0 : 64;
  }
  const std::uint64_t rounds = numbers->at("--rounds"), files = numbers->at("--files"), resets = numbers->at("--resets");
  std::uint64_t rollbacks = numbers->at("--rollbacks"), forgets = numbers->at("--forgets");
  silt::testing::CrashDrill drill(numbers->at("--seed"));
  drill.retention_bytes = numbers->at("--retention");
  if (drill.retention_bytes == kNotGiven) drill.retention_bytes = rollbacks + forgets + resets > 0 ? 0 : 4000;
  if (files > 1) drill.stamp_step_us = 0;
  drill.backups = numbers->at("--backups") > 0;
  std::vector<std::string> names;
  for (std::uint64_t i = 0; i < files; ++i) {
    names.push_back(std::to_string(i) + ".log");
    drill.write_lines(names.back(), 10);  // all are there at the first look: it numbers them
  }
  std::printf("seed %llu\n", static_cast<unsigned long long>(numbers->at("--seed")));
  // Changes are planned for each stretch between two resets.
  const std::uint64_t stretches = resets + 1;
  std::uint64_t stretch = 0;
  const auto plan = [&] {
    for (std::uint64_t left = (rollbacks + forgets) / (stretches - stretch); left > 0; --left) {
      const bool forget = drill.random() % (rollbacks + forgets) < forgets;
      --(forget ? forgets : rollbacks);
      drill.plan(forget ? "forget" : "rollback");
    }
  };
  plan();
  for (std::uint64_t round = 0; round < rounds; ++round) {
    drill.round(names);
    if (stretch < resets && round + 1 >= rounds * (stretch + 1) / stretches) {
      const bool with_fold = drill.random() % 2 == 0;
      const std::string failed = drill.reset("reset " + std::to_string(stretch), with_fold);
      std::printf("%s at %llu lines\n", failed.empty() ? (with_fold ? "net and fold were reset" : "the net was reset") : failed.c_str(),
                  static_cast<unsigned long long>(drill.lines()));
      if (!failed.empty()) return 1;
      ++stretch;
      plan();
    }
    if (round % 50 != 49) continue;
    std::printf("%llu rounds, %llu lines\n", static_cast<unsigned long long>(round + 1),
                static_cast<unsigned long long>(drill.lines()));
    std::fflush(stdout);
  }
  // What waits for more records than there are would wait for ever.
  const std::uint64_t last = drill.changes.empty() ? 0 : drill.changes.back().at;
  if (drill.lines_of_first() < last) drill.write_lines(names.front(), static_cast<int>(last - drill.lines_of_first()));
  const std::string differs = drill.difference();
  std::printf("%s\n", differs.empty() ? "the same as its twin" : differs.c_str());
  return differs.empty() ? 0 : 1;
}
