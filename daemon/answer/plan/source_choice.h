// Source choice: looks at each source for a question and notes what speaks for it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "daemon/answer/language/reading.h"
#include "daemon/answer/plan/signs.h"
#include "daemon/answer/plan/source_planner.h"
#include "daemon/answer/search/profile.h"

namespace silt::answer::plan {

// A source, looked at for a question. The planner refers to the reading.
struct SourceView {
  std::size_t source = 0;                 // index in the scope
  std::unique_ptr<language::Reading> reading;
  std::vector<std::size_t> names;         // words of the question that name the source
  std::size_t named_values = 0;           // of them, identifiers: "kafka1"
  std::vector<std::size_t> kinds;         // words of the question for the kind of software that it is of
  std::vector<float> near;                // by pattern; NaN: not known, empty: of none
  std::unique_ptr<SourcePlanner> planner;
  Signs signs{};
};

// Fills in the signs that are known before a search.
void note_signs(std::span<SourceView> views, const search::Profiles& scope);

}  // namespace silt::answer::plan
