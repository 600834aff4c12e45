// Sections of Markdown (CommonMark and GitHub's tables), by md4c: text without its marks, code as it is.
#pragma once

#include <string_view>
#include <vector>

#include "connectors/documents/section.h"

namespace silt::connectors {

std::vector<Section> markdown_sections(std::string_view markdown);

}  // namespace silt::connectors
