// HTML as text and sections: what a reader sees, by gumbo. Scripts, styles and the like are left out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "connectors/documents/section.h"

namespace silt::connectors {

std::string html_text(std::string_view html);
std::vector<Section> html_sections(std::string_view html);

}  // namespace silt::connectors
