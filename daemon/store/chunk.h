// A chunk: records of one stream as they arrived, one value of the journal. docs/formats.md has the bytes.
//
// Pure functions, safe for any thread. Whatever the bytes, decoding ends with records or with kDataLoss
// and the reason, and allocates at most kChunkBytesMax plus 128 bytes a record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "daemon/store/record.h"

namespace silt::store {

inline constexpr std::size_t kChunkBytesMax = std::size_t{128} << 20;  // before compression
inline constexpr std::size_t kChunkRecordsMax = std::size_t{1} << 20;

struct ChunkInfo {
  std::uint32_t records = 0;
  std::uint64_t text_bytes = 0;
  std::int64_t min_arrival_us = 0;
  std::int64_t max_arrival_us = 0;
};

// Sequence numbers are not stored: the key says the first one, and they are dense. The caller keeps to
// the two bounds above (texts, places and attributes together stay under half of the first).
std::string encode_chunk(std::span<const RecordView> records);

Result<RecordBlock> decode_chunk(std::string_view bytes, Seq first_seq);

// Reads and checks the header alone.
Result<ChunkInfo> peek_chunk(std::string_view bytes);

}  // namespace silt::store
