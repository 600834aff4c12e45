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
#include "daemon/serve/door.h"
#include "daemon/serve/live_calls.h"
#include "daemon/serve/unix_socket.h"
#include "daemon/serve/worker_pool.h"

namespace silt::daemon {
namespace {

constexpr int kControlThreads = 1;
constexpr std::uint64_t kConnectionShare = 2;  // connections get half of the descriptors

int descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 512;
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur / kConnectionShare, 1 << 16));
}

class ServerImpl final : public Server {
 public:
  ServerImpl(const ServerDependencies& dependencies, const ServerOptions& options, gid_t socket_group)
      : api_(dependencies, socket_group),
        users_max_(std::max<std::size_t>(options.users_max, 1)),
        socket_group_(socket_group),
        readers_(std::max(options.reader_threads, 1), options.queue_max),
        control_(kControlThreads, options.queue_max) {}
  ~ServerImpl() override { stop(); }

  Status listen(UnixSocket socket) {
    SILT_ASSIGN(acceptor_,
                Acceptor::start(std::move(socket), descriptor_limit(),
                                [this](int connection, const Peer& peer) { admit(connection, peer); }));
    return Status::ok();
  }

  void stop() override {
    if (acceptor_) acceptor_->stop();  // from here on no thread but ours touches doors_
    live_.abandon_all(stopping());
    doors_.clear();
    readers_.stop();
    control_.stop();
    acceptor_.reset();
  }

 private:
  // Callers of one uid differ only in whether they may change things.
  struct User {
    uid_t uid;
    bool may_change;
    std::unique_ptr<Door> door;
  };

  void admit(int connection, const Peer& peer) {
    const bool changes = may_change(peer, ::geteuid(), socket_group_);
    const auto found = std::find_if(doors_.begin(), doors_.end(), [&](const User& user) {
      return user.uid == peer.uid && user.may_change == changes;
    });
    if (found != doors_.end()) {
      doors_.splice(doors_.begin(), doors_, found);
    } else {
      if (doors_.size() >= users_max_) doors_.pop_back();
      Result<std::unique_ptr<Door>> door = Door::open({api_, live_, readers_, control_}, peer);
      if (!door.is_ok()) {
        ::close(connection);
        return log::error("connection_refused", {{"reason", door.status().message()}});
      }
      doors_.push_front({peer.uid, changes, std::move(*door)});
    }
    doors_.front().door->take(connection);
  }

  Api api_;
  const std::size_t users_max_;
  const gid_t socket_group_;
  LiveCalls live_;
  WorkerPool readers_;
  WorkerPool control_;
  std::list<User> doors_;  // newest connection first; the acceptor's thread's until it has stopped
  std::unique_ptr<Acceptor> acceptor_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const ServerDependencies& dependencies,
                                              const ServerOptions& options) {
  SILT_ASSIGN(UnixSocket socket, UnixSocket::listen(options.socket, options.socket_mode));
  const gid_t group = socket.group();
  auto server = std::make_unique<ServerImpl>(dependencies, options, group);
  SILT_TRY(server->listen(std::move(socket)));
  log::info("serving", {{"socket", options.socket}});
  return Result<std::unique_ptr<Server>>(std::move(server));
}

}  // namespace silt::daemon
