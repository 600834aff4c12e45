#include "daemon/serve/health_service.h"

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/support/byte_buffer.h>

#include <algorithm>

#include "daemon/serve/grpc_status.h"
#include "daemon/serve/method.h"

namespace silt::serve {
namespace {

using grpc::ByteBuffer;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using grpc::internal::RpcMethod;
using grpc::internal::RpcServiceMethod;
template <class Message>
using Serialization = grpc::SerializationTraits<Message>;

Status check(const Health& health, const ByteBuffer& request, ByteBuffer& response) {
  HealthCheckRequest asked;
  ByteBuffer bytes = request;  // reading takes it
  if (!Serialization<HealthCheckRequest>::Deserialize(&bytes, &asked).ok()) return invalid_argument("the request is no HealthCheckRequest");
  const auto status = serving_status(health, asked.service());
  if (!status) return not_found("there is no service or part of this name: ask for \"\", or for store, intake, fold, learner or inputs");
  HealthCheckResponse answer;
  answer.set_status(*status);
  bool own = false;
  return Serialization<HealthCheckResponse>::Serialize(answer, &response, &own).ok() ? Status::ok() : internal_error("a HealthCheckResponse");
}

}  // namespace

std::optional<HealthCheckResponse::ServingStatus> serving_status(const Health& health, std::string_view service) {
  const auto of = [](bool serves) { return serves ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING; };
  for (const Part& part : health.parts) {
    if (part.name == service) return of(part.alive && part.ready);
  }
  const auto is_of = [&](const Method& method) { return service_of(method) == service; };
  if (!service.empty() && std::none_of(methods().begin(), methods().end(), is_of)) return std::nullopt;
  return of(std::all_of(health.parts.begin(), health.parts.end(), [](const Part& part) { return !part.decides || (part.alive && part.ready); }));
}

HealthService::HealthService(std::function<Health()> health) : health_(std::move(health)) {
  AddMethod(new RpcServiceMethod("/grpc.health.v1.Health/Check", RpcMethod::NORMAL_RPC, nullptr));
  MarkMethodRawCallback(0, new grpc::internal::CallbackUnaryHandler<ByteBuffer, ByteBuffer>(
                               [this](grpc::CallbackServerContext* context, const ByteBuffer* request, ByteBuffer* response) {
                                 grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
                                 reactor->Finish(to_grpc(check(health_(), *request, *response)));
                                 return reactor;
                               }));
}

}  // namespace silt::serve
