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

constexpr std::array<std::string_view, 22> kOpens = {"BUG: ",
                                                     "Unable to handle kernel",
                                                     "watchdog: BUG",
                                                     "INFO: task ",
                                                     "INFO: rcu",
                                                     "rcu: INFO: ",
                                                     "general protection fault",
                                                     "divide error",
                                                     "kernel BUG at",
                                                     "NMI watchdog: BUG",
                                                     "UBSAN: ",
                                                     "kasan: GPF",
                                                     "Unhandled fault",
                                                     "FAULT_INJECTION: ",
                                                     "Kernel panic - ",
                                                     "INFO: trying to",
                                                     "WARNING: CPU: ",
                                                     "segment-related general protection fault",
                                                     "double fault",
                                                     "kasan: CONFIG_KASAN",
                                                     "[ BUG: ",
                                                     "[ INFO: "};

// Parts of reports, of several architectures.
constexpr std::array<std::string_view, 49> kContinues = {"CPU: ",
                                                         "P4D ",
                                                         "PUD ",
                                                         "PMD ",
                                                         "IP: ",
                                                         "rcu: ",
                                                         "INFO: lockdep is",
                                                         "name fail",
                                                         "the code is fine",
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
                                                         "Disabling lock",
                                                         "Rebooting in"};

// More of them, mostly about memory, locks and time.
constexpr std::array<std::string_view, 41> kContinuesToo = {"---[ Kernel",
                                                            "Sending NMI",
                                                            "NMI backtrace",
                                                            "\"echo 0",
                                                            "general protection fault",
                                                            "KASAN: ",
                                                            "pgd = ",
                                                            "PC is at",
                                                            "LR is at",
                                                            "Flags: ",
                                                            "Control: ",
                                                            "Exception stack",
                                                            "Read of size",
                                                            "Write of size",
                                                            "Allocated by",
                                                            "Freed by",
                                                            "The buggy",
                                                            "Memory state",
                                                            ">ffff",
                                                            "ffff",
                                                            "page:",
                                                            "page dumped",
                                                            "raw: ",
                                                            "flags: ",
                                                            "task ",
                                                            "irq event",
                                                            "hardirqs last",
                                                            "softirqs last",
                                                            "Showing all locks",
                                                            "kasan: ",
                                                            "(detected by",
                                                            "stack backtrace",
                                                            "other info that",
                                                            "Possible unsafe",
                                                            "the existing dependency",
                                                            "which lock already",
                                                            "stack guard",
                                                            "Thread overran",
                                                            "SMP KASAN",
                                                            "Unable to handle",
                                                            "BUG: "};

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

// "20:54:35" somewhere in a head, in microseconds of the day; -1 when there is none.
std::int64_t clock_of(std::string_view head) {
  for (std::size_t at = head.find(':'); at != std::string_view::npos; at = head.find(':', at + 1)) {
    if (at < 2 || at + 6 > head.size() || head[at + 3] != ':') continue;
    const std::string_view text = head.substr(at - 2, 8);
    std::int64_t parts[3] = {};
    bool digits = true;
    for (std::size_t i = 0; i < 3; ++i) {
      digits = digits && is_digit(text[3 * i]) && is_digit(text[3 * i + 1]);
      parts[i] = (text[3 * i] - '0') * 10 + (text[3 * i + 1] - '0');
    }
    if (digits) return ((parts[0] * 60 + parts[1]) * 60 + parts[2]) * 1'000'000;
  }
  return -1;
}

// "  12.345678", in microseconds; -1 when it is none.
std::int64_t stamp_of(std::string_view text) {
  std::int64_t value = 0;
  std::size_t fraction = 0;
  bool point = false;
  for (const char c : text) {
    if (c == ' ' && value == 0) continue;
    if (c == '.' && !point) {
      point = true;
    } else if (is_digit(c) && fraction < 6) {
      value = value * 10 + (c - '0');
      fraction += point ? 1 : 0;
    } else {
      return -1;
    }
  }
  return point && fraction == 6 ? value : -1;
}

// Behind "[   12.345678]" and "[  T123]"; `at` when there is none.
std::size_t behind_stamps(std::string_view line, const std::size_t from) {
  std::size_t at = from;
  while (at < line.size() && line[at] == ' ' && at + 1 < line.size() && line[at + 1] == '[') ++at;
  int stamps = 0;
  for (; stamps < 2 && at < line.size() && line[at] == '['; ++stamps) {
    const std::size_t close = line.find(']', at);
    if (close == std::string_view::npos || close - at > 20) break;
    const std::string_view inside = line.substr(at + 1, close - at - 1);
    if (inside.find_first_not_of(" .0123456789TC") != std::string_view::npos) break;
    at = close + 1;
    if (at < line.size() && line[at] == ' ') ++at;
  }
  if (stamps == 0) return from;
  return at;
}

}  // namespace

std::optional<KernelLine> kernel_line(std::string_view line) {
  if (line.size() < 14) return std::nullopt;
  std::size_t begin = 0;
  if (line[0] == '[') {
    if (line[1] != ' ' && !is_digit(line[1])) return std::nullopt;
  } else {
    const bool dated = line[3] == ' ' || (line[4] == '-' && line[10] == 'T') || line[0] == '<';
    if (!dated || line.size() < 16) return std::nullopt;
    const bool level = line[0] == '<' && line[2] == '>' && line[3] == '[';  // "<6>[   12.345678]"
    begin = level ? 3 : behind_tag(line);
    if (begin == 0) return std::nullopt;
  }
  const std::size_t behind = behind_stamps(line, begin);
  if (behind == begin) {
    if (begin == 0) return std::nullopt;
    const std::string_view message = line.substr(std::min(line.find_first_not_of(' ', begin), line.size()));
    return KernelLine{message, clock_of(line.substr(0, begin)), true};
  }
  const std::size_t open = line.find('[', begin) + 1;
  return KernelLine{line.substr(behind), stamp_of(line.substr(open, line.find(']', open) - open))};
}

bool opens_kernel_report(std::string_view message) {
  message.remove_prefix(std::min(message.find_first_not_of(' '), message.size()));
  return begins_with(message, kOpens) || is_report_mark(message);
}

bool is_inside_kernel_report(std::string_view message) {
  message.remove_prefix(std::min(message.find_first_not_of(' '), message.size()));
  const std::size_t offset = message.find("+0x");
  const bool frame = offset != std::string_view::npos && message.find("/0x", offset) != std::string_view::npos;
  return frame || (!message.empty() && is_register(message));
}

bool is_report_mark(std::string_view message) {
  message.remove_prefix(std::min(message.find_first_not_of(' '), message.size()));
  while (!message.empty() && (message.back() == '\r' || message.back() == ' ')) message.remove_suffix(1);
  const bool line = message.size() >= 20 && message.find_first_not_of('=') == std::string_view::npos;
  return line || message.find("[ cut here ]") != std::string_view::npos ||
         message.find("< cut here >") != std::string_view::npos || message.starts_with("8<--- cut here");
}

bool continues_kernel_report(std::string_view message) {
  if (message.empty()) return true;
  return message[0] == ' ' || message[0] == '\t' || begins_with(message, kContinues) ||
         begins_with(message, kContinuesToo) || is_register(message) || message.find("pgd=") != std::string_view::npos ||
         message.find(" Not tainted") != std::string_view::npos || message.find(" Tainted: ") != std::string_view::npos ||
         message.find("+0x") != std::string_view::npos;
}

}  // namespace silt::connectors
