// What a gRPC client sees of a Status (client_status.h). Codes are equal by construction.
#pragma once

#include <grpcpp/support/status.h>

#include "base/status.h"

namespace silt::serve {

grpc::Status to_grpc(const Status& status);

}  // namespace silt::serve
