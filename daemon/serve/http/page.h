// The web page: files that are compiled in and the same for everyone. What it shows it asks for by the API, as its reader.
#pragma once

#include <optional>
#include <string_view>

#include "daemon/serve/http/exchange.h"

namespace silt::serve::http {

// Nothing: no file of the page is at this path.
std::optional<Response> page_at(std::string_view path);

}  // namespace silt::serve::http
