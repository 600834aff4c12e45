// Sets of records as ascending ranges that lie apart.
#pragma once

#include <cstdint>
#include <vector>

#include "daemon/store/types.h"

namespace silt::store {

// The same records, whatever overlaps and touches.
std::vector<SeqRange> normalized(std::vector<SeqRange> ranges);
bool contains(const std::vector<SeqRange>& normal, Seq seq);
// Whether all of first..last are in it.
bool covers(const std::vector<SeqRange>& normal, Seq first, Seq last);
// Whether any of first..last is in it.
bool touches(const std::vector<SeqRange>& normal, Seq first, Seq last);
std::uint64_t records_in(const std::vector<SeqRange>& normal);

}  // namespace silt::store
