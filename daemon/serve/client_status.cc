#include "daemon/serve/client_status.h"

#include <string>

#include "base/log.h"

namespace silt::serve {
namespace {

constexpr std::size_t kMessageMax = 512;

// Messages travel in HTTP headers and end on terminals.
std::string printable(const std::string& message) {
  std::string text = message.substr(0, kMessageMax);
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) c = '?';
  }
  return text;
}

}  // namespace

Status to_client(const Status& status) {
  switch (status.code()) {
    case Code::kOk: return status;
    case Code::kUnknown:
    case Code::kInternal:
    case Code::kDataLoss:
      log::error("request_failed", {{"error", status.to_string()}});
      return {status.code(), "siltd could not do this; its log says why (journalctl -u siltd)"};
    default: return {status.code(), printable(status.message())};
  }
}

}  // namespace silt::serve
