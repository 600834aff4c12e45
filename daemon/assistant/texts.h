// What the assistant is told, compiled in from the files beside it (CMakeLists.txt).
#pragma once

#include <string_view>

namespace silt::assistant {

extern const std::string_view kQuerySchema;  // query_schema.json: of silt.v1.Query in its JSON form
extern const std::string_view kPlanPrompt;   // plan.txt
extern const std::string_view kTellPrompt;   // tell.txt

}  // namespace silt::assistant
