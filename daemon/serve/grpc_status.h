// What a client may see of a Status. Codes are equal by construction; messages are printable and
// bounded, and failures of our own are logged in full here and reach the client without detail.
#pragma once

#include <grpcpp/support/status.h>

#include "base/status.h"

namespace silt::serve {

grpc::Status to_grpc(const Status& status);

}  // namespace silt::serve
