// Sections of plain text: headings are lines that are underlined (=== or ---), as in READMEs and reStructuredText.
#pragma once

#include <string_view>
#include <vector>

#include "connectors/documents/section.h"

namespace silt::connectors {

std::vector<Section> plain_sections(std::string_view text);

}  // namespace silt::connectors
