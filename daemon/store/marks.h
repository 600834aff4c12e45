// Marks and scores in rows of their own, until or beside a segment. Pure functions.
//
// Both encodings: varint count, then columns (docs/formats.md); zstd when it pays. Damage is kDataLoss.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/store/types.h"

namespace silt::store {

std::string encode_marks(std::span<const FoldMark> marks);
Result<std::vector<FoldMark>> decode_marks(std::string_view bytes);

// Surprises are kept to a 64th of a nat. Seqs ascend.
std::string encode_scores(std::span<const Score> scores);
Result<std::vector<Score>> decode_scores(std::string_view bytes);

}  // namespace silt::store
