// zstd for blocks of the store. Contexts are kept, one a thread. A failure of zstd to compress (no
// memory) ends the process; bytes that cannot be decompressed are kDataLoss.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace silt::store {

// Appends one frame. `level` as in zstd: 1 to 19, negative ones are faster and weaker.
void compress_append(std::string_view raw, int level, std::string& out);

// `packed` must be one frame of exactly `size` bytes, which are written to `out`.
Status decompress(std::string_view packed, char* out, std::size_t size);

}  // namespace silt::store
