// Whose rotated file could this be? By name only; what the file holds is checked elsewhere.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace silt::connectors {

struct LiveName {
  std::string name;
  bool suffix = false;  // "a.log.1", "a.log-20261121"; otherwise the date stands inside: "a-20261121.log"
};

// The live names that a rotation tool could have made `name` from, likeliest first. Empty for a
// name that looks like nobody's rotated file, and for compressed ones.
std::vector<LiveName> live_names_of(std::string_view name);

}  // namespace silt::connectors
