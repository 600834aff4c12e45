// The quantities that a text says.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "daemon/answer/search/quantity.h"

namespace silt::answer::search {

// Each number that begins a word, with its unit, and where it stands: 15 of "for over 15 minutes".
void for_each_quantity(std::string_view text, const std::function<void(const Quantity&, std::size_t)>& quantity);

}  // namespace silt::answer::search
