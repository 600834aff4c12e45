// Sums, averages, extremes and percentiles of the numbers in a slot.
#pragma once

#include <memory>

#include "daemon/answer/search/collect.h"

namespace silt::answer::search {

// Of the query's operand. The unit is that of the first number; others of its measure are converted.
std::unique_ptr<Collector> number_collector(const Query& query);
// The same for each value of the query's group.
std::unique_ptr<Collector> number_group_collector(const Query& query, const Limits& limits);

}  // namespace silt::answer::search
