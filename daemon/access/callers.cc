#include "daemon/access/callers.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

namespace silt::access {
namespace {

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

Result<CallerPolicy> caller_policy(const AccessOptions& options, std::optional<gid_t> socket_group) {
  const std::vector<AccessRule>& rules = options.rules;
  CallerPolicy policy;
  policy.own_uid = ::geteuid();
  policy.all_ask = std::all_of(rules.begin(), rules.end(), [](const AccessRule& rule) { return !rule.certificate.empty(); });
  const auto add = [&](const AccessRule& rule, const std::string& key) -> Status {
    CallerPolicy::Grant grant{{}, {}, rule.certificate, rule.tenants, rule.rights};
    if (!rule.user.empty()) {
      SILT_ASSIGN(grant.user, user_id(rule.user, key));
    } else if (!rule.group.empty()) {
      SILT_ASSIGN(grant.group, group_id(rule.group, key));
    }
    if (rule.rights.has(Right::kChange) && grant.group && grant.group == socket_group) {
      return invalid_argument(key + ": '" + rule.group +
                              "' is the socket's own group, whose members may ask: let a group of its own change");
    }
    policy.grants.push_back(std::move(grant));
    return Status::ok();
  };
  if (!options.change_group.empty()) {
    SILT_TRY(add({"", options.change_group, "", Tenants({"default"}), {Right::kAsk, Right::kChange}}, "serve.change_group"));
  }
  for (const AccessRule& rule : rules) {
    const std::string place = rule.place.empty() ? "" : rule.place + ": ";
    SILT_TRY(add(rule, place + (rule.user.empty() ? "access.group" : "access.user")));
  }
  return policy;
}

Caller caller_of(const Credential& credential, const CallerPolicy& policy) {
  const auto* peer = std::get_if<Peer>(&credential);
  const auto* certificate = std::get_if<Certificate>(&credential);
  if (peer == nullptr && certificate == nullptr) return Caller("nobody");
  Caller caller(peer != nullptr ? "uid:" + std::to_string(peer->uid) : "certificate:" + certificate->name);
  if (peer != nullptr && (peer->uid == 0 || peer->uid == policy.own_uid)) {
    caller.grant(Tenants::all(), Rights::all());
    return caller;
  }
  if (peer != nullptr && policy.all_ask) caller.grant(Tenants({"default"}), {Right::kAsk});
  const auto is_meant = [&](const CallerPolicy::Grant& grant) {
    if (peer == nullptr) return !grant.certificate.empty() && grant.certificate == certificate->name;
    return grant.user ? peer->uid == *grant.user : grant.group && is_member(*peer, *grant.group);
  };
  for (const CallerPolicy::Grant& grant : policy.grants) {
    if (is_meant(grant)) caller.grant(grant.tenants, grant.rights);
  }
  return caller;
}

Callers::Callers(const Tokens& tokens) : tokens_(tokens) {
  CallerPolicy policy;
  policy.own_uid = ::geteuid();
  policy_ = std::make_shared<const CallerPolicy>(std::move(policy));
}

void Callers::configure(CallerPolicy policy) {
  auto fresh = std::make_shared<const CallerPolicy>(std::move(policy));
  const std::lock_guard lock(mutex_);
  policy_ = std::move(fresh);
}

Result<Caller> Callers::caller_of(const Credential& connection, std::string_view authorization) const {
  constexpr std::string_view kBearer = "bearer ";
  if (!authorization.empty()) {
    const std::string_view scheme = authorization.substr(0, kBearer.size());
    const bool bearer = std::equal(scheme.begin(), scheme.end(), kBearer.begin(), kBearer.end(), [](char a, char b) {
      return std::tolower(static_cast<unsigned char>(a)) == b;
    });
    if (bearer) return tokens_.verify(authorization.substr(kBearer.size()));
    return Status(Code::kUnauthenticated, "the authorization must be \"Bearer TOKEN\"; make one with: silt token create");
  }
  std::shared_ptr<const CallerPolicy> policy;
  {
    const std::lock_guard lock(mutex_);
    policy = policy_;
  }
  return access::caller_of(connection, *policy);
}

}  // namespace silt::access
