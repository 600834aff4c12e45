// idle_files_bench [FILES [FILES_PER_FOLDER]]: what files cost that nobody writes to. Not a test.
//
// Ten minutes pass by a clock that the bench turns, so the CPU share is what the comparisons with the
// disk take of it; the disk is in the page cache.
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/clock.h"
#include "connectors/file/file_connector.h"

namespace {

using namespace silt;
using namespace silt::connectors;

class NoWaiter final : public Waiter {
 public:
  void wait(int, std::chrono::milliseconds timeout, std::function<void()>) override { last = timeout; }
  std::chrono::milliseconds last{0};
};

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return time.tv_sec + time.tv_usec * 1e-6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

long resident_kib() {
  std::ifstream file("/proc/self/statm");
  long pages = 0, resident = 0;
  file >> pages >> resident;
  return resident * (::sysconf(_SC_PAGESIZE) / 1024);
}

bool drain(FileConnector& connector) {
  Batch batch;
  for (bool more = true; more;) {
    const Result<bool> polled = connector.poll({}, batch);
    if (!polled.is_ok()) return false;
    more = *polled;
    connector.confirm();
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const int files = argc > 1 ? std::atoi(argv[1]) : 10'000;
  const int per_folder = argc > 2 ? std::atoi(argv[2]) : 1000;
  std::string name = (std::filesystem::temp_directory_path() / "silt-idle-XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(name.data());
  for (int i = 0; i < files; ++i) {
    const std::filesystem::path inner = folder / ("folder-" + std::to_string(i / per_folder));
    if (i % per_folder == 0) std::filesystem::create_directory(inner);
    std::ofstream(inner / ("application-" + std::to_string(i) + ".log")) << "one line of file " << i << "\n";
  }
  const long resident_before = resident_kib();
  ManualClock clock(4'000'000'000'000'000);  // after all time stamps
  NoWaiter waiter;
  FileConnectorOptions options;
  options.include = {(folder / "**/*.log").string()};
  auto created = FileConnector::create(options, clock, waiter);
  if (!created.is_ok() || !(*created)->resume({}).is_ok()) return 1;
  FileConnector& connector = **created;
  const double first_before = cpu_seconds();
  if (!drain(connector)) return 1;
  const double first = cpu_seconds() - first_before;
  constexpr std::int64_t kPassedS = 600;
  const std::int64_t end_us = clock.monotonic_us() + kPassedS * 1'000'000;
  const double before = cpu_seconds();
  double longest = 0;
  int wakes = 0;
  for (; clock.monotonic_us() < end_us; ++wakes) {
    connector.notify_when_ready([] {});
    clock.advance_us(1000 * std::max<std::int64_t>(1, waiter.last.count()));
    const double poll_before = cpu_seconds();
    if (!drain(connector)) return 1;
    connector.stats();
    longest = std::max(longest, cpu_seconds() - poll_before);
  }
  const double share = (cpu_seconds() - before) / kPassedS;
  const ConnectorStats stats = connector.stats();
  std::printf(
      "%d idle files (%llu known, %llu open), %d a folder: first look %.2f CPU s; then %.4f %% of a core, %d "
      "wakes, longest %.1f ms; %ld MB, %.0f bytes a file\n",
      files, static_cast<unsigned long long>(stats.files_known),
      static_cast<unsigned long long>(stats.files_open), per_folder, first, 100 * share, wakes, 1e3 * longest,
      resident_kib() / 1024, 1024.0 * static_cast<double>(resident_kib() - resident_before) / files);
  std::filesystem::remove_all(folder);
  return stats.files_known == static_cast<std::uint64_t>(files) ? 0 : 1;
}
