#include "daemon/serve/server.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <list>
#include <mutex>
#include <utility>

#include "base/log.h"
#include "daemon/serve/acceptor.h"
#include "daemon/serve/api.h"
#include "daemon/serve/callers.h"
#include "daemon/serve/door.h"
#include "daemon/serve/live_calls.h"
#include "daemon/serve/unix_socket.h"
#include "daemon/serve/worker_pool.h"

namespace silt::serve {
namespace {

constexpr int kLookThreads = 2;
constexpr int kChangeThreads = 1;
// Store and inputs keep to shares of their own (daemon/descriptors.h); what is kept free here is for what
// they open in passing. One caller has a quarter of it at most.
constexpr std::uint64_t kKeptFree = 8;  // of the descriptors: an eighth, and not less than so many

int descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 512;
  const rlim_t free = std::max<rlim_t>(kKeptFree, limit.rlim_cur / 8);
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur - std::min(limit.rlim_cur, free), 1 << 16));
}

class ServerImpl final : public Server {
 public:
  ServerImpl(const ServerDependencies& dependencies, const ServerOptions& options, const CallerPolicy& policy)
      : api_(dependencies),
        users_max_(std::max<std::size_t>(options.users_max, 1)),
        policy_(policy),
        ask_(std::max(options.reader_threads, 1), options.queue_max),
        look_(kLookThreads, options.queue_max),
        change_(kChangeThreads, options.queue_max) {}
  ~ServerImpl() override { stop(); }

  Status listen(UnixSocket socket) {
    SILT_ASSIGN(acceptor_, Acceptor::start(
                               std::move(socket), descriptor_limit(),
                               [this](int connection, const Peer& peer) { return admit(connection, peer); }));
    return Status::ok();
  }

  void stop() override {
    if (acceptor_) acceptor_->stop();  // from here on no thread but ours touches doors_
    live_.abandon_all(stopping());
    doors_.clear();
    ask_.stop();
    look_.stop();
    change_.stop();
    acceptor_.reset();
  }

 private:
  struct User {
    access::Caller caller;
    std::unique_ptr<Door> door;
  };

  Status admit(int connection, const Peer& peer) {
    access::Caller caller = caller_of(peer, policy_);
    const auto found =
        std::find_if(doors_.begin(), doors_.end(), [&](const User& user) { return user.caller == caller; });
    if (found != doors_.end()) {
      doors_.splice(doors_.begin(), doors_, found);
    } else {
      if (doors_.size() >= users_max_) doors_.pop_back();
      SILT_ASSIGN(std::unique_ptr<Door> door, Door::open({api_, live_, ask_, look_, change_}, caller));
      doors_.push_front({std::move(caller), std::move(door)});
    }
    doors_.front().door->take(connection);
    return Status::ok();
  }

  const Api api_;
  const std::size_t users_max_;
  const CallerPolicy policy_;
  LiveCalls live_;
  WorkerPool ask_;
  WorkerPool look_;
  WorkerPool change_;
  std::list<User> doors_;  // newest connection first; the acceptor's thread's until it has stopped
  std::unique_ptr<Acceptor> acceptor_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const ServerDependencies& dependencies,
                                              const ServerOptions& options) {
  SILT_ASSIGN(UnixSocket socket, UnixSocket::listen(options.socket, options.socket_mode));
  SILT_ASSIGN(const CallerPolicy policy, caller_policy(options.change_group, socket.group()));
  auto server = std::make_unique<ServerImpl>(dependencies, options, policy);
  SILT_TRY(server->listen(std::move(socket)));
  log::info("serving", {{"socket", options.socket}});
  return Result<std::unique_ptr<Server>>(std::move(server));
}

}  // namespace silt::serve
