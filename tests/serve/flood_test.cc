// One process that connects as fast as it can leaves others served.
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <utility>

#include "daemon/serve/unix_socket.h"
#include "tests/serve/server_fixture.h"

namespace silt::serve {
namespace {

constexpr int kCalls = 20;
constexpr std::size_t kHeld = 900;  // below the usual limit of descriptors
constexpr uid_t kFloodUid = 12345;

enum class Flood { kEndsEach, kHoldsMany };

// In a child of a process with threads: nothing but system calls.
[[noreturn]] void flood(const sockaddr_un& address, Flood kind) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  int held[kHeld] = {};
  for (std::size_t at = 0;; at = (at + 1) % kHeld) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0) continue;
    ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    int ended = fd;
    if (kind == Flood::kHoldsMany) std::swap(held[at], ended);
    if (ended > 0) ::close(ended);
  }
}

// What the unit lets siltd do (LimitNICE=): without it a flood may outrun the thread that takes connections.
bool may_take_precedence() {
  bool may = false;
  std::thread([&] { may = ::setpriority(PRIO_PROCESS, 0, -10) == 0; }).join();
  return may;
}

class FloodTest : public ServerTest, public ::testing::WithParamInterface<Flood> {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    if (!may_take_precedence()) GTEST_SKIP() << "needs the right to raise a thread's priority";
    options_.peer_of = [this](int connection) -> Result<access::Peer> {
      SILT_ASSIGN(access::Peer peer, peer_of(connection));
      if (peer.pid == flooder_) peer.uid = kFloodUid;  // another user, as far as the server can tell
      return peer;
    };
  }
  void TearDown() override {
    if (flooder_ > 0) {
      ::kill(flooder_, SIGKILL);
      ::waitpid(flooder_, nullptr, 0);
    }
    ServerTest::TearDown();
  }
  void start_flood() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, options_.socket.c_str(), sizeof address.sun_path - 1);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) flood(address, GetParam());
    flooder_ = child;
    const auto limit = std::chrono::steady_clock::now() + 10s;
    while (logged().find("connection_refused") == std::string::npos) ASSERT_LT(std::chrono::steady_clock::now(), limit);
  }

  std::atomic<pid_t> flooder_{-1};
};

// Each within its deadline; how fast is no matter of a test that runs beside others.
TEST_P(FloodTest, LeavesOthersServed) {
  start();
  start_flood();
  for (int i = 0; i < kCalls; ++i) EXPECT_TRUE(status_call(new_channel()).ok()) << "call " << i;
}

INSTANTIATE_TEST_SUITE_P(Kinds, FloodTest, ::testing::Values(Flood::kEndsEach, Flood::kHoldsMany),
                         [](const auto& info) { return info.param == Flood::kEndsEach ? "EndsEach" : "HoldsMany"; });

}  // namespace
}  // namespace silt::serve
