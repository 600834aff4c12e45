// Invented lines for the tests of folding.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace silt::fold::testing {

// Random bytes, biased towards the characters that scanners treat in their own way.
inline std::string noise(std::mt19937_64& random, std::size_t max_bytes) {
  constexpr std::string_view kMarks =
      "0123456789abcdefxABCDEF.:-/@=_%\"'{}[](),;\\| \t<>&~+$#eyJ.AKIAghp_-----BEGIN";
  std::string out(random() % (max_bytes + 1), '\0');
  for (char& c : out) {
    c = random() % 4 == 0 ? static_cast<char>(random() & 0xff) : kMarks[random() % kMarks.size()];
  }
  return out;
}

// A service log with a handful of patterns, in the style of syslog.
inline std::string service_line(std::mt19937_64& random) {
  const auto number = [&](std::uint64_t below) { return std::to_string(random() % below); };
  const std::string address = "10." + number(256) + "." + number(256) + "." + number(256);
  const std::vector<std::string> users = {"otto", "mira", "jonas", "svc-backup", "root", "lena"};
  const std::string user = users[random() % users.size()];
  std::string line = "Nov 21 20:" + std::to_string(10 + random() % 50) + ":" +
                     std::to_string(10 + random() % 50) + " quartz gated[" + number(30000) + "]: ";
  switch (random() % 6) {
    case 0: return line + "Refused key for " + user + " from " + address + " port " + number(65536);
    case 1: return line + "Opened tunnel " + number(900) + " to " + address + ":" + number(65536);
    case 2: return line + "Closed tunnel " + number(900) + " after " + number(100000) + " bytes";
    case 3: return line + "Reloaded /etc/gated/" + user + ".conf in " + number(900) + "ms";
    case 4: return line + "Heartbeat lost: peer=" + address + " missed=" + number(9);
    default: return line + "Session of user " + user + " expired";
  }
}

}  // namespace silt::fold::testing
