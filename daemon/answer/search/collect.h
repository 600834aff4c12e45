// Collectors: what is kept of the records that a query means, one per kind of operation.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/answer/search/execute.h"
#include "daemon/answer/search/filter.h"

namespace silt::answer::search {

class Collector {
 public:
  virtual ~Collector() = default;
  virtual void add(RecordInHand& record, std::size_t source) = 0;
  virtual void finish(Outcome& out) = 0;
};

Hit hit_of(RecordInHand& record, std::size_t source);

// Those that the query's operation needs, the one that counts included.
std::vector<std::unique_ptr<Collector>> collectors_for(const Query& query, const Limits& limits);

}  // namespace silt::answer::search
