#include "daemon/access/caller.h"

#include <algorithm>

namespace silt::access {
namespace {

constexpr std::array<std::string_view, kRights> kNames = {"ask", "change", "audit", "feed"};

}  // namespace

std::optional<Rights> rights_of(std::span<const std::string> names) {
  Rights rights;
  for (const std::string& name : names) {
    const auto found = std::find(kNames.begin(), kNames.end(), name);
    if (found == kNames.end()) return std::nullopt;
    rights.add(static_cast<Right>(found - kNames.begin()));
  }
  return rights == Rights() ? std::nullopt : std::optional(rights);
}

std::vector<std::string> names_of(Rights rights) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kRights; ++i) {
    if (rights.has(static_cast<Right>(i))) names.emplace_back(kNames[i]);
  }
  return names;
}

}  // namespace silt::access
