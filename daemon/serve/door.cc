#include "daemon/serve/door.h"

#include <grpc/grpc.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/resource_quota.h>

#include <chrono>
#include <set>
#include <utility>

namespace silt::serve {
namespace {

constexpr int kRequestBytesMax = 1 << 20;
constexpr int kAdminRequestBytesMax = 32 << 20;  // an exported state comes in one piece
constexpr int kHeaderBytesMax = 8 << 10;
constexpr std::size_t kMemoryMax = 64 << 20;
constexpr int kThreadsMax = 4;  // of gRPC's synchronous part, which only reflection uses

void set_limits(grpc::ServerBuilder& builder, std::optional<Socket> socket) {
  builder.SetMaxReceiveMessageSize(socket == Socket::kAdmin ? kAdminRequestBytesMax : kRequestBytesMax);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kHeaderBytesMax);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 64);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  // A compressed message is unpacked before its size is checked: a megabyte becomes a gigabyte.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 1);
  grpc::ResourceQuota quota("silt");
  quota.Resize(kMemoryMax);
  quota.SetMaxThreads(kThreadsMax);
  builder.SetResourceQuota(quota);
}

// gRPC's reflection is switched on for the whole process, once. The library stays
// initialised until the process ends: when the last user leaves, shutting it down can take ten seconds.
void set_up_library() {
  static const bool once = [] {
    grpc_init();
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    return true;
  }();
  static_cast<void>(once);
}

}  // namespace

Result<std::unique_ptr<Door>> Door::open(const Workplace& place, std::optional<Socket> socket, access::Credential credential,
                                         std::function<Health()> health) {
  set_up_library();
  std::unique_ptr<Door> door(new Door());
  grpc::ServerBuilder builder;
  set_limits(builder, socket);
  const auto shared = std::make_shared<const access::Credential>(std::move(credential));
  std::set<std::string_view> names;
  for (const Method& method : methods()) {
    if (is_served(method, socket)) names.insert(service_of(method));
  }
  for (const std::string_view name : names) {
    door->services_.push_back(std::make_unique<TableService>(name, socket, place, shared));
    builder.RegisterService(door->services_.back().get());
  }
  door->health_ = std::make_unique<HealthService>(std::move(health));
  builder.RegisterService(door->health_.get());
  door->acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      grpc::InsecureServerCredentials());
  door->server_ = builder.BuildAndStart();
  if (!door->server_) return internal_error("gRPC could not start a server");
  return door;
}

void Door::take(int connection) {
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
  parameters.fd = connection;
  acceptor_->HandleNewConnection(&parameters);
}

void Door::close() {
  if (!server_) return;
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(2));
  server_.reset();
}

}  // namespace silt::serve
