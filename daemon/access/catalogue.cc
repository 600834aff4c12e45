#include "daemon/access/catalogue.h"

#include <algorithm>
#include <tuple>

#include "base/escape.h"

namespace silt::access {

using store::SourceInfo;

bool glob_match(std::string_view glob, std::string_view text) {
  std::size_t g = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      resume = t;
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
      ++g;
      ++t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

namespace {

Status absent(std::string_view name, std::string_view tenant) {
  const std::string where = tenant.empty() ? std::string() : " in tenant '" + escape_bytes(tenant) + "'";
  return not_found("no source '" + escape_bytes(name) + "'" + where + "; list them with: silt sources");
}

Status missing() {
  return invalid_argument("source is missing; list them with: silt sources");
}

}  // namespace

Result<std::string> Catalogue::tenant_of(const Call& call, std::string_view tenant) {
  if (tenant == "*") return invalid_argument("name one tenant: this is done in one at a time");
  std::string name = tenant.empty() ? call.tenants().only().value_or("default") : unescape_bytes(tenant);
  if (call.tenants().sees(name)) return name;
  return permission_denied(call.caller.name + " may not do this in tenant '" + escape_bytes(name) + "'");
}

Result<std::vector<SourceInfo>> Catalogue::visible(const Call& call, std::string_view tenant) const {
  std::string only;
  if (tenant != "*") {
    SILT_ASSIGN(only, tenant_of(call, tenant));
  }
  std::vector<SourceInfo> out;
  for (SourceInfo& info : log_.sources()) {
    if (only.empty() ? call.tenants().sees(info.tenant) : info.tenant == only) out.push_back(std::move(info));
  }
  std::sort(out.begin(), out.end(), [](const SourceInfo& a, const SourceInfo& b) {
    return std::tie(a.tenant, a.name) < std::tie(b.tenant, b.name);
  });
  return out;
}

Result<std::vector<SourceInfo>> Catalogue::find(const Call& call, std::string_view tenant,
                                                std::span<const std::string> names) const {
  SILT_ASSIGN(std::vector<SourceInfo> all, visible(call, tenant));
  if (names.empty()) return all;
  std::vector<bool> wanted(all.size(), false);
  for (const std::string& name : names) {
    const std::string bytes = unescape_bytes(name);
    const auto take = [&](const auto& matches) {
      bool any = false;
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (matches(all[i].name)) any = wanted[i] = true;
      }
      return any;
    };
    const bool found = take([&](const std::string& own) { return own == bytes; }) ||
                       take([&](const std::string& own) { return glob_match(bytes, own); });
    if (!found) return absent(bytes, tenant);
  }
  std::vector<SourceInfo> out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (wanted[i]) out.push_back(std::move(all[i]));
  }
  return out;
}

Result<SourceInfo> Catalogue::find_one(const Call& call, std::string_view tenant,
                                       const std::string& name) const {
  if (name.empty()) return missing();
  SILT_ASSIGN(std::vector<SourceInfo> found, find(call, tenant, std::span(&name, 1)));
  if (found.size() == 1) return std::move(found.front());
  return invalid_argument(escape_bytes(unescape_bytes(name)) + " matches " + std::to_string(found.size()) +
                          " sources and must name exactly one");
}

Result<SourceInfo> Catalogue::find_named(const Call& call, std::string_view tenant,
                                         const std::string& name) const {
  if (name.empty()) return missing();
  SILT_TRY(tenant_of(call, tenant).status());
  SILT_ASSIGN(std::vector<SourceInfo> all, visible(call, tenant));
  const std::string bytes = unescape_bytes(name);
  for (SourceInfo& info : all) {
    if (info.name == bytes) return std::move(info);
  }
  return absent(bytes, tenant);
}

}  // namespace silt::access
