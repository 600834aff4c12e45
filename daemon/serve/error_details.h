// ErrorDetails: what a program is told of a failure beside its message, on every door: google.rpc.ErrorInfo with a remedy,
// RetryInfo where trying again helps, BadRequest where a field of the request is to blame. The one place for them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace google::protobuf {
class Descriptor;
}

namespace silt::serve {

struct ErrorDetail {
  std::string type;   // "google.rpc.ErrorInfo"
  std::string value;  // the message, serialized
};

// `status` as a client may see it (to_client), and no success. `request`: what was asked for; null: not known.
std::vector<ErrorDetail> details_of(const Status& status, const google::protobuf::Descriptor* request);
// google.rpc.Status with them, serialized: gRPC's grpc-status-details-bin.
std::string status_with_details(const Status& status, const google::protobuf::Descriptor* request);

// What to do about failures of this code, where the message says no more.
std::string_view remedy_for(Code code);

}  // namespace silt::serve
