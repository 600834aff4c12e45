// Reads of file systems that are processes themselves (FUSE). The kernel does not let go of a thread inside
// of such a read, not even when its process is killed, before that file system answers. So a child process
// makes them: this one can always end.
//
// Opening, listing and asking for attributes are made here, by the input's own thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace silt::connectors {

// `program` is started as PROGRAM kFarReadArgument, and calls serve_far_reads(). Once, before any file is
// opened; without it all reads are made here.
inline constexpr char kFarReadArgument[] = "--read-for-parent";
void make_far_reads_with(std::string program);

// Whether reads of this open file are to be made by the child.
bool is_far(int fd);

// As pread(), by a child of this thread's own; kUnavailable when the child cannot be started or ends.
Result<std::size_t> far_read(int fd, std::uint64_t offset, char* data, std::size_t size);

// The child: serves its parent over standard input until that closes. Its exit code.
int serve_far_reads();

}  // namespace silt::connectors
