#include "model/tools/compressors.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

extern char** environ;

namespace silt::model {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  ~FileDescriptor() { close(); }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return ::lseek(fd, 0, SEEK_SET) == 0;
}

// Bytes until end of file, or nothing on a read error.
std::optional<std::size_t> count_bytes(int fd) {
  char buffer[1 << 16];
  std::size_t total = 0;
  while (true) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::nullopt;
    if (n == 0) return total;
    total += static_cast<std::size_t>(n);
  }
}

bool start(const std::vector<std::string>& arguments, int input, int output, pid_t& child) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  const int failure = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  return failure == 0;
}

}  // namespace

std::optional<std::size_t> compressed_size(const std::vector<std::string>& arguments,
                                           std::string_view input) {
  const FileDescriptor file(::memfd_create("silt-eval", MFD_CLOEXEC));
  if (file.get() < 0 || !write_all(file.get(), input)) return std::nullopt;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  const FileDescriptor from_child(ends[0]);
  FileDescriptor to_parent(ends[1]);
  pid_t child = 0;
  if (!start(arguments, file.get(), to_parent.get(), child)) return std::nullopt;
  to_parent.close();
  const std::optional<std::size_t> size = count_bytes(from_child.get());
  int outcome = 0;
  while (::waitpid(child, &outcome, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(outcome) || WEXITSTATUS(outcome) != 0) return std::nullopt;
  return size;
}

std::vector<CompressedSize> compressed_sizes(std::string_view input) {
  std::vector<CompressedSize> out;
  if (const auto size = compressed_size({"xz", "-9e", "-c"}, input)) out.push_back({"xz -9e", *size});
  if (const auto size = compressed_size({"zstd", "-19", "-c", "-q"}, input))
    out.push_back({"zstd -19", *size});
  return out;
}

}  // namespace silt::model
