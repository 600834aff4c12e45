#include "daemon/serve/callers.h"

#include <grp.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace silt::serve {

using access::Right;
using access::Rights;
using access::Tenants;

Result<CallerPolicy> caller_policy(const std::string& change_group, gid_t socket_group) {
  CallerPolicy policy{::geteuid(), std::nullopt};
  if (change_group.empty()) return policy;
  std::vector<char> text(64 * 1024);
  group entry{};
  group* found = nullptr;
  ::getgrnam_r(change_group.c_str(), &entry, text.data(), text.size(), &found);
  if (found == nullptr) {
    return invalid_argument("serve.change_group: there is no group '" + change_group +
                            "': create it (groupadd --system " + change_group + ") or name another");
  }
  if (found->gr_gid == socket_group) {
    return invalid_argument("serve.change_group: '" + change_group +
                            "' is the socket's own group, whose members may ask: name a group of its own");
  }
  policy.change_group = found->gr_gid;
  return policy;
}

access::Caller caller_of(const Peer& peer, const CallerPolicy& policy) {
  access::Caller caller{"uid:" + std::to_string(peer.uid), Tenants({"default"}), {Right::kAsk}};
  if (peer.uid == 0 || peer.uid == policy.own_uid) {
    caller.tenants = Tenants::all();
    caller.rights = Rights::all();
  } else if (policy.change_group) {
    const gid_t group = *policy.change_group;
    const bool member =
        peer.gid == group || std::find(peer.groups.begin(), peer.groups.end(), group) != peer.groups.end();
    if (member) caller.rights = {Right::kAsk, Right::kChange};
  }
  return caller;
}

}  // namespace silt::serve
