// What a gRPC client sees of a Status (client_status.h). Codes are equal by construction.
#pragma once

#include <grpcpp/support/status.h>

#include "base/status.h"

namespace google::protobuf {
class Descriptor;
}

namespace silt::serve {

// With the details of error_details.h. `request`: what was asked for, where it is known.
grpc::Status to_grpc(const Status& status, const google::protobuf::Descriptor* request = nullptr);

}  // namespace silt::serve
