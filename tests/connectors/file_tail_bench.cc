// file_tail_bench [MB [join]]: CPU cost of reading one file through poll(), up to the records, without and
// with the rules that join lines. Not a test.
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
  void wait(int, std::chrono::milliseconds, std::function<void()>) override {}
};

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return time.tv_sec + time.tv_usec * 1e-6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int fail(const Status& status) {
  std::fprintf(stderr, "%s\n", status.to_string().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t megabytes = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 200;
  std::string name = (std::filesystem::temp_directory_path() / "silt-bench-XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(name.data());
  std::uint64_t written = 0;
  {
    std::ofstream file(folder / "a.log");
    for (std::uint64_t i = 0; written < megabytes * 1'000'000; ++i) {
      std::string line =
          std::to_string(1000000000 + i) + " host sshd[4711]: Failed password for invalid user ";
      line.resize(121, 'x');
      file << line << '\n';
      written += line.size() + 1;
    }
  }
  SystemClock clock;
  NoWaiter waiter;
  FileConnectorOptions options;
  options.include = {(folder / "*.log").string()};
  if (argc > 2) options.rules = RecordRules::usual();
  options.flush_ms = 0;
  auto created = FileConnector::create(options, clock, waiter);
  if (!created.is_ok()) return fail(created.status());
  FileConnector& connector = **created;
  if (const Status resumed = connector.resume({}); !resumed.is_ok()) return fail(resumed);

  const double cpu_before = cpu_seconds();
  const std::int64_t before_us = clock.monotonic_us();
  std::uint64_t records = 0, bytes = 0;
  Batch batch;
  for (bool more = true; more || bytes < written;) {
    const Result<bool> polled = connector.poll({}, batch);
    if (!polled.is_ok()) return fail(polled.status());
    more = *polled;
    if (!more && batch.records == 0) connector.reconcile_now();
    records += batch.records;
    bytes += batch.bytes + batch.records;  // with the line ends
    connector.confirm();
  }
  const double cpu = cpu_seconds() - cpu_before;
  const double wall = static_cast<double>(clock.monotonic_us() - before_us) * 1e-6;
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "%.0f MB in %llu records, complete=%s: %.3f CPU s, %.3f s; %.0f MB per CPU s, %.2f M records per CPU "
      "s, %ld MB peak\n",
      static_cast<double>(bytes) / 1e6, static_cast<unsigned long long>(records),
      bytes == written ? "yes" : "NO", cpu, wall, static_cast<double>(bytes) / 1e6 / cpu,
      static_cast<double>(records) / 1e6 / cpu, usage.ru_maxrss / 1024);
  std::filesystem::remove_all(folder);
  return bytes == written ? 0 : 1;
}
