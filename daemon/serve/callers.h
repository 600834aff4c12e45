// Callers of the unix sockets: what the kernel says of a peer becomes a Caller.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "daemon/access/caller.h"
#include "daemon/serve/unix_socket.h"

namespace silt::serve {

// What the configuration grants: to a user or to the members of a group, by name or number.
struct AccessRule {
  std::string user;   // one of these two
  std::string group;
  access::Tenants tenants;
  access::Rights rights;
};

struct CallerPolicy {
  struct Grant {
    std::optional<uid_t> user;
    std::optional<gid_t> group;
    access::Tenants tenants;
    access::Rights rights;
  };
  uid_t own_uid = 0;  // siltd's own user may what root may
  bool all_ask = true;  // in `default`: nothing else was said
  std::vector<Grant> grants;
};

// `change_group`, a group's name, may ask and change in `default`; empty: none. A group that may change must
// not be the socket's: who may ask may not therefore erase. Fails with a remedy.
Result<CallerPolicy> caller_policy(const std::string& change_group, std::span<const AccessRule> rules,
                                   gid_t socket_group);

// Root and siltd's own user may do everything, everywhere. Others may what is granted to them and to their
// groups; without any rule, whoever gets through the socket may ask in `default`.
access::Caller caller_of(const Peer& peer, const CallerPolicy& policy);

}  // namespace silt::serve
