// store [--mb N] [FILE]: what a line costs on its way into the store, part by part, in MB of text per second
// of processor time (of all threads, compaction included), and what it takes on the disk. Beside it, in the
// same run: zstd -1 over blocks of the size that the intake appends, and rsyslogd from a file to a file, when it is installed.
// Without FILE, N MB of lines like those of an HDFS data node are made.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "connectors/file/file_connector.h"
#include "daemon/fold/redact.h"
#include "daemon/intake/intake.h"
#include "daemon/learn/fold_loop.h"
#include "daemon/store/compress.h"
#include "daemon/store/rocks_store.h"

namespace silt {
namespace {

constexpr std::size_t kBlockBytes = connectors::ReadLimits{}.batch_bytes_max;  // what the intake appends at once
constexpr char kRsyslogd[] = "/usr/sbin/rsyslogd";

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}
double cpu_seconds(const rusage& usage) {
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}
double cpu_seconds() {
  rusage usage{};
  SILT_CHECK(::getrusage(RUSAGE_SELF, &usage) == 0);
  return cpu_seconds(usage);
}

// A folder that goes away with the object.
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "silt-bench-XXXXXX").string();
    SILT_CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::uint64_t bytes_under(const std::string& path) {
  std::uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

// --- lines ------------------------------------------------------------------------------------------

std::string ip(std::mt19937_64& random) {
  return "10.250." + std::to_string(random() % 20) + "." + std::to_string(random() % 250);
}

// A block is met in a dozen lines that are not far from each other.
class Blocks {
 public:
  explicit Blocks(std::mt19937_64& random) : random_(random), open_(100) {
    for (std::int64_t& block : open_) block = static_cast<std::int64_t>(random());
  }
  std::int64_t next() {
    std::int64_t& block = open_[random_() % open_.size()];
    if (random_() % 12 == 0) block = static_cast<std::int64_t>(random_());
    return block;
  }

 private:
  std::mt19937_64& random_;
  std::vector<std::int64_t> open_;
};

std::string data_node_line(std::mt19937_64& random, Blocks& blocks, std::uint64_t second) {
  char start[48];
  std::snprintf(start, sizeof start, "081109 %02d%02d%02d %d INFO ", static_cast<int>(second / 3600 % 24),
                static_cast<int>(second / 60 % 60), static_cast<int>(second % 60),
                static_cast<int>(random() % 4000));
  const std::string block = "blk_" + std::to_string(blocks.next());
  switch (random() % 8) {
    case 0:
    case 1:
      return start + std::string("dfs.DataNode$PacketResponder: PacketResponder ") +
             std::to_string(random() % 3) + " for block " + block + " terminating";
    case 2:
    case 3:
      return start + std::string("dfs.DataNode$DataXceiver: Receiving block ") + block + " src: /" +
             ip(random) + ":" + std::to_string(30000 + random() % 30000) + " dest: /" + ip(random) + ":50010";
    case 4:
    case 5:
      return start + std::string("dfs.FSNamesystem: BLOCK* NameSystem.addStoredBlock: blockMap updated: ") +
             ip(random) + ":50010 is added to " + block + " size 67108864";
    case 6:
      return start + std::string("dfs.DataNode$PacketResponder: Received block ") + block + " of size " +
             std::to_string(random() % 4 == 0 ? random() % 67108864 : 67108864) + " from /" + ip(random);
    default:
      return start +
             std::string(
                 "dfs.FSNamesystem: BLOCK* NameSystem.allocateBlock: /user/root/rand/_temporary/_task_") +
             std::to_string(200811092030) + "_0001_m_" + std::to_string(random() % 2000) + "_0/part-" +
             std::to_string(random() % 2000) + ". " + block;
  }
}

struct Log {
  std::string path;
  std::vector<std::string> lines;
  std::size_t bytes = 0;  // of texts
};

Log make_log(const std::string& path, std::size_t bytes) {
  Log log;
  log.path = path;
  std::mt19937_64 random(1);
  Blocks blocks(random);
  std::ofstream out(path, std::ios::binary);
  while (log.bytes < bytes) {
    log.lines.push_back(data_node_line(random, blocks, log.lines.size() / 200));
    log.bytes += log.lines.back().size();
    out << log.lines.back() << '\n';
  }
  return log;
}

Log read_log(const std::string& path) {
  Log log;
  log.path = std::filesystem::absolute(path);
  std::ifstream in(path, std::ios::binary);
  for (std::string line; std::getline(in, line);) {
    log.bytes += line.size();
    log.lines.push_back(line);
  }
  SILT_CHECK(log.bytes > 0);
  return log;
}

// --- parts ------------------------------------------------------------------------------------------

// One line a part, with its speed as a multiple of the first one's.
class Report {
 public:
  explicit Report(const Log& log) : log_(log) {
    std::printf("%zu lines, %.1f MB\n%-36s %10s %10s %10s %10s\n", log.lines.size(),
                static_cast<double>(log.bytes) / 1e6, "part", "MB/CPU-s", "of zstd", "MB/s", "% of raw");
  }
  void add(const char* part, double cpu, double wall, std::uint64_t stored) {
    const double megabytes = static_cast<double>(log_.bytes) / 1e6, speed = megabytes / cpu;
    if (first_ == 0) first_ = speed;
    std::printf("%-36s %10.1f %10.3f", part, speed, speed / first_);
    if (wall != 0) std::printf(" %10.1f", megabytes / wall);
    if (stored != 0)
      std::printf(" %10.2f", 100.0 * static_cast<double>(stored) / static_cast<double>(log_.bytes));
    std::printf("\n");
    std::fflush(stdout);
  }
  // `work` returns the bytes that it stored, or 0. Returns the processor time.
  template <class Work>
  double measure(const char* part, Work work) {
    const double cpu = cpu_seconds();
    const auto start = std::chrono::steady_clock::now();
    const std::uint64_t stored = work();
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    const double used = cpu_seconds() - cpu;
    add(part, used, wall.count(), stored);
    return used;
  }

 private:
  const Log& log_;
  double first_ = 0;
};

std::uint64_t compress_blocks(const Log& log) {
  std::uint64_t stored = 0;
  std::string raw, packed;
  const auto flush = [&] {
    packed.clear();
    store::compress_append(raw, 1, packed);
    stored += packed.size();
    raw.clear();
  };
  for (const std::string& line : log.lines) {
    raw.append(line).push_back('\n');
    if (raw.size() >= kBlockBytes) flush();
  }
  flush();
  return stored;
}

std::unique_ptr<store::RocksStore> open_store(const std::string& path) {
  store::StoreOptions options;
  options.database.path = path;
  options.terms_of = learn::terms_of;
  return store::RocksStore::open(options).value();
}

// Each append a chunk, synced.
void append_all(store::RocksStore& store, const Log& log) {
  const store::SourceInfo source = store.open_source("default", log.path, "bench").value();
  std::uint64_t at = 0;
  for (std::size_t next = 0; next < log.lines.size();) {
    store::StreamAppend stream{source.ref, {}, {}};
    while (next < log.lines.size() && stream.delta.bytes < kBlockBytes) {
      store::RecordView record;
      record.text = log.lines[next++];
      record.arrival_us = 1'795'000'000'000'000 + static_cast<std::int64_t>(at);
      record.origin = {log.path, 1, at, at + record.text.size()};
      at = record.origin.end + 1;
      stream.delta.bytes += record.text.size();
      stream.records.push_back(record);
    }
    stream.delta.lines = stream.records.size();
    store::GroupAppend group;
    group.streams.push_back(std::move(stream));
    group.cursors.push_back({"bench", {"position", std::to_string(at), false}});
    SILT_CHECK(store.append(group).is_ok());
  }
}

void redact_all(const Log& log) {
  fold::RedactState state;
  fold::RedactCounts counts;
  std::string out;
  for (const std::string& line : log.lines)
    (void)fold::redact(line, fold::RedactConfig(), state, out, counts);
}

void fold_all(store::RocksStore& store, const learn::FoldOptions& options) {
  const SystemClock clock;
  learn::FoldLoop loop(store, store, clock, options);
  for (const store::SourceInfo& info : store.sources()) loop.ready(std::span(&info.ref, 1));
  while (loop.round().value()) {
  }
}

class NoWaiter final : public connectors::Waiter {
 public:
  void wait(int, std::chrono::milliseconds, std::function<void()>) override {}
};

void whole_path(const std::string& path, const Log& log) {
  const auto store = open_store(path);
  const SystemClock clock;
  learn::FoldLoop fold(*store, *store, clock, {});
  intake::IntakeOptions options;
  options.on_journalled = [&](auto sources) { fold.ready(sources); };
  intake::Intake intake(*store, clock, options);
  NoWaiter waiter;
  connectors::FileConnectorOptions file;
  file.include = {log.path};
  file.use_inotify = false;
  intake.add({"default", "bench", "file"}, connectors::FileConnector::create(file, clock, waiter).value());
  for (bool more = true; more;) {
    more = intake.round().value();
    while (fold.round().value()) {
    }
  }
  std::uint64_t bytes = 0;
  for (const store::SourceInfo& info : store->sources()) bytes += store->intake_head(info.ref)->bytes;
  SILT_CHECK(bytes > log.bytes * 9 / 10);
}

// --- the rival --------------------------------------------------------------------------------------

void rsyslog(const Log& log, const std::string& folder, Report& report) {
  if (!std::filesystem::exists(kRsyslogd)) {
    std::printf("%-36s not installed: apt-get install rsyslog\n", "rsyslogd, imfile to omfile");
    return;
  }
  std::filesystem::create_directories(folder);
  const std::string out = folder + "/out.log";
  std::ofstream(folder + "/conf") << "global(workDirectory=\"" << folder << "\" maxMessageSize=\"64k\")\n"
                                  << "module(load=\"imfile\")\n"
                                  << "template(name=\"raw\" type=\"string\" string=\"%rawmsg%\\n\")\n"
                                  << "input(type=\"imfile\" file=\"" << log.path
                                  << "\" tag=\"bench\" freshStartTail=\"off\" ruleset=\"bench\")\n"
                                  << "ruleset(name=\"bench\") { action(type=\"omfile\" file=\"" << out
                                  << "\" template=\"raw\") }\n";
  const auto start = std::chrono::steady_clock::now();
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string conf = folder + "/conf", pid = folder + "/pid";
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, 1);
    ::dup2(null, 2);
    ::execl(kRsyslogd, kRsyslogd, "-n", "-f", conf.c_str(), "-i", pid.c_str(), nullptr);
    ::_exit(127);
  }
  std::error_code missing;
  int waited = 0;
  while (waited < 2000 && std::filesystem::file_size(out, missing) + 1 < log.bytes + 1) {
    ::usleep(50'000);
    ++waited;
    if (missing && waited > 100) break;
  }
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  ::kill(child, SIGTERM);
  rusage usage{};
  int status = 0;
  ::wait4(child, &status, 0, &usage);
  if (std::filesystem::file_size(out, missing) < log.bytes) {
    std::printf("%-36s did not finish\n", "rsyslogd, imfile to omfile");
    return;
  }
  report.add("rsyslogd, imfile to omfile", cpu_seconds(usage), wall.count(), std::filesystem::file_size(out));
}

void measure_all(const std::string& path, std::size_t megabytes) {
  log::set_level(log::Level::kWarning);
  const TempFolder dir;
  const Log log = path.empty() ? make_log(dir.path("data_node.log"), megabytes * 1'000'000) : read_log(path);
  Report report(log);
  report.measure("zstd -1, blocks of an append", [&] { return compress_blocks(log); });
  report.measure("journal: appends, each synced", [&] {
    append_all(*open_store(dir.path("plain")), log);
    return bytes_under(dir.path("plain"));
  });
  report.measure("redaction", [&] {
    redact_all(log);
    return 0;
  });
  std::filesystem::copy(dir.path("plain"), dir.path("sealed"), std::filesystem::copy_options::recursive);
  learn::FoldOptions never;
  never.segment_bytes = never.chunks_max = ~std::uint64_t{0};
  never.builders_max = 0;
  const double folding = report.measure("fold", [&] {
    fold_all(*open_store(dir.path("plain")), never);
    return 0;
  });
  const double both = report.measure("fold and seal", [&] {
    fold_all(*open_store(dir.path("sealed")), {});
    return bytes_under(dir.path("sealed"));
  });
  report.add("  of it, sealing", both - folding, 0, 0);
  report.measure("whole path, from the file on", [&] {
    whole_path(dir.path("whole"), log);
    return bytes_under(dir.path("whole"));
  });
  rsyslog(log, dir.path("rsyslog"), report);
}

}  // namespace
}  // namespace silt

int main(int argc, char** argv) {
  std::size_t megabytes = 64;
  std::string path;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--mb") == 0 && i + 1 < argc) {
      megabytes = std::strtoull(argv[++i], nullptr, 10);
    } else {
      path = argv[i];
    }
  }
  silt::measure_all(path, megabytes);
  return 0;
}
