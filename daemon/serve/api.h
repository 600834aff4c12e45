// Api: what the services do, without gRPC. Safe from any thread.
#pragma once

#include <string>

#include "base/status.h"
#include "daemon/serve/server.h"
#include "daemon/serve/unix_socket.h"
#include "proto/silt/v1/admin.pb.h"
#include "proto/silt/v1/ask.pb.h"

namespace silt::daemon {

// Limits of a request: what is beyond is INVALID_ARGUMENT, never cut silently.
inline constexpr std::size_t kQuestionBytesMax = 4096;
inline constexpr std::size_t kLineBytesMax = 64 * 1024;
inline constexpr std::size_t kNameBytesMax = 1024;
inline constexpr std::uint32_t kEvidenceMax = 100;

class Api {
 public:
  // `socket_group`: members of it may change things, as may root and siltd's own user.
  Api(const ServerDependencies& dependencies, gid_t socket_group)
      : dependencies_(dependencies), socket_group_(socket_group) {}

  static Status check(const silt::v1::AskRequest& request);
  static Status check(const silt::v1::ExplainRequest& request);

  Result<silt::v1::ListSourcesResponse> list_sources(const silt::v1::ListSourcesRequest& request) const;
  Result<silt::v1::ResetStateResponse> reset_state(const silt::v1::ResetStateRequest& request,
                                                   const Peer& peer) const;
  Result<silt::v1::GetStatusResponse> get_status() const;
  Answerer& answerer() const { return dependencies_.answerer; }

 private:
  Result<silt::v1::ResetStateResponse> reset_as(const silt::v1::ResetStateRequest& request,
                                                const Peer& peer) const;

  const ServerDependencies dependencies_;
  const gid_t socket_group_;
};

}  // namespace silt::daemon
