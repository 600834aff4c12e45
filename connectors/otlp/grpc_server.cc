#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "connectors/otlp/servers.h"
#include "proto/otlp/v1/logs.grpc.pb.h"

namespace silt::connectors::otlp {
namespace {

constexpr int kMessageBytesMax = 4 << 20;  // gRPC's own; a larger one is refused for good
constexpr int kThreadsMax = 8;
constexpr int kStreamsMax = 64;  // requests of one connection at once

std::string bytes_of(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string out;
  if (!buffer.Dump(&slices).ok()) return out;
  out.reserve(buffer.Length());
  for (const grpc::Slice& each : slices) out.append(reinterpret_cast<const char*>(each.begin()), each.size());
  return out;
}

grpc::ByteBuffer buffer_of(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

// "127.0.0.1" of "ipv4:127.0.0.1:4711", "::1" of "ipv6:%5B::1%5D:4711".
std::string address_of(const std::string& peer) {
  const std::size_t begin = peer.find(':') + 1, end = peer.rfind(':');
  std::string out = begin < end ? peer.substr(begin, end - begin) : peer;
  if (out.starts_with("%5B") && out.ends_with("%5D")) out = out.substr(3, out.size() - 6);
  return out;
}

grpc::Status grpc_status(const Answer& answer) {
  if (answer.status.is_ok()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(answer.status.code()), answer.status.message(), write_answer(answer, Format::kProtobuf)};
}

// Takes requests as bytes: their digest is their id, and what is damaged gets the status that the specification asks for.
class LogsService final : public wire::LogsService::WithRawCallbackMethod_Export<wire::LogsService::Service> {
 public:
  explicit LogsService(Receiver& receiver) : receiver_(receiver) {}

  grpc::ServerUnaryReactor* Export(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request, grpc::ByteBuffer* response) override {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    const std::uint64_t bytes = request->Length();
    if (!receiver_.reserve(bytes)) {
      reactor->Finish(grpc_status(Receiver::busy()));
      return reactor;
    }
    receiver_.post()([this, reactor, response, bytes, body = bytes_of(*request), peer = address_of(context->peer())] {
      receiver_.take(body, Format::kProtobuf, peer, [this, reactor, response, bytes](const Answer& answer) {
        receiver_.release(bytes);
        if (answer.status.is_ok()) *response = buffer_of(write_answer(answer, Format::kProtobuf));
        reactor->Finish(grpc_status(answer));
      });
    });
    return reactor;
  }

 private:
  Receiver& receiver_;
};

Result<std::string> content(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return errno_status("read " + file, errno);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Result<std::shared_ptr<grpc::ServerCredentials>> credentials(const TlsFiles& tls) {
  if (tls.certificate.empty()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions options(tls.ca_file.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                                                : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  SILT_ASSIGN(std::string certificate, content(tls.certificate));
  SILT_ASSIGN(std::string key, content(tls.key.empty() ? tls.certificate : tls.key));
  if (!tls.ca_file.empty()) {
    SILT_ASSIGN(options.pem_root_certs, content(tls.ca_file));
  }
  options.pem_key_cert_pairs.push_back({std::move(key), std::move(certificate)});
  return grpc::SslServerCredentials(options);
}

class GrpcServer final : public Server {
 public:
  GrpcServer(Endpoint endpoint, Receiver& receiver) : endpoint_(std::move(endpoint)), service_(receiver), quota_("otlp") {
    quota_.Resize(receiver.options().work_bytes_max).SetMaxThreads(kThreadsMax);
  }
  // Requests that wait for the journal are answered by then: the inbox has stopped.
  ~GrpcServer() override {
    if (!server_) return;
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
  }

  Status open(const TlsFiles& tls) {
    SILT_ASSIGN(const auto creds, credentials(tls));
    const std::string at = (endpoint_.address.find(':') == std::string::npos ? endpoint_.address : "[" + endpoint_.address + "]") + ":" + std::to_string(endpoint_.port);
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(at, creds, &port);
    builder.RegisterService(&service_);
    builder.SetResourceQuota(quota_);
    builder.SetMaxReceiveMessageSize(kMessageBytesMax);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsMax);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);  // peers that vanished without a word
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 600'000);
    builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10'000);
    server_ = builder.BuildAndStart();
    if (!server_ || port == 0) return listen_failed(endpoint_, EADDRINUSE);
    endpoint_.port = static_cast<std::uint16_t>(port);
    return Status::ok();
  }

  const Endpoint& endpoint() const override { return endpoint_; }

 private:
  Endpoint endpoint_;
  LogsService service_;
  grpc::ResourceQuota quota_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

Result<std::unique_ptr<Server>> serve_grpc(const Endpoint& endpoint, const TlsFiles& tls, Receiver& receiver) {
  auto server = std::make_unique<GrpcServer>(endpoint, receiver);
  SILT_TRY(server->open(tls));
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace silt::connectors::otlp
