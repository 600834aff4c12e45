// TableService: the methods of one service at one socket (without one: all that there are), as gRPC sees them. gRPC's reflection lists services that
// are registered by name, so there is one of these for each name in the table, and no generated class.
#pragma once

#include <grpcpp/impl/codegen/service_type.h>

#include <memory>
#include <optional>
#include <string_view>

#include "daemon/serve/grpc_call.h"

namespace silt::serve {

class TableService final : public grpc::Service {
 public:
  TableService(std::string_view service, std::optional<Socket> socket, const Workplace& place,
               const std::shared_ptr<const access::Credential>& credential);
};

}  // namespace silt::serve
