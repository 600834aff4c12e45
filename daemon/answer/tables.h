// The answer path's data, compiled in from the .tsv files beside their code (daemon/answer/CMakeLists.txt).
#pragma once

#include <string_view>

namespace silt::answer {

extern const std::string_view kFramesTsv;     // language/frames.tsv
extern const std::string_view kThesaurusTsv;  // plan/thesaurus.tsv
extern const std::string_view kConceptsTsv;   // plan/concepts.tsv
extern const std::string_view kStatesTsv;     // plan/states.tsv
extern const std::string_view kKindsTsv;      // plan/kinds.tsv

}  // namespace silt::answer
