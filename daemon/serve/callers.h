// Callers of the unix socket: what the kernel says of a peer becomes a Caller.
#pragma once

#include <optional>
#include <string>

#include "base/status.h"
#include "daemon/access/caller.h"
#include "daemon/serve/unix_socket.h"

namespace silt::serve {

struct CallerPolicy {
  uid_t own_uid = 0;                  // siltd's own user may what root may
  std::optional<gid_t> change_group;  // its members may change things as well
};

// `change_group`: a group's name; empty: none. It must not be the socket's group: who may ask may not
// therefore erase. Fails with a remedy.
Result<CallerPolicy> caller_policy(const std::string& change_group, gid_t socket_group);

// Whoever gets through the socket may ask. Root and siltd's own user see all tenants and may do
// everything; others see the tenant `default`.
access::Caller caller_of(const Peer& peer, const CallerPolicy& policy);

}  // namespace silt::serve
