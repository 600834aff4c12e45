// Bytes as hexadecimal digits, and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace silt {

std::string to_hex(std::string_view bytes);  // lower-case
// Nothing when `digits` are no pairs of lower-case digits.
std::optional<std::string> from_hex(std::string_view digits);

}  // namespace silt
