#include "daemon/serve/server.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <list>
#include <mutex>
#include <optional>
#include <utility>

#include "base/log.h"
#include "daemon/serve/acceptor.h"
#include "daemon/serve/api.h"
#include "daemon/serve/callers.h"
#include "daemon/serve/door.h"
#include "daemon/serve/http/http_server.h"
#include "daemon/serve/http/routes.h"
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
        change_(kChangeThreads, options.queue_max),
        routes_(place_, dependencies.health ? dependencies.health : [] { return Health(); }) {}
  ~ServerImpl() override { stop(); }

  Status listen(Socket which, UnixSocket socket) {
    Entrance& entrance = which == Socket::kQuery ? query_ : admin_;
    SILT_ASSIGN(entrance.acceptor,
                Acceptor::start(std::move(socket), descriptor_limit(), [this, which, &entrance](int connection, const Peer& peer) {
                  return admit(which, entrance, connection, peer);
                }));
    return Status::ok();
  }

  Status listen_http(std::optional<UnixSocket> socket, const std::string& address) {
    SILT_ASSIGN(http_, http::HttpServer::start(address, [this](http::Request request, const std::shared_ptr<http::Exchange>& exchange) {
                  routes_.handle(std::move(request), exchange);
                }));
    if (!socket) return Status::ok();
    SILT_ASSIGN(http_acceptor_,
                Acceptor::start(std::move(*socket), descriptor_limit(), [this](int connection, const Peer& peer) {
                  http_->take(connection, std::make_shared<const access::Caller>(caller_of(peer, policy_)));
                  return Status::ok();
                }));
    return Status::ok();
  }

  std::uint16_t http_port() const override { return http_ ? http_->port() : 0; }

  void stop() override {
    if (http_acceptor_) http_acceptor_->stop();
    // From here on no thread but ours touches the doors.
    for (Entrance* entrance : {&query_, &admin_}) {
      if (entrance->acceptor) entrance->acceptor->stop();
    }
    live_.abandon_all(stopping());
    if (http_) http_->stop();
    query_.doors.clear();
    admin_.doors.clear();
    ask_.stop();
    look_.stop();
    change_.stop();
    query_.acceptor.reset();
    admin_.acceptor.reset();
    http_acceptor_.reset();
  }

 private:
  struct User {
    access::Caller caller;
    std::unique_ptr<Door> door;
  };
  struct Entrance {
    std::list<User> doors;  // newest connection first; the acceptor's thread's until it has stopped
    std::unique_ptr<Acceptor> acceptor;
  };

  Status admit(Socket which, Entrance& entrance, int connection, const Peer& peer) {
    access::Caller caller = caller_of(peer, policy_);
    std::list<User>& doors = entrance.doors;
    const auto found = std::find_if(doors.begin(), doors.end(), [&](const User& user) { return user.caller == caller; });
    if (found != doors.end()) {
      doors.splice(doors.begin(), doors, found);
    } else {
      if (doors.size() >= users_max_) doors.pop_back();
      SILT_ASSIGN(std::unique_ptr<Door> door, Door::open(place_, which, caller));
      doors.push_front({std::move(caller), std::move(door)});
    }
    doors.front().door->take(connection);
    return Status::ok();
  }

  const Api api_;
  const std::size_t users_max_;
  const CallerPolicy policy_;
  LiveCalls live_;
  WorkerPool ask_;
  WorkerPool look_;
  WorkerPool change_;
  CallMeter meter_;
  const Workplace place_{api_, live_, ask_, look_, change_, meter_};
  const http::Routes routes_;
  Entrance query_;
  Entrance admin_;
  std::unique_ptr<http::HttpServer> http_;
  std::unique_ptr<Acceptor> http_acceptor_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const ServerDependencies& dependencies,
                                              const ServerOptions& options) {
  SILT_ASSIGN(UnixSocket socket, UnixSocket::listen(options.socket, options.socket_mode));
  SILT_ASSIGN(UnixSocket admin_socket, UnixSocket::listen(options.admin_socket, options.socket_mode));
  std::optional<UnixSocket> http_socket;
  if (!options.http_socket.empty()) {
    SILT_ASSIGN(UnixSocket made, UnixSocket::listen(options.http_socket, options.socket_mode));
    http_socket.emplace(std::move(made));
  }
  SILT_ASSIGN(const CallerPolicy policy, caller_policy(options.change_group, options.access, socket.group()));
  auto server = std::make_unique<ServerImpl>(dependencies, options, policy);
  SILT_TRY(server->listen(Socket::kQuery, std::move(socket)));
  SILT_TRY(server->listen(Socket::kAdmin, std::move(admin_socket)));
  if (http_socket || !options.http_listen.empty()) SILT_TRY(server->listen_http(std::move(http_socket), options.http_listen));
  log::info("serving", {{"socket", options.socket},
                        {"admin_socket", options.admin_socket},
                        {"http_socket", options.http_socket},
                        {"http_listen", options.http_listen}});
  return Result<std::unique_ptr<Server>>(std::move(server));
}

}  // namespace silt::serve
