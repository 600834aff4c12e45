// Pairs: how long it took from one kind of record to another, "opened" to "closed", told apart by an
// identifier that both carry. Which slot that is, the query says (`by:`) or the records show: the slot
// by whose values most starts find an end.
#pragma once

#include <memory>

#include "daemon/answer/search/collect.h"

namespace silt::answer::search {

// Of records that hold one of each of `from_words` or of `to_words`. What is open at the end is counted
// in Outcome::open, not in the value.
std::unique_ptr<Collector> pair_collector(const Query& query);

}  // namespace silt::answer::search
