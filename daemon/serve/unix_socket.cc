#include "daemon/serve/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace silt::serve {
namespace {

constexpr int kBacklog = SOMAXCONN;  // room for others beside a flood
constexpr std::size_t kPathMax = sizeof(sockaddr_un{}.sun_path) - 1;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), kPathMax));
  return address;
}

Status check_directory(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == 0 ? "/" : path.substr(0, slash);
  struct stat info {};
  if (::stat(directory.c_str(), &info) != 0) {
    if (errno != ENOENT) return errno_status("socket directory " + directory, errno);
    return invalid_argument(
        "socket directory " + directory +
        " does not exist: create it (systemd: RuntimeDirectory=silt) or set serve.socket");
  }
  if (!S_ISDIR(info.st_mode)) {
    return invalid_argument(directory + " is not a directory: set serve.socket to a path in one");
  }
  if ((info.st_mode & S_IWOTH) != 0 && (info.st_mode & S_ISVTX) == 0) {
    return permission_denied("socket directory " + directory +
                             " is writable by everyone, who could replace the socket: chmod o-w " +
                             directory);
  }
  if (info.st_uid != 0 && info.st_uid != ::geteuid()) {
    return permission_denied("socket directory " + directory + " belongs to uid " +
                             std::to_string(info.st_uid) + ", not to siltd's uid " +
                             std::to_string(::geteuid()) +
                             ": chown it or set serve.socket to a path in another one");
  }
  return Status::ok();
}

// OK when `path` is free or holds a socket that nobody answers.
Status check_place(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? Status::ok() : errno_status("socket " + path, errno);
  }
  if (!S_ISSOCK(info.st_mode)) {
    return invalid_argument(path + " exists and is not a socket: remove it or set serve.socket");
  }
  if (::geteuid() != 0 && info.st_uid != ::geteuid()) {
    return permission_denied("socket " + path + " belongs to uid " + std::to_string(info.st_uid) +
                             ": remove it as that user or as root, or set serve.socket");
  }
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return errno_status("socket", errno);
  const sockaddr_un address = address_of(path);
  const int connected = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = connected == 0 ? 0 : errno;
  ::close(probe);
  if (error == 0 || error == EAGAIN) {
    return Status(Code::kAlreadyExists,
                  "another siltd answers at " + path + ": stop it first or set another serve.socket");
  }
  return Status::ok();
}

}  // namespace

UnixSocket::UnixSocket(UnixSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      device_(other.device_),
      inode_(other.inode_),
      group_(other.group_) {}

UnixSocket::~UnixSocket() {
  if (fd_ < 0) return;
  ::close(fd_);
  struct stat info {};
  if (::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
}

Result<UnixSocket> UnixSocket::listen(const std::string& path, std::uint32_t mode) {
  const std::string making = path + "." + std::to_string(::getpid());
  if (path.empty() || path.front() != '/' || making.size() > kPathMax) {
    return invalid_argument("serve.socket must be an absolute path of at most " +
                            std::to_string(kPathMax - 8) + " bytes, not '" + path + "'");
  }
  SILT_TRY(check_directory(path));
  SILT_TRY(check_place(path));
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno_status("socket", errno);
  UnixSocket made(fd, making);
  ::unlink(making.c_str());
  const sockaddr_un address = address_of(making);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return errno_status(
        "cannot create socket " + path + " (siltd's user must be able to write its directory)", errno);
  }
  struct stat info {};
  if (::lstat(making.c_str(), &info) != 0) return errno_status("socket " + making, errno);
  made.device_ = info.st_dev;
  made.inode_ = info.st_ino;
  made.group_ = info.st_gid;
  if (::chmod(making.c_str(), mode) != 0) return errno_status("chmod " + making, errno);
  if (::listen(fd, kBacklog) != 0) return errno_status("listen on " + path, errno);
  if (::rename(making.c_str(), path.c_str()) != 0) return errno_status("rename to " + path, errno);
  made.path_ = path;
  return made;
}

Result<access::Peer> peer_of(int connection) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return errno_status("SO_PEERCRED", errno);
  }
  access::Peer peer{credentials.uid, credentials.gid, credentials.pid, {}};
  peer.groups.resize(64);
  size = static_cast<socklen_t>(peer.groups.size() * sizeof(gid_t));
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &size) != 0) {
    if (errno != ERANGE) return errno_status("SO_PEERGROUPS", errno);
    peer.groups.resize(size / sizeof(gid_t));  // the kernel has said how many there are
    if (::getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &size) != 0) {
      return errno_status("SO_PEERGROUPS", errno);
    }
  }
  peer.groups.resize(size / sizeof(gid_t));
  return peer;
}

}  // namespace silt::serve
