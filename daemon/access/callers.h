// Callers: from what proves who someone is to a Caller. Every door asks here, of each call, with what its
// connection has proved and with the call's credential; so a changed configuration and a revoked token are in
// force with the next call. Safe from any thread.
#pragma once

#include <sys/types.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "daemon/access/caller.h"
#include "daemon/access/tokens.h"

namespace silt::access {

// The process at the other end of a unix socket, as it was when it connected; from the kernel.
struct Peer {
  uid_t uid = ~uid_t{0};
  gid_t gid = ~gid_t{0};
  pid_t pid = 0;
  std::vector<gid_t> groups;  // supplementary
  // The pid says nothing of rights.
  friend bool operator==(const Peer& a, const Peer& b) { return a.uid == b.uid && a.gid == b.gid && a.groups == b.groups; }
};

// A client certificate that TLS has verified, by the name that it is known by here (see tls_context.h).
struct Certificate {
  std::string name;
  friend bool operator==(const Certificate&, const Certificate&) = default;
};

struct Nobody {  // proved nothing: a token is needed
  friend bool operator==(Nobody, Nobody) = default;
};

// What a connection has proved.
using Credential = std::variant<Nobody, Peer, Certificate>;

// What the configuration grants: to a user or to the members of a group, by name or number, or to who has a
// certificate of this name.
struct AccessRule {
  std::string user;   // one of these three
  std::string group;
  std::string certificate;
  Tenants tenants;
  Rights rights;
  std::string place = {};  // where it was written, for messages
};

struct AccessOptions {
  std::string change_group;       // whose members may ask and change in `default`; empty: none
  std::vector<AccessRule> rules;  // none of users and groups: everyone who gets in may ask in `default`
};

struct CallerPolicy {
  struct Grant {
    std::optional<uid_t> user;
    std::optional<gid_t> group;
    std::string certificate;
    Tenants tenants;
    Rights rights;
  };
  uid_t own_uid = 0;    // siltd's own user may what root may
  bool all_ask = true;  // in `default`: nothing else was said of users and groups
  std::vector<Grant> grants;
};

// A group that may change must not be that of the sockets, if there is one: who may ask may not therefore
// erase. Fails with a remedy, also for a user or group that there is none of.
Result<CallerPolicy> caller_policy(const AccessOptions& options, std::optional<gid_t> socket_group);

// Root and siltd's own user may do everything, everywhere. Others may what is granted to them and to their
// groups; without any rule for users and groups, whoever gets through the socket may ask in `default`. Who has
// a certificate may what is granted to its name.
Caller caller_of(const Credential& credential, const CallerPolicy& policy);

class Callers {
 public:
  // `tokens` must outlive it. Until configure() nobody but root and siltd's own user may do more than ask.
  explicit Callers(const Tokens& tokens);

  void configure(CallerPolicy policy);
  // `authorization`: the value of that header, empty if the call has none. "Bearer TOKEN" makes the call one of
  // the token, whatever the connection has proved; anything else is kUnauthenticated.
  Result<Caller> caller_of(const Credential& connection, std::string_view authorization) const;

 private:
  const Tokens& tokens_;
  mutable std::mutex mutex_;
  std::shared_ptr<const CallerPolicy> policy_;
};

}  // namespace silt::access
