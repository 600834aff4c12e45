// Reports of the Linux kernel about itself: an oops, a warning, a hung task. Each of their lines has the
// head of a line of its own, so that what is told behind it decides. Pure functions of the bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace silt::connectors {

struct KernelLine {
  std::string_view message;    // behind "[  12.345678] " and a syslog head before it
  std::int64_t stamp_us = -1;  // since boot, or else of the day by the head's clock; -1: the line has none
  bool by_clock = false;
};

// Nothing when the line is none of the kernel's, which costs a few nanoseconds to see.
std::optional<KernelLine> kernel_line(std::string_view line);

// "BUG: kernel NULL pointer dereference", "------------[ cut here ]------------"
bool opens_kernel_report(std::string_view message);
// A mark that a report begins with, before what it is about; and which may end it.
bool is_report_mark(std::string_view message);
// Registers, code, stack frames, modules, the end mark.
bool continues_kernel_report(std::string_view message);
// Of these, what stands nowhere else: registers and stack frames.
bool is_inside_kernel_report(std::string_view message);

}  // namespace silt::connectors
