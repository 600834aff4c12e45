// What a RELP server says: every message of the peer has a number, and is answered when it is stored. A peer sends
// again what was not answered, so nothing is lost when either end dies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace silt::connectors {

inline std::string relp_answer(std::uint64_t number, std::string_view data) {
  const std::string head = std::to_string(number) + " rsp " + std::to_string(data.size());
  return data.empty() ? head + "\n" : head + " " + std::string(data) + "\n";
}

inline constexpr std::string_view kRelpStored = "200 OK";
inline constexpr std::string_view kRelpUnknown = "500 no such command";
// Offers back: the version, who we are, and the one command that is understood.
inline constexpr std::string_view kRelpOffers = "200 OK\nrelp_version=0\nrelp_software=silt\ncommands=syslog";
inline constexpr std::string_view kRelpServerClose = "0 serverclose 0\n";

}  // namespace silt::connectors
