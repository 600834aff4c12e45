#include "daemon/serve/table_service.h"

#include <grpcpp/impl/codegen/server_callback_handlers.h>

namespace silt::serve {

using grpc::ByteBuffer;
using grpc::internal::RpcMethod;
using grpc::internal::RpcServiceMethod;

TableService::TableService(std::string_view service, std::optional<Socket> socket, const Workplace& place,
                           const std::shared_ptr<const access::Credential>& credential) {
  int count = 0;
  for (const Method& method : methods()) {
    if (service_of(method) != service || !is_served(method, socket)) continue;
    AddMethod(new RpcServiceMethod(method.path.data(), RpcMethod::SERVER_STREAMING, nullptr));
    MarkMethodRawCallback(count++, new grpc::internal::CallbackServerStreamingHandler<ByteBuffer, ByteBuffer>(
                                       [&method, place, credential](grpc::CallbackServerContext* context,
                                                                const ByteBuffer* request) {
                                         return GrpcCall::start(context, request, method, place, *credential);
                                       }));
  }
}

}  // namespace silt::serve
