// What of a line can be seen: without colour codes, and without characters that have no width.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace silt::fold {

// False for nearly every line. True: the line may hold what strip_invisible leaves out.
bool may_hide_characters(std::string_view line);

// Leaves out terminal control sequences (ESC [ ... letter: colours), soft hyphens and zero-width
// characters: words are told apart by what is seen of them. `places[i]` says where in `line` the i-th byte
// of `text` stood. False, and both empty, when all of the line can be seen.
bool strip_invisible(std::string_view line, std::string& text, std::vector<std::uint32_t>& places);

}  // namespace silt::fold
