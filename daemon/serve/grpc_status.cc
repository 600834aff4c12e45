#include "daemon/serve/grpc_status.h"

#include <string>

#include "base/log.h"

namespace silt::serve {
namespace {

constexpr std::size_t kMessageMax = 512;

// Messages travel in an HTTP header and end on terminals.
std::string printable(const std::string& message) {
  std::string text = message.substr(0, kMessageMax);
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) c = '?';
  }
  return text;
}

}  // namespace

grpc::Status to_grpc(const Status& status) {
  if (status.is_ok()) return grpc::Status::OK;
  const auto code = static_cast<grpc::StatusCode>(status.code());
  switch (status.code()) {
    case Code::kUnknown:
    case Code::kInternal:
    case Code::kDataLoss:
      log::error("request_failed", {{"error", status.to_string()}});
      return {code, "siltd could not do this; its log says why (journalctl -u siltd)"};
    default: return {code, printable(status.message())};
  }
}

}  // namespace silt::serve
