// The door over TCP: who gets in, as whom, and who does not.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>

#include <filesystem>

#include "daemon/serve/tls_relay.h"
#include "proto/silt/v1/state.grpc.pb.h"
#include "tests/support/pki.h"
#include "tests/serve/server_fixture.h"

namespace silt::serve {
namespace {

using access::Right;
using access::Tenants;
using grpc::StatusCode;
using testing::Authority;

class TlsTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    const auto server = authority_.issue("server", "IP:127.0.0.1", "serverAuth");
    options_.listen = "127.0.0.1:0";
    options_.tls = {server.certificate, server.key, authority_.certificate()};
    options_.access.rules = {{.certificate = "dashboard.example", .tenants = Tenants({"shop"}), .rights = {Right::kAsk}},
                             {.certificate = "urn:silt:lead", .tenants = Tenants({"default"}), .rights = {Right::kAsk, Right::kChange}}};
  }
  std::string target() const { return "127.0.0.1:" + std::to_string(server_->port()); }
  std::shared_ptr<grpc::Channel> channel_of(const Authority::Identity& client) const {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = testing::contents(authority_.certificate());
    if (!client.certificate.empty()) tls.pem_cert_chain = testing::contents(client.certificate);
    if (!client.key.empty()) tls.pem_private_key = testing::contents(client.key);
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(target(), grpc::SslCredentials(tls), arguments);
  }
  static grpc::Status list(const std::shared_ptr<grpc::Channel>& channel, const std::string& tenant = "", const std::string& token = "") {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + 10s);
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    silt::v1::ListSourcesRequest request;
    request.set_tenant(tenant);
    silt::v1::ListSourcesResponse response;
    return silt::v1::SourceService::NewStub(channel)->ListSources(&context, request, &response);
  }
  Authority::Identity dashboard() const { return authority_.issue("dashboard", "DNS:dashboard.example", "clientAuth"); }
  // A connection from an address of the loopback network.
  int connect_from(const char* address) const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in from{}, to{};
    from.sin_family = to.sin_family = AF_INET;
    ::inet_pton(AF_INET, address, &from.sin_addr);
    ::inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    to.sin_port = htons(server_->port());
    if (::bind(fd, reinterpret_cast<sockaddr*>(&from), sizeof from) == 0 && ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0)
      return fd;
    ::close(fd);
    return -1;
  }
  // Whether OpenSSL gets through with this version at most.
  bool handshakes(const Authority::Identity& client, int version) const {
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
    SSL_CTX_set_max_proto_version(context.get(), version);
    SSL_CTX_use_certificate_file(context.get(), client.certificate.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(context.get(), client.key.c_str(), SSL_FILETYPE_PEM);
    const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context.get()), &SSL_free);
    SSL_set_alpn_protos(tls.get(), reinterpret_cast<const unsigned char*>("\x02h2"), 3);
    const int fd = connect_from("127.0.0.1");
    SSL_set_fd(tls.get(), fd);
    char byte = 0;  // in 1.3 the server's verdict on the client comes after the handshake: its settings, or the end
    const bool through = SSL_connect(tls.get()) == 1 && SSL_read(tls.get(), &byte, 1) == 1;
    ::close(fd);
    return through;
  }

  Authority authority_{dir_.path(), "authority"};
};

TEST_F(TlsTest, IsOffUnlessAskedFor) {
  options_.listen.clear();
  start();
  EXPECT_EQ(server_->port(), 0);
}

TEST_F(TlsTest, ACertificateMayWhatIsGrantedToItsName) {
  start();
  const auto channel = channel_of(dashboard());
  EXPECT_TRUE(list(channel).ok());
  EXPECT_EQ(list(channel, "default").error_code(), StatusCode::PERMISSION_DENIED);
  const auto held = ask(std::string(4000, 'q'), channel);  // more than one TLS record and back
  EXPECT_TRUE(finish(*held).ok());
  const auto lead = channel_of(authority_.issue("lead", "DNS:dashboard.example,URI:urn:silt:lead", "clientAuth"));
  log_store_.entries = {{{{TenantId{1}, SourceRef{}.source}, "default", "web", "web", "web"}, {}}};
  silt::v1::ResetStateRequest request;
  request.add_sources("web");
  const auto reset = [&](const std::shared_ptr<grpc::Channel>& by) {
    grpc::ClientContext context;
    silt::v1::ResetStateResponse response;
    return silt::v1::StateAdmin::NewStub(by)->ResetState(&context, request, &response).error_code();
  };
  EXPECT_EQ(reset(channel), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(reset(lead), StatusCode::OK);
  EXPECT_NE(logged().find("caller=certificate:urn:silt:lead"), std::string::npos) << logged();
}

TEST_F(TlsTest, ATokenGivesRightsToWhoHasACertificateWithoutAny) {
  start();
  const auto channel = channel_of(authority_.issue("stranger", "", "clientAuth"));
  EXPECT_EQ(list(channel).error_code(), StatusCode::PERMISSION_DENIED);
  const std::string token = parts_.tokens.make("bank", {Right::kAsk});
  EXPECT_TRUE(list(channel, "", token).ok());
  EXPECT_EQ(list(channel, "default", token).error_code(), StatusCode::PERMISSION_DENIED);
  ASSERT_TRUE(parts_.tokens.tokens->revoke("bank", parts_.tokens.tokens->list()[0].id).is_ok());
  EXPECT_EQ(list(channel, "", token).error_code(), StatusCode::UNAUTHENTICATED);
  const std::string late = parts_.tokens.make("bank", {Right::kAsk});
  parts_.tokens.clock.advance_us(access::FakeTokens::kHourUs);
  EXPECT_EQ(list(channel, "", late).error_code(), StatusCode::UNAUTHENTICATED);
}

TEST_F(TlsTest, NobodyElseGetsIn) {
  start();
  const Authority other(dir_.path(), "other");
  EXPECT_EQ(list(channel_of(other.issue("dashboard", "DNS:dashboard.example", "clientAuth"))).error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(list(channel_of(authority_.issue("web", "DNS:dashboard.example", "serverAuth"))).error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(list(channel_of({})).error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(list(grpc::CreateChannel(target(), grpc::InsecureChannelCredentials())).error_code(), StatusCode::UNAVAILABLE);
  EXPECT_TRUE(list(channel_of(dashboard())).ok());
}

TEST_F(TlsTest, OlderVersionsAreRefused) {
  start();
  const auto client = dashboard();
  EXPECT_TRUE(handshakes(client, TLS1_3_VERSION));
  EXPECT_FALSE(handshakes(client, TLS1_2_VERSION));
}

TEST_F(TlsTest, AReloadTakesCertificatesAnew) {
  start();
  const auto client = dashboard();
  const auto open = channel_of(client);
  EXPECT_TRUE(list(open).ok());
  const Authority next(dir_.path(), "next");
  const auto server = next.issue("server", "IP:127.0.0.1", "serverAuth");
  const auto replace = std::filesystem::copy_options::overwrite_existing;
  std::filesystem::copy_file(server.certificate, options_.tls.certificate, replace);
  EXPECT_FALSE(server_->reload(options_.access).is_ok());  // the key does not fit yet
  EXPECT_TRUE(list(channel_of(client)).ok());
  std::filesystem::copy_file(server.key, options_.tls.key, replace);
  ASSERT_TRUE(server_->reload(options_.access).is_ok());
  EXPECT_EQ(list(channel_of(client)).error_code(), StatusCode::UNAVAILABLE);  // it does not trust the next authority
  EXPECT_TRUE(list(open).ok());
}

// Connections that never shake hands take no place but their own address's.
TEST_F(TlsTest, SilentConnectionsLeaveOthersServed) {
  start();
  const auto channel = channel_of(dashboard());
  std::vector<int> silent;
  for (std::size_t i = 0; i < 3 * TlsRelay::kHandshakesOfAddressMax; ++i) silent.push_back(connect_from("127.0.0.2"));
  EXPECT_TRUE(list(channel).ok());
  // Beyond the share they were closed; the rest is open until its time is up.
  std::size_t closed = 0;
  const timeval patience{0, 1000};
  for (const int fd : silent) {
    char byte = 0;
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    closed += ::read(fd, &byte, 1) == 0 || errno == ECONNRESET ? 1 : 0;
    ::close(fd);
  }
  EXPECT_GE(closed, 2 * TlsRelay::kHandshakesOfAddressMax - 1);
  const std::string log = logged();
  std::size_t lines = 0;
  for (std::size_t at = 0; (at = log.find("connection_refused", at)) != std::string::npos; ++at) ++lines;
  EXPECT_GE(lines, 1u);
  EXPECT_LE(lines, 3u) << log;
}

TEST_F(TlsTest, StopsWithOpenConnections) {
  start();
  const auto held = ask("hold", channel_of(authority_.issue("lead", "URI:urn:silt:lead", "clientAuth")));
  answerer_.wait_until_held(1);
  const int silent = connect_from("127.0.0.2");
  const auto begin = std::chrono::steady_clock::now();
  server_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 3s);
  EXPECT_EQ(finish(*held).error_code(), StatusCode::UNAVAILABLE);
  ::close(silent);
}

TEST_F(TlsTest, DoesNotStartWithoutItsFiles) {
  const access::TlsFiles good = options_.tls;
  for (std::string access::TlsFiles::*file : {&access::TlsFiles::certificate, &access::TlsFiles::key, &access::TlsFiles::client_ca}) {
    options_.tls = good;
    options_.tls.*file = dir_.path("absent.pem");
    const auto server = Server::start(parts_.dependencies(), options_);
    ASSERT_FALSE(server.is_ok());
    EXPECT_EQ(server.status().code(), Code::kInvalidArgument);
    EXPECT_NE(server.status().message().find("absent.pem"), std::string::npos) << server.status().message();
  }
  options_.tls = good;
  for (const char* place : {"7458", "127.0.0.1", "127.0.0.1:", "::1:80", "127.0.0.1:70000", "127.0.0.1:x"}) {
    options_.listen = place;
    EXPECT_EQ(Server::start(parts_.dependencies(), options_).status().code(), Code::kInvalidArgument) << place;
  }
}

}  // namespace
}  // namespace silt::serve
