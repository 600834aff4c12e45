#include "daemon/store/versions.h"

#include <algorithm>

namespace silt::store {
namespace {

constexpr std::size_t kAlwaysKept = 2;

double age_s(const VersionAge& version, std::int64_t now_us) {
  return static_cast<double>(std::max<std::int64_t>(now_us - version.written_us, 0)) / 1e6 + 1;
}

}  // namespace

// One at a time the version goes that is missed least: without it, the hole between its neighbours is smallest
// in proportion to its age. The oldest has no older neighbour and stays.
std::vector<std::size_t> versions_to_drop(const std::vector<VersionAge>& newest_first, std::size_t kept,
                                          std::int64_t now_us) {
  std::vector<std::size_t> free;  // unpinned ones, newest first
  for (std::size_t i = 0; i < newest_first.size(); ++i) {
    if (!newest_first[i].pinned) free.push_back(i);
  }
  std::vector<std::size_t> dropped;
  while (free.size() > std::max(kept, kAlwaysKept)) {
    std::size_t least = free.size() - 1;
    double least_hole = 0;
    for (std::size_t at = kAlwaysKept; at + 1 < free.size(); ++at) {
      const double hole = age_s(newest_first[free[at + 1]], now_us) / age_s(newest_first[free[at - 1]], now_us);
      if (least_hole == 0 || hole < least_hole) {
        least = at;
        least_hole = hole;
      }
    }
    dropped.push_back(free[least]);
    free.erase(free.begin() + static_cast<std::ptrdiff_t>(least));
  }
  return dropped;
}

}  // namespace silt::store
