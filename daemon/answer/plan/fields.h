// Grounds words of a question in fields: severities, values of named slots ("kim", "high", "dns"),
// numbers ("status 404", "attempt 5"), empty ones ("no owner"), and words for a record as such.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "daemon/answer/language/reading.h"
#include "daemon/answer/plan/topic.h"
#include "daemon/answer/query.h"
#include "daemon/answer/search/profile.h"

namespace silt::answer::plan {

struct FieldGrounding {
  std::vector<Test> tests;
  std::set<std::size_t> taken;      // topic words that the tests hold
  std::set<std::size_t> plain;      // topic words that mean records as such
  std::set<std::size_t> own_nouns;  // of these, the ones that only such a source has: "tickets"
  std::set<std::size_t> named;      // topic words that name a slot
  std::vector<std::string> numbers; // slots that a number was found in
  std::vector<std::string> lost;    // numbers that stand nowhere
  bool severity = false;
};

FieldGrounding ground_fields(const language::Reading& reading, const Topic& topic, const search::Profile& profile);

}  // namespace silt::answer::plan
