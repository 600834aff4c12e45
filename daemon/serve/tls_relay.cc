#include "daemon/serve/tls_relay.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <utility>

#include "daemon/access/tls_context.h"
#include "daemon/serve/acceptor.h"

namespace silt::serve {
namespace {

namespace asio = boost::asio;
using Error = boost::system::error_code;
using Tls = asio::ssl::stream<asio::ip::tcp::socket>;
using Local = asio::local::stream_protocol::socket;

constexpr auto kHandshakeTime = std::chrono::seconds(5);
constexpr std::size_t kBufferBytes = 16 * 1024;  // the most that a TLS record holds

class RelayImpl;

// One client: the handshake, then both directions, each with one buffer. It lives as long as something of it
// waits. All of it is the relay's thread's.
class Client : public std::enable_shared_from_this<Client> {
 public:
  Client(RelayImpl& relay, asio::io_context& io, const std::shared_ptr<ssl_ctx_st>& context, int connection, std::string address);
  ~Client();
  void begin();
  void close();

 private:
  void admit();
  template <class From, class To>
  void pump(From& from, To& to, std::array<char, kBufferBytes>& buffer);

  RelayImpl& relay_;
  const std::string address_;
  const std::shared_ptr<ssl_ctx_st> context_;
  asio::ssl::context wrapped_;
  Tls tls_;
  Local door_;
  asio::steady_timer timer_;
  bool handshaking_ = true;
  std::array<char, kBufferBytes> in_{}, out_{};
};

class RelayImpl final : public TlsRelay {
 public:
  RelayImpl(std::shared_ptr<ssl_ctx_st> context, OnClient on_client)
      : context_(std::move(context)), on_client_(std::move(on_client)), thread_([this] { io_.run(); }) {}
  ~RelayImpl() override { stop(); }

  Status take(int connection, const std::string& address) override {
    std::shared_ptr<ssl_ctx_st> context;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return unavailable("siltd is stopping");
      if (clients_count_ >= kConnectionsMax) return resource_exhausted("too many are open over TLS");
      std::size_t& own = handshakes_[address];
      if (handshakes_count_ >= kHandshakesMax || own >= kHandshakesOfAddressMax) {
        if (own == 0) handshakes_.erase(address);
        return resource_exhausted("too many wait for their TLS handshake");
      }
      ++own;
      ++handshakes_count_;
      ++clients_count_;
      context = context_;
    }
    asio::post(io_, [this, context, connection, address] {
      const auto client = std::make_shared<Client>(*this, io_, context, connection, address);
      clients_.insert(client.get());
      client->begin();
    });
    return Status::ok();
  }

  void use(std::shared_ptr<ssl_ctx_st> context) override {
    const std::lock_guard lock(mutex_);
    context_ = std::move(context);
  }

  void stop() override {
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(stopping_, true)) return;
    }
    asio::post(io_, [this] {
      for (Client* client : std::unordered_set<Client*>(clients_)) client->close();
      work_.reset();
    });
    thread_.join();
  }

  const OnClient& on_client() const { return on_client_; }
  void refused(const Status& why) { refusals_.note(why.message(), SystemClock().monotonic_us()); }

  void handshake_ended(const std::string& address) {
    const std::lock_guard lock(mutex_);
    --handshakes_count_;
    const auto own = handshakes_.find(address);
    if (--own->second == 0) handshakes_.erase(own);
  }
  void gone(Client* client) {
    clients_.erase(client);
    const std::lock_guard lock(mutex_);
    --clients_count_;
  }

 private:
  std::mutex mutex_;  // of what follows
  bool stopping_ = false;
  std::shared_ptr<ssl_ctx_st> context_;
  std::size_t clients_count_ = 0, handshakes_count_ = 0;
  std::map<std::string, std::size_t> handshakes_;  // by address
  // The relay's thread's alone.
  const OnClient on_client_;
  std::unordered_set<Client*> clients_;
  RefusalLog refusals_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  std::thread thread_;
};

asio::ssl::context wrap(const std::shared_ptr<ssl_ctx_st>& context) {
  SSL_CTX_up_ref(context.get());  // the wrapper frees one reference
  return asio::ssl::context(context.get());
}

asio::ip::tcp protocol_of(int connection) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  const bool known = ::getsockname(connection, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  return known && address.ss_family == AF_INET6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4();
}

Client::Client(RelayImpl& relay, asio::io_context& io, const std::shared_ptr<ssl_ctx_st>& context, int connection, std::string address)
    : relay_(relay),
      address_(std::move(address)),
      context_(context),
      wrapped_(wrap(context)),
      tls_(asio::ip::tcp::socket(io, protocol_of(connection), connection), wrapped_),
      door_(io),
      timer_(io) {}

Client::~Client() {
  if (handshaking_) relay_.handshake_ended(address_);
  relay_.gone(this);
}

void Client::close() {
  Error ignored;
  timer_.cancel();
  tls_.lowest_layer().close(ignored);
  door_.close(ignored);
}

void Client::begin() {
  Error ignored;
  tls_.lowest_layer().set_option(asio::ip::tcp::no_delay(true), ignored);
  timer_.expires_after(kHandshakeTime);
  timer_.async_wait([self = weak_from_this()](const Error& failed) {
    const auto client = self.lock();
    if (!failed && client && client->handshaking_) client->close();
  });
  tls_.async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](const Error& failed) {
    self->timer_.cancel();
    if (!failed) return self->admit();
    self->relay_.refused(unavailable("TLS handshake of " + self->address_ + ": " + failed.message()));
    self->close();
  });
}

void Client::admit() {
  handshaking_ = false;
  relay_.handshake_ended(address_);
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
    relay_.refused(errno_status("socketpair", errno));
    return close();
  }
  door_.assign(asio::local::stream_protocol(), pair[0]);
  const access::Certificate certificate{access::certificate_name(tls_.native_handle())};
  if (const Status admitted = relay_.on_client()(pair[1], certificate); !admitted.is_ok()) {
    ::close(pair[1]);
    relay_.refused(admitted);
    return close();
  }
  pump(tls_, door_, in_);
  pump(door_, tls_, out_);
}

// What comes from one goes to the other; the end of either, or a failure, is the end of both.
template <class From, class To>
void Client::pump(From& from, To& to, std::array<char, kBufferBytes>& buffer) {
  from.async_read_some(asio::buffer(buffer), [self = shared_from_this(), &from, &to, &buffer](const Error& failed, std::size_t size) {
    if (failed) return self->close();
    asio::async_write(to, asio::buffer(buffer.data(), size), [self, &from, &to, &buffer](const Error& unwritten, std::size_t) {
      if (unwritten) return self->close();
      self->pump(from, to, buffer);
    });
  });
}

}  // namespace

std::unique_ptr<TlsRelay> TlsRelay::start(std::shared_ptr<ssl_ctx_st> context, OnClient on_client) {
  return std::make_unique<RelayImpl>(std::move(context), std::move(on_client));
}

}  // namespace silt::serve
