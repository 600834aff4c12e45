#include "connectors/file/far_read.h"

#include <linux/magic.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

namespace silt::connectors {
namespace {

constexpr std::size_t kPieceBytes = 128 * 1024;

struct Request {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;  // at most kPieceBytes
};
struct Reply {
  std::int64_t count = 0;  // of bytes that follow; negative: an error number
};

std::string& program() {
  static std::string path;
  return path;
}

bool send_all(int socket, const void* data, std::size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t count = ::send(socket, at, size, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    at += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

bool receive_all(int socket, void* data, std::size_t size) {
  char* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t count = ::recv(socket, at, size, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    at += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

// A request, and with it the descriptor to read from.
struct Parcel {
  explicit Parcel(Request& request) {
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    part = {&request, sizeof request};
  }
  iovec part{};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
};

bool send_request(int socket, Request request, int fd) {
  Parcel parcel(request);
  cmsghdr* const header = CMSG_FIRSTHDR(&parcel.message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  ssize_t count = 0;
  while ((count = ::sendmsg(socket, &parcel.message, MSG_NOSIGNAL)) < 0 && errno == EINTR) {
  }
  return count == static_cast<ssize_t>(sizeof request);
}

// The descriptor, to be closed; -1: the parent has ended.
int receive_request(int socket, Request& request) {
  Parcel parcel(request);
  ssize_t count = 0;
  while ((count = ::recvmsg(socket, &parcel.message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {
  }
  const cmsghdr* const header = CMSG_FIRSTHDR(&parcel.message);
  if (count != static_cast<ssize_t>(sizeof request) || header == nullptr) return -1;
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return fd;
}

class Child {
 public:
  static std::optional<Child> start() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return std::nullopt;
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
    std::string name = program(), argument = kFarReadArgument;
    char* const arguments[] = {name.data(), argument.data(), nullptr};
    char* const environment[] = {nullptr};
    pid_t child = -1;
    const int failed = ::posix_spawn(&child, name.c_str(), &actions, nullptr, arguments, environment);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    if (failed == 0) return Child(ends[0], child);
    ::close(ends[0]);
    return std::nullopt;
  }
  Child(Child&& other) noexcept : socket_(std::exchange(other.socket_, -1)), child_(other.child_) {}
  ~Child() {
    if (socket_ < 0) return;
    ::close(socket_);  // it ends when it sees that
    ::waitpid(child_, nullptr, 0);
  }

  Result<std::size_t> read(int fd, std::uint64_t offset, char* data, std::size_t size) {
    Reply reply;
    const bool asked = send_request(socket_, {offset, std::min(size, kPieceBytes)}, fd);
    if (!asked || !receive_all(socket_, &reply, sizeof reply)) return ended();
    if (reply.count < 0) return errno_status("read", static_cast<int>(-reply.count));
    const auto count = static_cast<std::size_t>(reply.count);
    if (count > size || !receive_all(socket_, data, count)) return ended();
    return count;
  }

 private:
  Child(int socket, pid_t child) : socket_(socket), child_(child) {}
  static Status ended() { return unavailable("the process that reads this file system has ended; it is started again"); }

  int socket_;
  pid_t child_;
};

}  // namespace

void make_far_reads_with(std::string path) {
  program() = std::move(path);
}

bool is_far(int fd) {
  if (program().empty()) return false;
  struct statfs info {};
  return ::fstatfs(fd, &info) == 0 && info.f_type == FUSE_SUPER_MAGIC;
}

Result<std::size_t> far_read(int fd, std::uint64_t offset, char* data, std::size_t size) {
  thread_local std::optional<Child> child;
  if (!child) {
    auto started = Child::start();
    if (!started) return unavailable("cannot start " + program() + " to read this file system");
    child.emplace(std::move(*started));
  }
  auto count = child->read(fd, offset, data, size);
  if (count.status().code() == Code::kUnavailable) child.reset();
  return count;
}

int serve_far_reads() {
  std::vector<char> bytes(kPieceBytes);
  for (;;) {
    Request request;
    const int fd = receive_request(STDIN_FILENO, request);
    if (fd < 0) return 0;
    const std::size_t size = std::min<std::uint64_t>(request.size, bytes.size());
    const ssize_t count = ::pread(fd, bytes.data(), size, static_cast<off_t>(request.offset));
    const Reply reply{count < 0 ? -errno : count};
    ::close(fd);
    if (!send_all(STDIN_FILENO, &reply, sizeof reply)) return 0;
    if (count > 0 && !send_all(STDIN_FILENO, bytes.data(), static_cast<std::size_t>(count))) return 0;
  }
}

}  // namespace silt::connectors
