// Compression of the store's blocks: zstd for what stays (segments), LZ4 for what is soon sealed (chunks),
// where the time counts more than the bytes. zstd's contexts are kept, one a thread. A failure to compress
// (no memory) ends the process; bytes that cannot be decompressed are kDataLoss.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace silt::store {

// Appends one zstd frame. `level` as in zstd: 1 to 19, negative ones are faster and weaker.
void compress_append(std::string_view raw, int level, std::string& out);

// `packed` must be one frame of exactly `size` bytes, which are written to `out`.
Status decompress(std::string_view packed, char* out, std::size_t size);

// The same in LZ4 blocks, of up to 2 GiB.
void lz4_append(std::string_view raw, std::string& out);
Status unpack_lz4(std::string_view packed, char* out, std::size_t size);

}  // namespace silt::store
