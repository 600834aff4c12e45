#include "daemon/serve/callers.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace silt::serve {
namespace {

using access::Caller;
using access::Right;
using access::Rights;
using access::Tenants;

constexpr std::size_t kEntryBytes = 64 * 1024;

std::optional<std::uint32_t> number_of(const std::string& name) {
  std::uint32_t number = 0;
  const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), number);
  return failed == std::errc() && end == name.data() + name.size() ? std::optional(number) : std::nullopt;
}

Result<gid_t> group_id(const std::string& name, const std::string& key) {
  if (const auto number = number_of(name)) return gid_t{*number};
  std::vector<char> text(kEntryBytes);
  group entry{};
  group* found = nullptr;
  ::getgrnam_r(name.c_str(), &entry, text.data(), text.size(), &found);
  if (found != nullptr) return found->gr_gid;
  return invalid_argument(key + ": there is no group '" + name + "': create it (groupadd --system " + name +
                          ") or name another");
}

Result<uid_t> user_id(const std::string& name, const std::string& key) {
  if (const auto number = number_of(name)) return uid_t{*number};
  std::vector<char> text(kEntryBytes);
  passwd entry{};
  passwd* found = nullptr;
  ::getpwnam_r(name.c_str(), &entry, text.data(), text.size(), &found);
  if (found != nullptr) return found->pw_uid;
  return invalid_argument(key + ": there is no user '" + name + "': create it or name another");
}

bool is_member(const Peer& peer, gid_t group) {
  return peer.gid == group || std::find(peer.groups.begin(), peer.groups.end(), group) != peer.groups.end();
}

}  // namespace

Result<CallerPolicy> caller_policy(const std::string& change_group, std::span<const AccessRule> rules,
                                   gid_t socket_group) {
  CallerPolicy policy;
  policy.own_uid = ::geteuid();
  policy.all_ask = rules.empty();
  const auto add = [&](const AccessRule& rule, const std::string& key) -> Status {
    CallerPolicy::Grant grant{{}, {}, rule.tenants, rule.rights};
    if (!rule.user.empty()) {
      SILT_ASSIGN(grant.user, user_id(rule.user, key));
    } else {
      SILT_ASSIGN(grant.group, group_id(rule.group, key));
    }
    if (rule.rights.has(Right::kChange) && grant.group == socket_group) {
      return invalid_argument(key + ": '" + rule.group +
                              "' is the socket's own group, whose members may ask: let a group of its own change");
    }
    policy.grants.push_back(std::move(grant));
    return Status::ok();
  };
  if (!change_group.empty()) {
    SILT_TRY(add({"", change_group, Tenants({"default"}), {Right::kAsk, Right::kChange}}, "serve.change_group"));
  }
  for (const AccessRule& rule : rules) SILT_TRY(add(rule, rule.user.empty() ? "access.group" : "access.user"));
  return policy;
}

Caller caller_of(const Peer& peer, const CallerPolicy& policy) {
  Caller caller("uid:" + std::to_string(peer.uid));
  if (peer.uid == 0 || peer.uid == policy.own_uid) {
    caller.grant(Tenants::all(), Rights::all());
    return caller;
  }
  if (policy.all_ask) caller.grant(Tenants({"default"}), {Right::kAsk});
  for (const CallerPolicy::Grant& grant : policy.grants) {
    if (grant.user ? peer.uid == *grant.user : is_member(peer, *grant.group)) caller.grant(grant.tenants, grant.rights);
  }
  return caller;
}

}  // namespace silt::serve
