// ask FILE [--records N] [--times N] [--limit-ms N] [QUESTION...]: how long questions about one large source take, beside
// `grep -c` over the same lines in the same run. FILE is repeated to N records, a million unless it is said
// otherwise, with its long numbers changed each time. --limit-ms N: what a question may take (1,800, as in
// the daemon); CUT says that one was cut off. The first question of all is cold.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "daemon/answer/asker.h"
#include "daemon/learn/fold_loop.h"
#include "daemon/store/rocks_store.h"

namespace silt {
namespace {

constexpr std::size_t kChunkRecords = 4000;
constexpr std::uint64_t kStep = 7919;  // by which long numbers change from turn to turn

double cpu_ms() {
  rusage usage{};
  SILT_CHECK(::getrusage(RUSAGE_SELF, &usage) == 0);
  const auto ms = [](const timeval& time) { return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3; };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

struct Took {
  double wall_ms = 0;
  double cpu_ms = 0;
};

template <class Work>
Took measure(Work work) {
  const double cpu = cpu_ms();
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double, std::milli> wall = std::chrono::steady_clock::now() - start;
  return {wall.count(), cpu_ms() - cpu};
}

// Runs of at least six digits, but for those at the start of the line, which are its time.
std::string vary(const std::string& line, std::uint64_t turn) {
  std::string out = line;
  for (std::size_t at = std::min<std::size_t>(20, out.size()); at < out.size();) {
    std::size_t end = at;
    while (end < out.size() && out[end] >= '0' && out[end] <= '9') ++end;
    if (end - at >= 6) {
      const std::string low = std::to_string(1'000'000 + (std::stoull(out.substr(end - 6, 6)) + turn * kStep) % 1'000'000);
      out.replace(end - 6, 6, low.substr(1));
    }
    at = end + 1;
  }
  return out;
}

std::vector<std::string> read_lines(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The lines in the store, folded and sealed, and in a file for grep.
store::SourceInfo fill(store::RocksStore& store, const std::vector<std::string>& lines, std::size_t records,
                       const std::string& copy) {
  const store::SourceInfo source = store.open_source("default", "log", "bench").value();
  const SystemClock clock;
  learn::FoldLoop fold(store, store, clock, {});
  std::ofstream out(copy, std::ios::binary);
  for (std::size_t done = 0; done < records;) {
    std::vector<std::string> texts;
    for (; texts.size() < kChunkRecords && done < records; ++done)
      texts.push_back(vary(lines[done % lines.size()], done / lines.size()));
    store::StreamAppend stream{source.ref, {}, {}};
    for (const std::string& text : texts) {
      store::RecordView record;
      record.arrival_us = clock.wall_us();
      record.text = text;
      stream.records.push_back(record);
      stream.delta.bytes += text.size();
      out << text << '\n';
    }
    stream.delta.lines = texts.size();
    store::GroupAppend group;
    group.streams.push_back(std::move(stream));
    SILT_CHECK(store.append(group).is_ok());
    fold.ready(std::span(&source.ref, 1));
    while (fold.round().value()) {
    }
  }
  return source;
}

void report(const char* what, std::vector<double> times, double of) {
  std::sort(times.begin(), times.end());
  const auto part = [&](double share) { return times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1))]; };
  std::printf("%-28s p50 %8.1f ms  p95 %8.1f ms  max %8.1f ms  p95/grep %6.2f\n", what, part(0.5), part(0.95), times.back(), part(0.95) / of);
}

// Into a file: into /dev/null grep would stop early.
void grep(const std::string& path, const std::string& out) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600), 1);
    ::execlp("grep", "grep", "-c", "terminating", path.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  SILT_CHECK(::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) <= 1);
}

int run(const std::string& file, std::size_t records, int times, std::int64_t limit_us, const std::vector<std::string>& questions) {
  std::string folder = (std::filesystem::temp_directory_path() / "silt-ask-XXXXXX").string();
  SILT_CHECK(::mkdtemp(folder.data()) != nullptr);
  log::set_sink([](log::Level, std::string_view) {});
  {
    store::StoreOptions options;
    options.database.path = folder + "/store";
    options.terms_of = learn::terms_of;
    const auto store = store::RocksStore::open(options).value();
    const store::SourceInfo source = fill(*store, read_lines(file), records, folder + "/log");
    const Took plain = measure([&] { grep(folder + "/log", folder + "/count"); });
    std::printf("%zu records; grep -c: %.1f ms\n", records, plain.wall_ms);
    const SystemClock clock;
    answer::AskerOptions asking;
    asking.time_max_us = limit_us;
    answer::Asker asker(*store, *store, *store, clock, {}, asking);
    const access::Caller caller{"bench", access::Tenants::all(), access::Rights::all()};
    const std::atomic<bool> cancelled{false};
    std::vector<double> wall, cpu;
    for (const std::string& question : questions) {
      silt::v1::AskRequest request;
      request.set_question(question);
      request.add_sources(source.name);
      std::vector<double> own;
      std::string answer;
      bool cut = false;
      for (int i = 0; i < times; ++i) {
        const Took took = measure([&] {
          const auto final = asker.ask({caller, cancelled}, request, {source}, [](const auto&) { return true; });
          SILT_CHECK(final.is_ok());
          answer = final->answer().substr(0, 60);
          cut = final->truncated();
        });
        wall.push_back(took.wall_ms);
        cpu.push_back(took.cpu_ms);
        own.push_back(took.cpu_ms);
      }
      std::replace(answer.begin(), answer.end(), '\n', ' ');
      std::printf("first %7.1f  least %7.1f CPU-ms%s  %s | %s\n", own.front(), *std::min_element(own.begin(), own.end()),
                  cut ? "  CUT" : "", question.c_str(), answer.c_str());
    }
    report("all, wall", wall, plain.wall_ms);
    report("all, processor", cpu, plain.wall_ms);
    rusage usage{};
    SILT_CHECK(::getrusage(RUSAGE_SELF, &usage) == 0);
    std::printf("peak memory %ld MB\n", usage.ru_maxrss / 1024);
  }
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace silt

int main(int argc, char** argv) {
  std::string file;
  std::size_t records = 1'000'000;
  int times = 5;
  std::int64_t limit_us = silt::answer::AskerOptions().time_max_us;
  std::vector<std::string> questions;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "--records" && i + 1 < argc) records = std::strtoull(argv[++i], nullptr, 10);
    else if (arg == "--times" && i + 1 < argc) times = std::atoi(argv[++i]);
    else if (arg == "--limit-ms" && i + 1 < argc) limit_us = std::atoll(argv[++i]) * 1000;
    else if (file.empty()) file = arg;
    else questions.push_back(arg);
  }
  if (file.empty() || times < 1) {
    std::fprintf(stderr, "usage: ask FILE [--records N] [--times N] [--limit-ms N] [QUESTION...]\n");
    return 2;
  }
  if (questions.empty())
    questions = {"how many lines are there?", "how many errors are there?", "how many exceptions were there?", "which component logs the most?",
                 "when was the first line?", "what is the longest time without a line?", "how many lines per hour?", "were there any timeouts?",
                 "which lines mention kerberos?", "what happened between 08:00 and 08:05?"};
  return silt::run(file, records, times, limit_us, questions);
}
