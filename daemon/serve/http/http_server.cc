#include "daemon/serve/http/http_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <deque>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include "base/log.h"
#include "daemon/serve/client_status.h"
#include "daemon/serve/http/connect.h"

namespace silt::serve::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Protocol = asio::generic::stream_protocol;
using Stream = beast::basic_stream<Protocol>;

constexpr seconds kHeaderTime{5}, kBodyTime{10}, kIdleTime{60}, kWriteTime{30}, kLingerTime{1}, kStopTime{1};
constexpr std::size_t kConnectionsMax = 256;
constexpr std::uint64_t kLingerBytesMax = 4 << 20;
constexpr std::int64_t kTimeoutMsMax = 9'999'999'999;  // ten digits, as Connect has it

// Sent with every reply. Nothing but what siltd itself serves may run, load or be sent to from its page.
constexpr std::array<std::pair<const char*, const char*>, 4> kFixedHeaders = {{
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
     "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cache-Control", "no-store"},
}};

class Session;

// The connections that are open. The server's thread alone.
struct Sessions {
  std::set<std::shared_ptr<Session>> open;
  bool stopping = false;
  std::function<void()> on_empty;
};

Response failure(const Status& status) {
  const Status shown = to_client(status);
  return {http_status(shown.code()), std::string(kJsonType), error_json(shown)};
}

std::string_view without_port(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  return colon == std::string_view::npos || host.ends_with(']') ? host : host.substr(0, colon);
}

// Names by which this host is its own: another site's page that had its name resolve to here cannot send them.
bool is_own(std::string_view host) {
  constexpr std::array<std::string_view, 4> kOwn = {"localhost", "127.0.0.1", "[::1]", "silt"};
  return std::find(kOwn.begin(), kOwn.end(), without_port(host)) != kOwn.end();
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  return out;
}

class Session final : public std::enable_shared_from_this<Session> {
 public:
  Session(Protocol::socket socket, access::Credential credential, const Handler& handler, Sessions& sessions)
      : stream_(std::move(socket)), late_(stream_.get_executor()), credential_(std::move(credential)), handler_(handler), sessions_(sessions) {}

  void read() {
    parser_.emplace();
    parser_->header_limit(kHeaderBytesMax);
    parser_->body_limit(kBodyBytesMax);
    stream_.expires_after(std::exchange(first_, false) ? kHeaderTime : kIdleTime);
    // The first bytes may be long in coming; from then on the client is in a hurry.
    beast::http::async_read_some(stream_, buffer_, *parser_, [self = shared_from_this()](error_code failed, std::size_t) {
      if (failed) return self->cannot_read(failed);
      self->stream_.expires_after(kHeaderTime);
      if (self->parser_->is_header_done()) return self->read_body();
      beast::http::async_read_header(self->stream_, self->buffer_, *self->parser_, [self](error_code broken, std::size_t) {
        if (broken) return self->cannot_read(broken);
        self->read_body();
      });
    });
  }

  void close() {
    error_code ignored;
    stream_.socket().close(ignored);
    leave();
  }
  bool idle() const { return !awaited_; }

  // Of the exchange in hand; an earlier one is not heard.
  void send(std::uint64_t turn, std::string bytes, bool last) {
    if (turn != turn_ || last_) return;
    queue_.push_back(std::move(bytes));
    last_ = last;
    if (!writing_) write();
  }
  std::string head_of(const Response& response, std::optional<std::size_t> length) {
    beast::http::response<beast::http::empty_body> head;
    head.version(parser_->get().version());
    head.result(response.status);
    for (const auto& [name, value] : kFixedHeaders) head.set(name, value);
    if (!response.content_type.empty()) head.set(beast::http::field::content_type, response.content_type);
    for (const auto& [name, value] : response.headers) head.set(name, value);
    chunked_ = !length && head.version() >= 11;
    if (!length && !chunked_) keep_alive_ = false;
    if (length) head.content_length(*length);
    if (chunked_) head.chunked(true);
    head.keep_alive(keep_alive_ && !sessions_.stopping);
    std::ostringstream text;
    text << head.base();
    return text.str();
  }
  bool chunked() const { return chunked_; }
  bool wants_body() const { return parser_->get().method() != beast::http::verb::head; }

  void watch(std::uint64_t turn, std::function<void()> gone, std::optional<milliseconds> timeout, std::function<void()> late) {
    if (turn != turn_ || !awaited_) return;
    gone_ = std::move(gone);
    wait_for_end();
    if (!timeout) return;
    late_.expires_after(*timeout);
    late_.async_wait([self = shared_from_this(), turn, late = std::move(late)](error_code cancelled) {
      if (cancelled || turn != self->turn_ || self->gone_ == nullptr) return;
      self->gone_ = nullptr;
      late();
    });
  }

 private:
  class Turn;

  void read_body() {
    stream_.expires_after(kBodyTime);
    beast::http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](error_code failed, std::size_t) {
      if (failed) return self->cannot_read(failed);
      self->handle();
    });
  }

  void cannot_read(error_code failed) {
    using beast::http::error;
    unsigned status = 0;
    std::string why;
    if (failed == error::header_limit) {
      status = 431, why = "the head of the request is longer than " + std::to_string(kHeaderBytesMax) + " bytes";
    } else if (failed == error::body_limit) {
      status = 413, why = "the body of the request is longer than " + std::to_string(kBodyBytesMax) + " bytes";
    } else if (failed.category() == make_error_code(error::bad_method).category() && failed != error::end_of_stream &&
               failed != error::partial_message) {
      status = 400, why = "this is no request of HTTP/1.1: " + failed.message();
    }
    if (status == 0) return close();  // it left, or was too slow
    keep_alive_ = false;
    Response response = failure(invalid_argument(why));
    response.status = status;
    begin_turn()->reply(std::move(response));
  }

  void handle() {
    const auto& message = parser_->get();
    keep_alive_ = message.keep_alive();
    Request request;
    request.method = std::string(message.method_string());
    request.path = std::string(message.target());
    request.path.resize(std::min(request.path.find('?'), request.path.size()));
    const std::string type = lower(message[beast::http::field::content_type]);
    request.content_type = type.substr(0, type.find_first_of("; "));
    request.credential = credential_;
    const std::shared_ptr<Exchange> exchange = begin_turn();
    if (const Status checked = check(message, request); !checked.is_ok()) return exchange->reply(failure(checked));
    request.body = std::move(parser_->get().body());
    handler_(std::move(request), exchange);
  }

  static Status check(const beast::http::request<beast::http::string_body>& message, Request& request) {
    using beast::http::field;
    const std::string_view host = message[field::host], origin = message[field::origin], timeout = message["Connect-Timeout-Ms"];
    if (message.count(field::host) > 1) return invalid_argument("one host is enough");
    if (!is_own(host)) return permission_denied("siltd does not serve this host name: connect to localhost or 127.0.0.1");
    if (!origin.empty() && origin != "http://" + std::string(host)) return permission_denied("requests from pages of other sites are refused");
    if (const std::string_view coding = message[field::content_encoding]; !coding.empty() && coding != "identity")
      return unimplemented("send the body uncompressed");
    if (message.count(field::authorization) > 1) return invalid_argument("one authorization is enough");
    request.authorization = std::string(message[field::authorization]);
    if (timeout.empty()) return Status::ok();
    std::int64_t ms = 0;
    const auto [end, failed] = std::from_chars(timeout.data(), timeout.data() + timeout.size(), ms);
    if (failed != std::errc() || end != timeout.data() + timeout.size() || ms < 0 || ms > kTimeoutMsMax)
      return invalid_argument("Connect-Timeout-Ms must be a number of milliseconds");
    request.timeout = milliseconds(ms);
    return Status::ok();
  }

  std::shared_ptr<Exchange> begin_turn();

  // While a reply is awaited nothing is read, so that a client that leaves is seen here.
  void wait_for_end() {
    if (std::exchange(waiting_, true)) return;
    stream_.socket().async_wait(Protocol::socket::wait_read, [self = shared_from_this()](error_code failed) {
      self->waiting_ = false;
      if (failed || self->gone_ == nullptr) return;
      char byte = 0;
      const ssize_t size = ::recv(self->stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
      if (size > 0) return;  // the next request; it can wait
      if (size < 0 && (errno == EAGAIN || errno == EINTR)) return self->wait_for_end();
      self->left();
    });
  }
  void left() {
    if (const auto gone = std::exchange(gone_, nullptr)) gone();
  }

  void write() {
    writing_ = true;
    stream_.expires_after(kWriteTime);
    asio::async_write(stream_, asio::buffer(queue_.front()), [self = shared_from_this()](error_code failed, std::size_t) {
      self->writing_ = false;
      if (failed) {
        self->left();
        return self->close();
      }
      self->queue_.pop_front();
      if (!self->queue_.empty()) return self->write();
      if (self->last_) self->end_turn();
    });
  }

  void end_turn() {
    awaited_ = false;
    last_ = false;
    gone_ = nullptr;
    late_.cancel();
    if (sessions_.stopping) return close();
    if (keep_alive_) return read();
    error_code ignored;
    stream_.socket().shutdown(Protocol::socket::shutdown_send, ignored);
    stream_.expires_after(kLingerTime);
    linger(0);
  }

  // What is still on its way is read, for otherwise the kernel would drop the reply.
  void linger(std::uint64_t read) {
    stream_.async_read_some(asio::buffer(scrap_), [self = shared_from_this(), read](error_code failed, std::size_t size) {
      if (failed || read + size > kLingerBytesMax) return self->close();
      self->linger(read + size);
    });
  }

  void leave() {
    if (sessions_.open.erase(shared_from_this()) != 0 && sessions_.open.empty() && sessions_.on_empty) sessions_.on_empty();
  }

  Stream stream_;
  asio::steady_timer late_;
  const access::Credential credential_;
  const Handler& handler_;
  Sessions& sessions_;
  beast::flat_buffer buffer_{kHeaderBytesMax + kBodyBytesMax};
  std::optional<beast::http::request_parser<beast::http::string_body>> parser_;
  std::array<char, 4096> scrap_;
  std::uint64_t turn_ = 0;  // the exchange in hand, or the last one
  bool awaited_ = false;    // it has no whole reply yet
  std::function<void()> gone_;
  std::deque<std::string> queue_;
  bool first_ = true;
  bool keep_alive_ = false;
  bool chunked_ = false;
  bool waiting_ = false;
  bool writing_ = false;
  bool last_ = false;
};

// An Exchange of a session: every call goes to the server's thread.
class Session::Turn final : public Exchange {
 public:
  Turn(const std::shared_ptr<Session>& session, std::uint64_t number)
      : session_(session), executor_(session->stream_.get_executor()), number_(number) {}

  void reply(Response response) override {
    on_thread([response = std::move(response)](Session& session, std::uint64_t turn) {
      std::string bytes = session.head_of(response, response.body.size());
      session.send(turn, session.wants_body() ? bytes + response.body : bytes, true);
    });
  }
  void begin(Response head) override {
    on_thread([head = std::move(head)](Session& session, std::uint64_t turn) {
      session.send(turn, session.head_of(head, std::nullopt), false);
    });
  }
  void write(std::string bytes) override {
    if (bytes.empty()) return;  // an empty chunk is the last one
    on_thread([bytes = std::move(bytes)](Session& session, std::uint64_t turn) {
      session.send(turn, session.chunked() ? beast::buffers_to_string(beast::http::make_chunk(asio::buffer(bytes))) : bytes, false);
    });
  }
  void end() override {
    on_thread([](Session& session, std::uint64_t turn) {
      session.send(turn, session.chunked() ? beast::buffers_to_string(beast::http::make_chunk_last()) : std::string(), true);
    });
  }
  void watch(std::function<void()> gone, std::optional<milliseconds> timeout, std::function<void()> late) override {
    on_thread([gone = std::move(gone), timeout, late = std::move(late)](Session& session, std::uint64_t turn) {
      session.watch(turn, gone, timeout, late);
    });
  }

 private:
  template <class Action>
  void on_thread(Action action) {
    asio::post(executor_, [session = session_, turn = number_, action = std::move(action)] {
      if (const auto open = session.lock()) action(*open, turn);
    });
  }

  const std::weak_ptr<Session> session_;
  const Stream::executor_type executor_;
  const std::uint64_t number_;
};

std::shared_ptr<Exchange> Session::begin_turn() {
  awaited_ = true;
  return std::make_shared<Turn>(shared_from_this(), ++turn_);
}

Result<asio::ip::tcp::endpoint> endpoint_of(const std::string& listen) {
  const Status wrong = invalid_argument("serve.http_listen must be a loopback address and a port, like 127.0.0.1:8484, not '" + listen + "'");
  const std::size_t colon = listen.rfind(':');
  if (colon == std::string::npos) return wrong;
  std::string host = listen.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  error_code failed;
  const asio::ip::address address = asio::ip::make_address(host, failed);
  std::uint16_t port = 0;
  const auto [end, bad] = std::from_chars(listen.data() + colon + 1, listen.data() + listen.size(), port);
  if (failed || !address.is_loopback() || bad != std::errc() || end != listen.data() + listen.size()) return wrong;
  return asio::ip::tcp::endpoint(address, port);
}

class HttpServerImpl final : public HttpServer {
 public:
  explicit HttpServerImpl(Handler handler) : handler_(std::move(handler)) {}
  ~HttpServerImpl() override { stop(); }

  Status listen(const asio::ip::tcp::endpoint& at, const std::string& shown) {
    error_code failed;
    listener_.open(at.protocol(), failed);
    if (!failed) listener_.set_option(asio::socket_base::reuse_address(true), failed);
    if (!failed) listener_.bind(at, failed);
    if (!failed) listener_.listen(asio::socket_base::max_listen_connections, failed);
    if (!failed) port_ = listener_.local_endpoint(failed).port();
    if (failed) return unavailable("serve.http_listen: cannot listen on " + shown + ": " + failed.message() + "; stop who does, or name another port");
    accept();
    return Status::ok();
  }

  void run() {
    thread_ = std::thread([this] { io_.run(); });
  }

  void take(int connection, access::Credential credential) override {
    asio::post(io_, [this, connection, credential = std::move(credential)]() mutable {
      Protocol::socket socket(io_);
      error_code failed;
      socket.assign(Protocol(AF_UNIX, 0), connection, failed);
      if (failed) {
        ::close(connection);
      } else {
        open(std::move(socket), std::move(credential));
      }
    });
  }

  std::uint16_t port() const override { return port_; }

  void stop() override {
    if (!thread_.joinable()) return;
    asio::post(io_, [this] {
      error_code ignored;
      listener_.close(ignored);
      sessions_.stopping = true;
      sessions_.on_empty = [this] { io_.stop(); };
      const std::vector<std::shared_ptr<Session>> open(sessions_.open.begin(), sessions_.open.end());
      for (const auto& session : open) {
        if (session->idle()) session->close();
      }
      if (sessions_.open.empty()) io_.stop();
      stop_timer_.expires_after(kStopTime);
      stop_timer_.async_wait([this](error_code) { io_.stop(); });
    });
    thread_.join();
    sessions_.on_empty = nullptr;
    sessions_.open.clear();
  }

 private:
  void accept() {
    listener_.async_accept([this](error_code failed, asio::ip::tcp::socket socket) {
      if (failed == asio::error::operation_aborted) return;
      if (!failed) {
        open(std::move(socket), access::Nobody());
        return accept();
      }
      // Out of descriptors: the next connection can wait.
      retry_timer_.expires_after(milliseconds(100));
      retry_timer_.async_wait([this](error_code cancelled) {
        if (!cancelled) accept();
      });
    });
  }

  void open(Protocol::socket socket, access::Credential credential) {
    if (sessions_.stopping || sessions_.open.size() >= kConnectionsMax) return;  // closes it
    const auto session = std::make_shared<Session>(std::move(socket), std::move(credential), handler_, sessions_);
    sessions_.open.insert(session);
    session->read();
  }

  const Handler handler_;
  std::uint16_t port_ = 0;
  asio::io_context io_{1};
  const asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  asio::ip::tcp::acceptor listener_{io_};
  asio::steady_timer retry_timer_{io_};
  asio::steady_timer stop_timer_{io_};
  Sessions sessions_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(const std::string& listen, Handler handler) {
  auto server = std::make_unique<HttpServerImpl>(std::move(handler));
  if (!listen.empty()) {
    SILT_ASSIGN(const asio::ip::tcp::endpoint at, endpoint_of(listen));
    SILT_TRY(server->listen(at, listen));
  }
  server->run();
  return Result<std::unique_ptr<HttpServer>>(std::move(server));
}

Status check_http_place(const std::string& listen) {
  return endpoint_of(listen).status();
}

}  // namespace silt::serve::http
