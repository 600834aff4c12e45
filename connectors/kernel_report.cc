#include "connectors/kernel_report.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace silt::connectors {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

template <std::size_t count>
bool begins_with(std::string_view text, const std::array<std::string_view, count>& any) {
  return std::any_of(any.begin(), any.end(), [&](std::string_view one) { return text.starts_with(one); });
}

constexpr std::array<std::string_view, 10> kOpens = {"------------[ cut here",
                                                     "BUG: ",
                                                     "Unable to handle kernel",
                                                     "watchdog: BUG",
                                                     "INFO: task ",
                                                     "INFO: rcu",
                                                     "rcu: INFO: ",
                                                     "general protection fault",
                                                     "divide error",
                                                     "kernel BUG at"};

constexpr std::array<std::string_view, 46> kContinues = {"CPU: ",
                                                         "Hardware name",
                                                         "Workqueue:",
                                                         "Code: ",
                                                         "Call Trace",
                                                         "Call trace",
                                                         "Stack:",
                                                         "Modules linked",
                                                         "---[ end",
                                                         "<TASK>",
                                                         "</TASK>",
                                                         "<IRQ>",
                                                         "</IRQ>",
                                                         "<NMI>",
                                                         "</NMI>",
                                                         "<EOI>",
                                                         "Oops",
                                                         "#PF:",
                                                         "PGD ",
                                                         "Tainted",
                                                         "Process ",
                                                         "task:",
                                                         "Kernel Offset",
                                                         "note: ",
                                                         "pc :",
                                                         "lr :",
                                                         "sp :",
                                                         "pstate",
                                                         "WARNING: ",
                                                         "kernel BUG at",
                                                         "invalid opcode",
                                                         "Internal error",
                                                         "Kernel panic",
                                                         "Last user",
                                                         "[<",
                                                         "? ",
                                                         "Dumping ftrace",
                                                         "Mem abort",
                                                         "Data abort",
                                                         "swapper",
                                                         "Rebooting in",
                                                         "---[ Kernel",
                                                         "Sending NMI",
                                                         "NMI backtrace",
                                                         "\"echo 0",
                                                         "general protection fault"};

// "RAX: 0000", "CR2: ", "R08: ", "x29: ffff"
bool is_register(std::string_view message) {
  const std::size_t colon = message.substr(0, 6).find(':');
  if (colon == std::string_view::npos || colon < 2 || colon + 1 >= message.size()) return false;
  const std::string_view name = message.substr(0, message.find_last_not_of(' ', colon - 1) + 1);
  const bool arm = name[0] == 'x' && name.size() > 1 && is_digit(name[1]);
  return arm ||
         std::all_of(name.begin(), name.end(), [](char c) { return is_digit(c) || (c >= 'A' && c <= 'Z'); });
}

// Behind "kernel:" of a syslog line; 0 when it is none.
std::size_t behind_tag(std::string_view line) {
  const std::size_t reach = std::min<std::size_t>(line.size(), 96);
  std::size_t at = 15;
  for (int colons = 0; colons < 4 && at < reach; ++colons) {
    const void* const found = std::memchr(line.data() + at, ':', reach - at);
    if (found == nullptr) return 0;
    const auto colon = static_cast<std::size_t>(static_cast<const char*>(found) - line.data());
    if (line.substr(0, colon).ends_with(" kernel")) return colon + 1;
    at = colon + 1;
    if (at < reach && line[at] == ' ') return 0;  // another program's tag
  }
  return 0;
}

// Behind "[   12.345678]" and "[  T123]"; `at` when there is none.
std::size_t behind_stamps(std::string_view line, std::size_t at) {
  while (at < line.size() && line[at] == ' ' && at + 1 < line.size() && line[at + 1] == '[') ++at;
  for (int stamps = 0; stamps < 2 && at < line.size() && line[at] == '['; ++stamps) {
    const std::size_t close = line.find(']', at);
    if (close == std::string_view::npos || close - at > 20) return at;
    const std::string_view inside = line.substr(at + 1, close - at - 1);
    const bool stamp = inside.find_first_not_of(" .0123456789TC") == std::string_view::npos;
    if (!stamp) return at;
    at = close + 1;
    if (at < line.size() && line[at] == ' ') ++at;
  }
  return at;
}

}  // namespace

std::string_view kernel_message(std::string_view line) {
  if (line.size() < 16) return {};
  std::size_t at = 0;
  if (line[0] == '[') {
    if (line[1] != ' ' && !is_digit(line[1])) return {};
    at = behind_stamps(line, 0);
    if (at == 0) return {};
  } else {
    const bool dated = line[3] == ' ' || (line[4] == '-' && line[10] == 'T') || line[0] == '<';
    if (!dated || (at = behind_tag(line)) == 0) return {};
    const std::size_t behind = behind_stamps(line, at);
    at = behind == at && at < line.size() && line[at] == ' ' ? at + 1 : behind;
  }
  return line.substr(at);
}

bool opens_kernel_report(std::string_view message) {
  return begins_with(message, kOpens);
}

bool continues_kernel_report(std::string_view message) {
  if (message.empty()) return false;
  return message[0] == ' ' || message[0] == '\t' || begins_with(message, kContinues) ||
         is_register(message) || message.find("+0x") != std::string_view::npos;
}

}  // namespace silt::connectors
