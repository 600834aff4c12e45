#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "connectors/push/tcp_listener.h"
#include "connectors/syslog/relp.h"
#include "connectors/syslog/server.h"

namespace silt::connectors {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using TlsStream = asio::ssl::stream<tcp::socket>;
using Failed = boost::system::error_code;

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kTlsReadBytes = 16 * 1024;  // of a record of TLS

// What all connections of a server share; outlives them.
struct Shared {
  Collector& collector;
  const ServerOptions options;
  std::array<char, kReadBytes> buffer;  // of plain connections: an idle one holds none
};

// One peer. Reads while what it brought finds room, its sender has a share, and its rate allows; otherwise the
// peer's own window fills, and it waits. Kept alive by the call it waits for.
template <class Stream>
class Connection : public std::enable_shared_from_this<Connection<Stream>> {
 public:
  Connection(Stream stream, std::shared_ptr<Shared> shared, Senders::AccountPtr sender)
      : stream_(std::move(stream)), shared_(std::move(shared)), sender_(std::move(sender)),
        cutter_(shared_->options.message_bytes_max), posting_(collector(), sender_), deadline_(stream_.get_executor()), pause_(stream_.get_executor()) {}
  ~Connection() {
    collector().senders().disconnect(*sender_);
    collector().note_connections(false);
  }

  void start() {
    if constexpr (!std::is_same_v<Stream, TlsStream>) return read();
    else {
      arm(shared_->options.handshake_ms, "no TLS handshake came");
      stream_.async_handshake(TlsStream::server, [self = this->shared_from_this()](const Failed& failed) {
        self->disarm();
        if (!failed) return self->read();
        if (self->closed_) return;
        self->collector().note_error("a TLS handshake with " + self->sender_->name + " failed: " + failed.message() +
                                     "; does it use TLS, and has it a certificate of ca_file's authorities?");
      });
    }
  }

 private:
  Collector& collector() { return shared_->collector; }

  void read() {
    if (closed_) return;
    if (cutter_.is_open() || !has_spoken_) arm(shared_->options.message_ms, "its message did not come to an end");
    else disarm();
    const auto self = this->shared_from_this();
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      tls_buffer_.resize(kTlsReadBytes);
      stream_.async_read_some(asio::buffer(tls_buffer_), [self](const Failed& failed, std::size_t size) {
        self->take(failed, {self->tls_buffer_.data(), size});
      });
    } else {
      stream_.async_wait(tcp::socket::wait_read, [self](Failed failed) {
        if (self->closed_) return;
        const std::size_t size = failed ? 0 : self->stream_.read_some(asio::buffer(self->shared_->buffer), failed);
        if (failed == asio::error::would_block) return self->read();
        self->take(failed, {self->shared_->buffer.data(), size});
      });
    }
  }

  void take(const Failed& failed, std::string_view bytes) {
    if (closed_) return;
    const auto add = [this](const Frame& frame) { take_frame(frame); };
    if (!cutter_.feed(bytes, add)) {
      collector().note_error(sender_->name + " sent what is no syslog: its octet count is none; its connection was closed");
      ending_ = true;
    }
    if (failed) {
      cutter_.finish(add);
      ending_ = true;
    }
    if (cutter_.is_relp()) flush();
    pause_ms_ = collector().senders().spend(*sender_, bytes.size());
    post();
  }

  void take_frame(const Frame& frame) {
    has_spoken_ = true;
    if (!cutter_.is_relp()) return posting_.add(frame);
    if (frame.command == "syslog") {
      posting_.add(frame);
      numbers_.push_back(frame.number);
      ++unanswered_;
    } else if (frame.command == "open") {
      out_ += relp_answer(frame.number, kRelpOffers);
    } else if (frame.command == "close") {
      closing_ = frame.number;
      ending_ = true;
    } else {
      out_ += relp_answer(frame.number, kRelpUnknown);
    }
  }

  // Until all is taken, nothing more is read.
  void post() {
    disarm();
    const auto self = this->shared_from_this();
    if (!offered_) {
      offered_ = true;
      stored_ = [self, numbers = std::exchange(numbers_, {})](bool stored) { self->answer(numbers, stored); };
    }
    if (!posting_.offer(stored_)) {
      return collector().inbox().when_room([self, post = collector().post()] { post([self] { self->post(); }); });
    }
    offered_ = false;
    stored_ = nullptr;
    if (ending_) return cutter_.is_relp() ? void() : close();  // RELP: what was stored is answered first
    if (!collector().senders().has_share(*sender_)) return collector().senders().when_share(*sender_, [self] { self->rest(); });
    rest();
  }

  void rest() {
    if (pause_ms_ == 0) return read();
    pause_.expires_after(std::chrono::milliseconds(std::exchange(pause_ms_, 0)));
    pause_.async_wait([self = this->shared_from_this()](const Failed& failed) {
      if (!failed) self->read();
    });
  }

  void answer(const std::vector<std::uint64_t>& numbers, bool stored) {
    if (!stored) return close();  // the peer sends again what was not answered
    for (const std::uint64_t number : numbers) out_ += relp_answer(number, kRelpStored);
    unanswered_ -= numbers.size();
    flush();
  }

  void flush() {
    if (closing_ && unanswered_ == 0) {  // the last word
      out_ += relp_answer(*std::exchange(closing_, std::nullopt), {});
      out_ += kRelpServerClose;
    }
    if (out_.empty() || !writing_.empty() || closed_) return;
    writing_.swap(out_);
    asio::async_write(stream_, asio::buffer(writing_), [self = this->shared_from_this()](const Failed& failed, std::size_t) {
      self->writing_.clear();
      if (failed) return self->close();
      self->flush();
    });
  }

  void arm(std::int64_t ms, const char* what) {
    if (armed_) return;
    armed_ = true;
    deadline_.expires_after(std::chrono::milliseconds(ms));
    deadline_.async_wait([weak = this->weak_from_this(), what](const Failed& failed) {
      const auto self = weak.lock();
      if (failed || !self) return;
      self->collector().note_error("the connection of " + self->sender_->name + " was closed: " + what + " in time");
      self->close();
    });
  }
  void disarm() {
    if (!std::exchange(armed_, false)) return;
    deadline_.cancel();
  }

  void close() {
    closed_ = true;
    Failed ignored;
    stream_.lowest_layer().close(ignored);
  }

  Stream stream_;
  const std::shared_ptr<Shared> shared_;
  const Senders::AccountPtr sender_;
  FrameCutter cutter_;
  Posting posting_;
  asio::steady_timer deadline_, pause_;
  std::vector<char> tls_buffer_;
  std::vector<std::uint64_t> numbers_;  // of RELP, of what was added and not offered
  std::size_t unanswered_ = 0;
  std::optional<std::uint64_t> closing_;  // the number of the peer's "close"
  Parcel::Stored stored_;              // of what is being offered
  std::string out_, writing_;
  std::int64_t pause_ms_ = 0;
  bool offered_ = false;
  bool has_spoken_ = false;
  bool armed_ = false;
  bool ending_ = false;  // nothing more is read
  bool closed_ = false;
};

class StreamServer final : public SyslogServer {
 public:
  StreamServer(asio::io_context& io, std::shared_ptr<asio::ssl::context> tls, const ServerOptions& options, Collector& collector)
      : io_(io), tls_(std::move(tls)), shared_(std::make_shared<Shared>(Shared{collector, options, {}})) {}

  Status open(const Endpoint& endpoint) {
    Collector& collector = shared_->collector;
    SILT_ASSIGN(listener_, TcpListener::open(io_, endpoint, collector.senders(),
                                             {[this](int connection, const Senders::AccountPtr& sender) { welcome(connection, sender); },
                                              [&collector](bool refused) { collector.note_connections(refused); },
                                              [&collector](std::string error) { collector.note_error(std::move(error)); }}));
    return Status::ok();
  }

  const Endpoint& endpoint() const override { return listener_->endpoint(); }

 private:
  void welcome(int connection, const Senders::AccountPtr& sender) {
    tcp::socket socket(io_, tcp::v4(), connection);  // which of both is no matter from here on
    if (tls_) std::make_shared<Connection<TlsStream>>(TlsStream(std::move(socket), *tls_), shared_, sender)->start();
    else std::make_shared<Connection<tcp::socket>>(std::move(socket), shared_, sender)->start();
  }

  asio::io_context& io_;
  const std::shared_ptr<asio::ssl::context> tls_;
  const std::shared_ptr<Shared> shared_;
  std::unique_ptr<TcpListener> listener_;
};

}  // namespace

Result<std::unique_ptr<SyslogServer>> listen_streams(asio::io_context& io, const Endpoint& endpoint,
                                                     std::shared_ptr<asio::ssl::context> tls,
                                                     const ServerOptions& options, Collector& collector) {
  auto server = std::make_unique<StreamServer>(io, std::move(tls), options, collector);
  SILT_TRY(server->open(endpoint));
  return std::unique_ptr<SyslogServer>(std::move(server));
}

}  // namespace silt::connectors
