// The text of Atlassian's document format: paragraphs, lists, tables and code, without their form.
#pragma once

#include <string>

#include "connectors/json.h"

namespace silt::connectors {

// Of anything else than a document: a string as it is, else nothing.
std::string adf_text(Json document);

}  // namespace silt::connectors
