// How the file descriptors that the process may have are shared out: the store's tables, the files that
// inputs keep open, and the rest for sockets, waits and what the libraries need.
#pragma once

#include <cstddef>
#include <cstdint>

namespace silt::daemon {

struct DescriptorShares {
  std::uint64_t limit = 0;
  std::uint32_t store = 0;       // RocksDB's max_open_files
  std::uint32_t each_input = 0;  // files that an input keeps open
};

// Of a limit of 64 or more. With fewer descriptors less is kept open, and more is opened again.
DescriptorShares share_descriptors(std::uint64_t limit, std::size_t inputs);

// Raises the soft limit to the hard one; the limit that is then in force.
std::uint64_t raise_descriptor_limit();

}  // namespace silt::daemon
