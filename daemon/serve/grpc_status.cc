#include "daemon/serve/grpc_status.h"

#include "daemon/serve/client_status.h"
#include "daemon/serve/error_details.h"

namespace silt::serve {

grpc::Status to_grpc(const Status& status, const google::protobuf::Descriptor* request) {
  if (status.is_ok()) return grpc::Status::OK;
  const Status shown = to_client(status);
  return {static_cast<grpc::StatusCode>(shown.code()), shown.message(), status_with_details(shown, request)};
}

}  // namespace silt::serve
