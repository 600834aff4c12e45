#include "daemon/serve/unix_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <optional>

#include "tests/support/temp_dir.h"

namespace silt::serve {
namespace {

using silt::testing::TempDir;

constexpr std::uint32_t kMode = 0660;

struct stat info_of(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
  return info;
}

// A socket file that a killed process has left: bound, closed and never removed.
void leave_dead_socket(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(fd);
}

TEST(UnixSocket, HasItsModeAndGoesAwayWithItsOwner) {
  const TempDir dir;
  const std::string path = dir.path("query.sock");
  {
    const Result<UnixSocket> socket = UnixSocket::listen(path, kMode);
    ASSERT_TRUE(socket.is_ok()) << socket.status().to_string();
    EXPECT_TRUE(S_ISSOCK(info_of(path).st_mode));
    EXPECT_EQ(info_of(path).st_mode & 07777, kMode);
  }
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST(UnixSocket, ReplacesADeadSocket) {
  const TempDir dir;
  leave_dead_socket(dir.path("query.sock"));
  EXPECT_TRUE(UnixSocket::listen(dir.path("query.sock"), kMode).is_ok());
}

TEST(UnixSocket, LeavesALiveServerAlone) {
  const TempDir dir;
  const Result<UnixSocket> first = UnixSocket::listen(dir.path("query.sock"), kMode);
  ASSERT_TRUE(first.is_ok());
  const Result<UnixSocket> second = UnixSocket::listen(dir.path("query.sock"), kMode);
  ASSERT_FALSE(second.is_ok());
  EXPECT_EQ(second.status().code(), Code::kAlreadyExists);
  EXPECT_NE(second.status().message().find("another siltd"), std::string::npos) << second.status().message();
  EXPECT_TRUE(S_ISSOCK(info_of(dir.path("query.sock")).st_mode));
}

TEST(UnixSocket, NeverRemovesAFileThatIsNotASocket) {
  const TempDir dir;
  std::ofstream(dir.path("query.sock")) << "precious";
  const Result<UnixSocket> socket = UnixSocket::listen(dir.path("query.sock"), kMode);
  ASSERT_FALSE(socket.is_ok());
  EXPECT_NE(socket.status().message().find("is not a socket: remove it"), std::string::npos);
  EXPECT_TRUE(S_ISREG(info_of(dir.path("query.sock")).st_mode));
}

TEST(UnixSocket, DoesNotRemoveASuccessorsSocket) {
  const TempDir dir;
  const std::string path = dir.path("query.sock");
  Result<UnixSocket> first = UnixSocket::listen(path, kMode);
  ASSERT_TRUE(first.is_ok());
  ASSERT_EQ(::unlink(path.c_str()), 0);
  const Result<UnixSocket> second = UnixSocket::listen(path, kMode);
  ASSERT_TRUE(second.is_ok());
  { const UnixSocket gone = std::move(*first); }
  EXPECT_EQ(::access(path.c_str(), F_OK), 0);
}

TEST(UnixSocket, NamesTheRemedyWhenTheDirectoryIsWrong) {
  const TempDir dir;
  const Result<UnixSocket> missing = UnixSocket::listen(dir.path("none/query.sock"), kMode);
  ASSERT_FALSE(missing.is_ok());
  EXPECT_NE(missing.status().message().find("does not exist: create it"), std::string::npos);

  ASSERT_EQ(::mkdir(dir.path("open").c_str(), 0755), 0);
  ASSERT_EQ(::chmod(dir.path("open").c_str(), 0777), 0);
  const Result<UnixSocket> open = UnixSocket::listen(dir.path("open/query.sock"), kMode);
  ASSERT_FALSE(open.is_ok());
  EXPECT_EQ(open.status().code(), Code::kPermissionDenied);
  EXPECT_NE(open.status().message().find("chmod o-w"), std::string::npos);

  ASSERT_EQ(::chmod(dir.path("open").c_str(), 01777), 0);  // like the system's temporary folder
  EXPECT_TRUE(UnixSocket::listen(dir.path("open/query.sock"), kMode).is_ok());

  EXPECT_FALSE(UnixSocket::listen("relative.sock", kMode).is_ok());
  EXPECT_FALSE(UnixSocket::listen("/" + std::string(200, 'x'), kMode).is_ok());
}

TEST(UnixSocket, RefusesTheDirectoryOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to make such a directory";
  const TempDir dir;
  ASSERT_EQ(::mkdir(dir.path("theirs").c_str(), 0755), 0);
  ASSERT_EQ(::chown(dir.path("theirs").c_str(), 12345, 12345), 0);
  const Result<UnixSocket> socket = UnixSocket::listen(dir.path("theirs/query.sock"), kMode);
  ASSERT_FALSE(socket.is_ok());
  EXPECT_NE(socket.status().message().find("belongs to uid 12345"), std::string::npos);
}

TEST(Peer, IsTheProcessThatConnected) {
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const Result<access::Peer> peer = peer_of(pair[0]);
  ASSERT_TRUE(peer.is_ok()) << peer.status().to_string();
  EXPECT_EQ(peer->uid, ::geteuid());
  EXPECT_EQ(peer->gid, ::getegid());
  EXPECT_EQ(peer->pid, ::getpid());
  ::close(pair[0]);
  ::close(pair[1]);
}

}  // namespace
}  // namespace silt::serve
