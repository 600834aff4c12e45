#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <chrono>
#include <optional>
#include <type_traits>
#include <utility>

#include "connectors/otlp/servers.h"
#include "connectors/push/tcp_listener.h"

namespace silt::connectors::otlp {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Failed = boost::system::error_code;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

constexpr std::chrono::seconds kIdle{120};      // between requests
constexpr std::chrono::seconds kRequest{60};    // for one to come, and for its answer to go
constexpr std::chrono::seconds kHandshake{10};
constexpr std::chrono::seconds kRest{5};  // for what a refused peer still sends
constexpr std::size_t kDrainBytes = 16 * 1024;
constexpr std::string_view kPath = "/v1/logs";

int http_code(Code code) {
  switch (code) {
    case Code::kOk: return 200;
    case Code::kUnavailable: return 503;
    case Code::kResourceExhausted: return 413;
    case Code::kNotFound: return 404;
    case Code::kUnimplemented: return 405;
    default: return 400;
  }
}

// One peer's connection: a request at a time, each answered before the next is read. Kept alive by what it waits for.
template <class Stream>
class Session : public std::enable_shared_from_this<Session<Stream>> {
 public:
  Session(Stream stream, Receiver& receiver, Senders::AccountPtr sender)
      : stream_(std::move(stream)), receiver_(receiver), sender_(std::move(sender)) {}
  ~Session() {
    unreserve();
    receiver_.senders().disconnect(*sender_);
    receiver_.note_connections(false);
  }

  void start() {
    if constexpr (!std::is_same_v<Stream, TlsStream>) return read_head();
    else {
      lowest().expires_after(kHandshake);
      stream_.async_handshake(asio::ssl::stream_base::server, [self = this->shared_from_this()](const Failed& failed) {
        if (!failed) return self->read_head();
        self->receiver_.note_error("a TLS handshake with " + self->sender_->name + " failed: " + failed.message());
      });
    }
  }

 private:
  beast::tcp_stream& lowest() { return beast::get_lowest_layer(stream_); }

  void read_head() {
    parser_.emplace();
    parser_->body_limit(receiver_.options().request_bytes_max);
    lowest().expires_after(kIdle);
    http::async_read_header(stream_, buffer_, *parser_, [self = this->shared_from_this()](const Failed& failed, std::size_t) {
      if (failed == http::error::body_limit) return self->refuse(self->too_large());
      if (!failed) self->check_head();
    });
  }

  // What can be refused is refused before its body is read.
  void check_head() {
    const auto& head = parser_->get();
    keep_alive_ = head.keep_alive();
    format_ = head[http::field::content_type].starts_with("application/json") ? Format::kJson : Format::kProtobuf;
    packed_ = head[http::field::content_encoding] == "gzip";
    if (head.target() != kPath) return refuse({Code::kNotFound, "only " + std::string(kPath) + " is served"});
    if (head.method() != http::verb::post) return refuse({Code::kUnimplemented, "only POST is served"});
    if (format_ == Format::kProtobuf && !head[http::field::content_type].starts_with("application/x-protobuf"))
      return refuse(invalid_argument("the content type must be application/x-protobuf or application/json"));
    if (const auto encoding = head[http::field::content_encoding]; !packed_ && !encoding.empty() && encoding != "identity")
      return refuse(invalid_argument("the content encoding must be gzip or none"));
    const std::uint64_t bytes = parser_->content_length().value_or(receiver_.options().request_bytes_max);
    if (!receiver_.reserve(bytes)) return answer(Receiver::busy(), false);
    reserved_ = bytes;
    lowest().expires_after(kRequest);
    http::async_read(stream_, buffer_, *parser_, [self = this->shared_from_this()](const Failed& failed, std::size_t) {
      if (failed == http::error::body_limit) return self->refuse(self->too_large());
      if (!failed) self->take_body();
    });
  }

  Status too_large() const {
    return resource_exhausted("the request is larger than " + std::to_string(receiver_.options().request_bytes_max) + " bytes; send less at once");
  }

  void take_body() {
    std::string body = std::move(parser_->get().body());
    if (packed_) {
      auto plain = gunzip(body, receiver_.options().request_bytes_max);
      if (!plain.is_ok()) return answer({plain.status(), 0, 0, {}}, keep_alive_);
      body = std::move(plain).value();
    }
    lowest().expires_never();  // it is our turn
    receiver_.take(body, format_, sender_->name, [self = this->shared_from_this()](const Answer& given) { self->answer(given, self->keep_alive_); });
  }

  // The body was not read: nothing can follow on this connection.
  void refuse(const Status& status) { answer({status, 0, 0, {}}, false); }

  void answer(const Answer& given, bool go_on) {
    unreserve();
    response_ = {};
    response_.result(static_cast<unsigned>(http_code(given.status.code())));
    response_.set(http::field::content_type, format_ == Format::kJson ? "application/json" : "application/x-protobuf");
    if (given.retry_ms > 0) response_.set(http::field::retry_after, std::to_string((given.retry_ms + 999) / 1000));
    response_.body() = write_answer(given, format_);
    response_.keep_alive(go_on);
    response_.prepare_payload();
    lowest().expires_after(kRequest);
    http::async_write(stream_, response_, [self = this->shared_from_this(), go_on](const Failed& failed, std::size_t) {
      if (failed) return;
      if (go_on) return self->read_head();
      Failed ignored;
      self->lowest().socket().shutdown(tcp::socket::shutdown_send, ignored);
      self->lowest().expires_after(kRest);
      self->drain();
    });
  }

  // A connection that is closed before all was read takes the answer with it.
  void drain() {
    buffer_.clear();
    lowest().async_read_some(buffer_.prepare(kDrainBytes), [self = this->shared_from_this()](const Failed& failed, std::size_t) {
      if (!failed) self->drain();
    });
  }

  void unreserve() { receiver_.release(std::exchange(reserved_, 0)); }

  Stream stream_;
  Receiver& receiver_;
  const Senders::AccountPtr sender_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
  std::uint64_t reserved_ = 0;
  Format format_ = Format::kProtobuf;
  bool packed_ = false;
  bool keep_alive_ = false;
};

class HttpServer final : public Server {
 public:
  HttpServer(asio::io_context& io, std::shared_ptr<asio::ssl::context> tls, Receiver& receiver)
      : io_(io), tls_(std::move(tls)), receiver_(receiver) {}

  Status open(const Endpoint& endpoint) {
    SILT_ASSIGN(listener_, TcpListener::open(io_, endpoint, receiver_.senders(),
                                             {[this](int connection, const Senders::AccountPtr& sender) { welcome(connection, sender); },
                                              [this](bool refused) { receiver_.note_connections(refused); },
                                              [this](std::string error) { receiver_.note_error(std::move(error)); }}));
    return Status::ok();
  }

  const Endpoint& endpoint() const override { return listener_->endpoint(); }

 private:
  void welcome(int connection, const Senders::AccountPtr& sender) {
    beast::tcp_stream stream(tcp::socket(io_, tcp::v4(), connection));  // which of both is no matter from here on
    if (tls_) std::make_shared<Session<TlsStream>>(TlsStream(std::move(stream), *tls_), receiver_, sender)->start();
    else std::make_shared<Session<beast::tcp_stream>>(std::move(stream), receiver_, sender)->start();
  }

  asio::io_context& io_;
  const std::shared_ptr<asio::ssl::context> tls_;
  Receiver& receiver_;
  std::unique_ptr<TcpListener> listener_;
};

}  // namespace

Result<std::unique_ptr<Server>> serve_http(asio::io_context& io, const Endpoint& endpoint, std::shared_ptr<asio::ssl::context> tls, Receiver& receiver) {
  auto server = std::make_unique<HttpServer>(io, std::move(tls), receiver);
  SILT_TRY(server->open(endpoint));
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace silt::connectors::otlp
