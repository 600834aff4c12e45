// The HTTP door described for programs: an OpenAPI 3.1 document, made from the table of methods and the descriptors of
// their messages, so that it cannot fall behind them.
#pragma once

#include <string>

namespace silt::serve::http {

const std::string& openapi_json();

}  // namespace silt::serve::http
