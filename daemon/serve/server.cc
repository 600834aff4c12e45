#include "daemon/serve/server.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <list>
#include <map>
#include <optional>
#include <utility>
#include <variant>

#include "base/log.h"
#include "daemon/serve/acceptor.h"
#include "daemon/serve/api.h"
#include "daemon/serve/door.h"
#include "daemon/serve/http/http_server.h"
#include "daemon/serve/http/routes.h"
#include "daemon/serve/live_calls.h"
#include "daemon/serve/tcp_socket.h"
#include "daemon/serve/tls_relay.h"
#include "daemon/serve/unix_socket.h"
#include "daemon/serve/worker_pool.h"

namespace silt::serve {
namespace {

constexpr int kLookThreads = 2;
constexpr int kChangeThreads = 1;
constexpr int kFeedThreads = 8;  // each waits for the disk
constexpr std::string_view kGrpcProtocol = "h2";
// Store and inputs keep to shares of their own (daemon/descriptors.h); what is kept free here is for what
// they open in passing. One caller has a quarter of it at most.
constexpr std::uint64_t kKeptFree = 8;  // of the descriptors: an eighth, and not less than so many

int descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 512;
  const rlim_t free = std::max<rlim_t>(kKeptFree, limit.rlim_cur / 8);
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur - std::min(limit.rlim_cur, free), 1 << 16));
}

Acceptor::Identify process_by(std::function<Result<access::Peer>(int)> peer_of) {
  return [peer_of = std::move(peer_of)](int connection) -> Result<Acceptor::Visit> {
    SILT_ASSIGN(access::Peer peer, peer_of(connection));
    std::string who = "uid " + std::to_string(peer.uid);
    return Acceptor::Visit{std::move(who), std::move(peer)};
  };
}

Result<Acceptor::Visit> address_of(int connection) {
  SILT_ASSIGN(std::string address, address_of_peer(connection));
  return Acceptor::Visit{std::move(address), access::Nobody()};
}

class ServerImpl final : public Server {
 public:
  ServerImpl(const ServerDependencies& dependencies, const ServerOptions& options, gid_t socket_group)
      : api_(dependencies),
        callers_(dependencies.callers),
        users_max_(std::max<std::size_t>(options.users_max, 1)),
        socket_group_(socket_group),
        tls_(options.tls),
        process_of_(process_by(options.peer_of ? options.peer_of : &peer_of)),
        ask_(std::max(options.reader_threads, 1), options.queue_max),
        look_(kLookThreads, options.queue_max),
        change_(kChangeThreads, options.queue_max),
        feed_(kFeedThreads, options.queue_max),
        replies_(options.unread_bytes_max),
        health_(dependencies.health ? dependencies.health : [] { return Health(); }),
        routes_(place_, health_) {}
  ~ServerImpl() override { stop(); }

  Status listen(Socket which, UnixSocket socket) {
    Entrance& entrance = which == Socket::kQuery ? query_ : admin_;
    entrance.socket = which;
    entrance.listener.emplace<UnixSocket>(std::move(socket));
    SILT_ASSIGN(entrance.acceptor,
                Acceptor::start(std::get<UnixSocket>(entrance.listener).fd(), descriptor_limit(), process_of_,
                                [this, &entrance](int connection, const Acceptor::Visit& visit) {
                                  return admit(entrance, connection, visit.credential);
                                }));
    return Status::ok();
  }

  Status listen_http(std::optional<UnixSocket> socket, const std::string& address) {
    SILT_ASSIGN(http_, http::HttpServer::start(address, [this](http::Request request, const std::shared_ptr<http::Exchange>& exchange) {
                  routes_.handle(std::move(request), exchange);
                }));
    if (!socket) return Status::ok();
    const int fd = socket->fd();
    web_.listener.emplace<UnixSocket>(std::move(*socket));
    SILT_ASSIGN(web_.acceptor, Acceptor::start(fd, descriptor_limit(), process_of_,
                                               [this](int connection, const Acceptor::Visit& visit) {
                                                 http_->take(connection, visit.credential);
                                                 return Status::ok();
                                               }));
    return Status::ok();
  }

  std::uint16_t http_port() const override { return http_ ? http_->port() : 0; }

  Status listen(TcpSocket socket) {
    SILT_ASSIGN(auto context, access::tls_context(tls_, kGrpcProtocol));
    const int fd = socket.fd();
    remote_.listener.emplace<TcpSocket>(std::move(socket));
    relay_ = TlsRelay::start(std::move(context), [this](int connection, const access::Certificate& certificate) {
      return admit(remote_, connection, certificate);
    });
    SILT_ASSIGN(remote_.acceptor, Acceptor::start(fd, descriptor_limit(), &address_of,
                                                  [this](int connection, const Acceptor::Visit& visit) {
                                                    return relay_->take(connection, visit.who);
                                                  }));
    return Status::ok();
  }

  Status reload(const access::AccessOptions& options) override {
    SILT_ASSIGN(access::CallerPolicy policy, access::caller_policy(options, socket_group_));
    if (relay_) {
      SILT_ASSIGN(auto context, access::tls_context(tls_, kGrpcProtocol));
      relay_->use(std::move(context));
    }
    callers_.configure(std::move(policy));
    return Status::ok();
  }

  std::uint16_t port() const override {
    const auto* socket = std::get_if<TcpSocket>(&remote_.listener);
    return socket != nullptr ? socket->port() : 0;
  }

  void stop() override {
    // From here on no thread but ours touches the doors.
    for (Entrance* entrance : entrances_) {
      if (entrance->acceptor) entrance->acceptor->stop();
    }
    live_.abandon_all(stopping());
    if (http_) http_->stop();
    for (Entrance* entrance : {&query_, &admin_}) entrance->doors.clear();
    stop_remote();
    ask_.stop();
    look_.stop();
    change_.stop();
    feed_.stop();
    for (Entrance* entrance : entrances_) {
      entrance->acceptor.reset();
      entrance->listener = std::monostate();
    }
  }

 private:
  struct Visitor {
    access::Credential credential;
    std::string name;  // of its caller: one user may have several credentials, with other groups in each
    std::unique_ptr<Door> door;
  };
  struct Entrance {
    std::optional<Socket> socket;  // none: TCP
    std::variant<std::monostate, UnixSocket, TcpSocket> listener;
    // Newest connection first; the acceptor's (of TCP, the relay's) thread's until it has stopped.
    std::list<Visitor> doors;
    std::unique_ptr<Acceptor> acceptor;
  };

  // The doors end their connections, and then the relay has none to end.
  void stop_remote() {
    if (!relay_) return;
    relay_->stop();
    remote_.doors.clear();
    relay_.reset();
  }

  Status admit(Entrance& entrance, int connection, const access::Credential& credential) {
    std::list<Visitor>& doors = entrance.doors;
    const auto found = std::find_if(doors.begin(), doors.end(), [&](const Visitor& visitor) { return visitor.credential == credential; });
    if (found != doors.end()) {
      doors.splice(doors.begin(), doors, found);
    } else {
      SILT_ASSIGN(const access::Caller caller, callers_.caller_of(credential, {}));
      if (doors.size() >= users_max_) close_one(doors);
      SILT_ASSIGN(std::unique_ptr<Door> door, Door::open(place_, entrance.socket, credential, health_));
      doors.push_front({credential, caller.name, std::move(door)});
    }
    doors.front().door->take(connection);
    return Status::ok();
  }

  // Of who has most of them the one that was silent longest, so that nobody takes the doors of others.
  static void close_one(std::list<Visitor>& doors) {
    std::map<std::string_view, std::size_t> of;
    for (const Visitor& visitor : doors) ++of[visitor.name];
    auto last = std::prev(doors.end());
    for (auto at = doors.begin(); at != doors.end(); ++at) {
      if (of[at->name] > of[last->name] || (of[at->name] == of[last->name] && at->name == last->name)) last = at;
    }
    doors.erase(last);
  }

  const Api api_;
  access::Callers& callers_;
  const std::size_t users_max_;
  const gid_t socket_group_;
  const access::TlsFiles tls_;
  const Acceptor::Identify process_of_;
  LiveCalls live_;
  WorkerPool ask_;
  WorkerPool look_;
  WorkerPool change_;
  WorkerPool feed_;
  CallMeter meter_;
  ReplyShares replies_;
  const Workplace place_{api_, callers_, live_, ask_, look_, change_, feed_, meter_, replies_};
  const std::function<Health()> health_;
  const http::Routes routes_;
  Entrance query_;
  Entrance admin_;
  Entrance remote_;
  Entrance web_;  // has no doors: HTTP asks of each request who it is of
  Entrance* const entrances_[4] = {&query_, &admin_, &remote_, &web_};
  std::unique_ptr<TlsRelay> relay_;
  std::unique_ptr<http::HttpServer> http_;
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
  auto server = std::make_unique<ServerImpl>(dependencies, options, socket.group());
  SILT_TRY(server->reload(options.access));
  SILT_TRY(server->listen(Socket::kQuery, std::move(socket)));
  SILT_TRY(server->listen(Socket::kAdmin, std::move(admin_socket)));
  if (http_socket || !options.http_listen.empty()) SILT_TRY(server->listen_http(std::move(http_socket), options.http_listen));
  if (!options.listen.empty()) {
    SILT_ASSIGN(TcpSocket tcp, TcpSocket::listen(options.listen));
    SILT_TRY(server->listen(std::move(tcp)));
  }
  log::info("serving", {{"socket", options.socket},
                        {"admin_socket", options.admin_socket},
                        {"http_socket", options.http_socket},
                        {"http_listen", options.http_listen},
                        {"port", server->port()}});
  return Result<std::unique_ptr<Server>>(std::move(server));
}

}  // namespace silt::serve
