// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace silt::cli {

std::string format_count(std::uint64_t count);  // 1,234,567
std::string format_bytes(std::uint64_t bytes);  // 1.2 MB
std::string format_fixed(double value, int digits);
std::string format_duration(std::int64_t seconds);  // 3 d 4 h, 5 min, 12 s

}  // namespace silt::cli
