// The way to a tracker: certificates, proxies, compressed answers, and trackers that do not answer.
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <latch>

#include "connectors/http/http_client.h"
#include "connectors/tickets/redmine.h"
#include "connectors/tickets/ticket_connector.h"
#include "tests/connectors/journal_of.h"
#include "tests/support/http_server.h"
#include "tests/support/temp_dir.h"

namespace silt::connectors {
namespace {

using testing::HttpServer;
using testing::Request;
using testing::Response;

// Answers each connection once, behind a certificate of its own authority for 127.0.0.1.
class TlsServer {
 public:
  explicit TlsServer(const std::string& folder) : certificate(folder + "/certificate.pem") {
    HttpClient::create({.url = "https://tracker.example.org"}).value();  // no SIGPIPE: we write to those who have gone, too
    const std::string key = folder + "/key.pem";
    const std::string make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test "
                             "-addext subjectAltName=IP:127.0.0.1 -keyout " + key + " -out " + certificate + " 2>/dev/null";
    if (std::system(make.c_str()) != 0) std::abort();
    context_ = ::SSL_CTX_new(::TLS_server_method());
    if (::SSL_CTX_use_certificate_file(context_, certificate.c_str(), SSL_FILETYPE_PEM) != 1 ||
        ::SSL_CTX_use_PrivateKey_file(context_, key.c_str(), SSL_FILETYPE_PEM) != 1) std::abort();
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0) std::abort();
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~TlsServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
    ::SSL_CTX_free(context_);
  }

  std::string url(const std::string& host = "127.0.0.1") const { return "https://" + host + ":" + std::to_string(port_); }

  const std::string certificate;
  std::atomic<int> answered = 0;

 private:
  void run() {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      SSL* const ssl = ::SSL_new(context_);
      ::SSL_set_fd(ssl, fd);
      char bytes[4096];
      if (::SSL_accept(ssl) == 1 && ::SSL_read(ssl, bytes, sizeof bytes) > 0) {
        const std::string_view answer = "HTTP/1.1 200 x\r\nContent-Length: 4\r\nConnection: close\r\n\r\nsafe";
        ++answered;
        ::SSL_write(ssl, answer.data(), static_cast<int>(answer.size()));
        ::SSL_shutdown(ssl);
      }
      ::SSL_free(ssl);
      ::close(fd);
    }
  }

  SSL_CTX* context_ = nullptr;
  int listener_ = -1;
  int port_ = 0;
  std::thread thread_;
};

Result<HttpResponse> get(HttpOptions options, const std::string& target = "/") {
  SILT_ASSIGN(const auto client, HttpClient::create(std::move(options)));
  return client->send({target, {"Authorization: Bearer secret"}, ""});
}

TEST(Https, WritingToOneWhoHasGoneEndsNothing) {
  ASSERT_TRUE(HttpClient::create({.url = "https://tracker.example.org"}).is_ok());
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  EXPECT_EQ(::write(ends[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  ::close(ends[1]);
}

TEST(Https, AnAuthorityIsTrustedOnlyWhenItIsNamed) {
  silt::testing::TempDir dir;
  TlsServer server(dir.path("."));
  const auto unknown = get({.url = server.url()});
  EXPECT_EQ(unknown.status().code(), Code::kUnavailable);
  EXPECT_NE(unknown.status().message().find("name its authority with ca_file"), std::string::npos) << unknown.status().to_string();
  EXPECT_EQ(server.answered, 0) << "the credential went to a stranger";
  const auto known = get({.url = server.url(), .ca_file = server.certificate});
  ASSERT_TRUE(known.is_ok()) << known.status().to_string();
  EXPECT_EQ(known->body, "safe");
  EXPECT_FALSE(get({.url = server.url("localhost"), .ca_file = server.certificate}).is_ok()) << "a certificate for another name";
  EXPECT_EQ(server.answered, 1);
  const auto missing = get({.url = server.url(), .ca_file = dir.path("none.pem")});
  EXPECT_NE(missing.status().message().find("ca_file"), std::string::npos) << missing.status().to_string();
}

TEST(Https, AProxyIsAskedWhateverTheEnvironmentSays) {
  ::setenv("no_proxy", "*", 1);
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  std::vector<std::string> asked;
  HttpServer proxy([&](const Request& request) {
    asked.push_back(request.method + " " + request.target);
    if (request.method != "CONNECT") return Response{200, "by proxy", {}, false};
    EXPECT_FALSE(request.headers.contains("authorization")) << "the credential is the tracker's";
    return Response{502, "", {}, false};
  });
  HttpServer tracker([](const Request&) { return Response{200, "itself", {}, false}; });
  const auto plain = get({.url = "http://127.0.0.1:1", .proxy = proxy.url()}, "/x");
  ASSERT_TRUE(plain.is_ok()) << plain.status().to_string();
  EXPECT_EQ(plain->body, "by proxy");
  EXPECT_FALSE(get({.url = "https://tracker.example.org", .proxy = proxy.url()}).is_ok());
  EXPECT_EQ(asked, (std::vector<std::string>{"GET http://127.0.0.1:1/x", "CONNECT tracker.example.org:443"}));
  EXPECT_EQ(get({.url = tracker.url()})->body, "itself");
  ::unsetenv("no_proxy");
  ::unsetenv("http_proxy");
}

TEST(Https, CompressedAnswersAreBoundedByWhatTheyUnpackTo) {
  using namespace std::string_literals;
  const std::string hello =  // {"hello":"world"}
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\xca\x48\xcd\xc9\xc9\x57\xb2\x52\x2a\xcf\x2f\xca\x49\x51\xaa\x05\x00\xd1\x41\x09\xd8\x11\x00\x00\x00"s;
  const std::string large =  // 100,000 times x
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x31\x01\x00\x00\x00\xc2\xa0\xda\x8b\x6f\x0d\x0f\xa0"s +
      std::string(96, '\0') + "\x80\x57\x03\x71\x11\x07\xfe\xa0\x86\x01\x00"s;
  HttpServer server([&](const Request& request) {
    EXPECT_EQ(request.headers.at("accept-encoding"), "gzip");
    return Response{200, request.path() == "/large" ? large : hello, {"Content-Encoding: gzip"}, false};
  });
  const auto small = get({.url = server.url(), .body_bytes_max = 1000});
  ASSERT_TRUE(small.is_ok()) << small.status().to_string();
  EXPECT_EQ(small->body, R"({"hello":"world"})");
  EXPECT_EQ(get({.url = server.url(), .body_bytes_max = 1000}, "/large").status().code(), Code::kResourceExhausted);
  EXPECT_EQ(get({.url = server.url()}, "/large")->body, std::string(100'000, 'x'));
}

// A tracker that takes a request and never answers.
TEST(Https, ATrackerThatHangsDelaysNoOtherAndNoEnd) {
  silt::testing::TempDir dir;
  std::ofstream(dir.path("key")) << "k\n";
  ::chmod(dir.path("key").c_str(), 0600);
  std::latch reached(1), release(1);
  std::atomic<bool> first = true;
  HttpServer hanging([&](const Request&) {
    if (first.exchange(false)) reached.count_down();
    release.wait();
    return Response{503, "", {}, false};
  });
  HttpServer quick([](const Request& request) {
    if (request.path() == "/issues.json") return Response{200, request.target.find("offset=0") != std::string::npos ? R"({"issues":[{"id":1,"updated_on":"2026-11-20T12:00:00Z"}]})" : R"({"issues":[]})", {}, false};
    return Response{200, R"({"issue":{"id":1,"subject":"s","description":"d","created_on":"2026-11-20T12:00:00Z"}})", {}, false};
  });
  SystemClock clock;
  const auto start = [&](const std::string& url) {
    TrackerOptions options;
    options.http.url = url;
    options.credential = dir.path("key");
    TicketConnectorOptions tickets;
    tickets.place = "rm";
    return std::make_unique<TicketConnector>(tickets, make_redmine(options).value(), clock);
  };
  auto slow = start(hanging.url());
  const auto other = start(quick.url());
  Journal of_slow, of_other;
  of_slow.resume(*slow);
  reached.wait();
  of_other.resume(*other);
  const auto begin = std::chrono::steady_clock::now();
  while (of_other.records.empty() && std::chrono::steady_clock::now() - begin < std::chrono::seconds(30)) {
    EXPECT_FALSE(of_slow.take(*slow));
    if (!of_other.take(*other)) std::this_thread::yield();
  }
  EXPECT_EQ(of_other.records.size(), 1u);
  EXPECT_TRUE(of_slow.records.empty());
  slow.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30)) << "its request is given up";
  release.count_down();
}

}  // namespace
}  // namespace silt::connectors
