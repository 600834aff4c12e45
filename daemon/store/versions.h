// Which stored states of a source are kept: those that are pinned, the two newest (the older one for when the
// newest turns out to be damaged), and of the others so many that lie ever further apart the older they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace silt::store {

struct VersionAge {
  std::int64_t written_us = 0;
  bool pinned = false;
};

// Indexes of those that go so that at most `kept` unpinned ones stay. `newest_first`; `now_us` is when the
// newest was written. A clock that was set back makes ages of zero, no harm.
std::vector<std::size_t> versions_to_drop(const std::vector<VersionAge>& newest_first, std::size_t kept,
                                          std::int64_t now_us);

}  // namespace silt::store
