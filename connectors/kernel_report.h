// Reports of the Linux kernel about itself: an oops, a warning, a hung task. Each of their lines has the
// head of a line of its own, so that what is told behind it decides. Pure functions of the bytes.
#pragma once

#include <string_view>

namespace silt::connectors {

// What a line of the kernel says, behind "[  12.345678] " and a syslog head before it; empty when the line
// is none of the kernel's. Costs a few nanoseconds for other lines.
std::string_view kernel_message(std::string_view line);

// "BUG: kernel NULL pointer dereference", "------------[ cut here ]------------"
bool opens_kernel_report(std::string_view message);
// Registers, code, stack frames, modules, the end mark.
bool continues_kernel_report(std::string_view message);

}  // namespace silt::connectors
