// `silt import`: whole files, compressed ones too, into a source. Run again it goes on where it was stopped.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "base/digest.h"
#include "cli/commands.h"
#include "cli/feeder.h"
#include "cli/format.h"
#include "cli/terminal.h"
#include "connectors/decompress/decompressor.h"

namespace silt::cli {
namespace {

constexpr std::size_t kPartBytes = 512 << 10;  // as large as siltd takes them
constexpr auto kProgressEvery = std::chrono::milliseconds(500);

// A line on a terminal that is written over; elsewhere only the last word about each file.
class Progress {
 public:
  Progress(std::string file, std::uint64_t size) : file_(std::move(file)), size_(size) {}

  void show(const Feeder& feeder, std::uint64_t done) {
    const auto now = std::chrono::steady_clock::now();
    if (!on_terminal_ || now < next_) return;
    next_ = now + kProgressEvery;
    const std::uint64_t percent = size_ == 0 ? 100 : std::min<std::uint64_t>(100, 100 * done / size_);
    std::fprintf(stderr, "\r%s: %u%%, %s records\033[K", escape(file_).c_str(), static_cast<unsigned>(percent), format_count(feeder.records()).c_str());
  }
  void end(const Feeder& feeder) const {
    const std::string cut = feeder.records_cut() == 0 ? "" : ", " + format_count(feeder.records_cut()) + " of them too long: cut, and marked so";
    std::fprintf(stderr, "%s%s: %s records, %s%s%s\n", on_terminal_ ? "\r" : "", escape(file_).c_str(), format_count(feeder.records()).c_str(),
                 format_bytes(feeder.bytes()).c_str(), cut.c_str(), on_terminal_ ? "\033[K" : "");
  }

 private:
  const std::string file_;
  const std::uint64_t size_;
  const bool on_terminal_ = ::isatty(STDERR_FILENO) == 1;
  std::chrono::steady_clock::time_point next_;
};

// Sends parts that depend on the file alone, so that a second run sends the same ones.
Status send_parts(connectors::Decompressor& file, Feeder& feeder, Progress& progress) {
  std::string waiting;
  while (true) {
    const std::size_t before = waiting.size();
    waiting.resize(std::max(kPartBytes, before));
    std::size_t size = before;
    Result<std::size_t> count = std::size_t{0};
    while (size < waiting.size() && (count = file.read(waiting.data() + size, waiting.size() - size)).is_ok() && *count > 0) size += *count;
    waiting.resize(size);
    const bool end = !count.is_ok() || size < kPartBytes;
    SILT_TRY(end ? feeder.send_all(waiting) : feeder.send(waiting, size, false));
    progress.show(feeder, file.compressed_bytes());
    if (end) return count.status();
  }
}

Status import_file(Client& client, const ImportOptions& options, const std::string& name) {
  std::error_code failed;
  const std::string path = std::filesystem::absolute(name, failed).lexically_normal().string();
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return errno_status("read " + path, errno);
  if (!S_ISREG(info.st_mode)) return invalid_argument(path + " is no file; a pipe goes through `silt feed`");
  auto file = connectors::Decompressor::open(path);
  if (!file.is_ok()) return file.status();
  Feeder feeder(client, options, path, digest_of(path).hex());
  feeder.set_modified(std::int64_t{info.st_mtim.tv_sec} * 1'000'000);
  Progress progress(path, static_cast<std::uint64_t>(info.st_size));
  const Status sent = send_parts(*file, feeder, progress);
  progress.end(feeder);
  return sent;
}

}  // namespace

int run_import(Client& client, const ImportOptions& options) {
  int code = kExitOk;
  for (const std::string& file : options.files) {
    const Status imported = import_file(client, options, file);
    if (!imported.is_ok()) code = fail(imported);
  }
  return code;
}

}  // namespace silt::cli
