// VectorStore: what the sentence encoder made of patterns, kept so that each is encoded once.
//
// A cache: all of it can be made again, so a row that is damaged, of another encoder or of a text that
// the pattern no longer has is no row. Rows go with their source and with a reset of its fold.
// Safe from any thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "daemon/store/types.h"

namespace silt::store {

struct VectorRow {
  PatternId pattern = 0;
  std::uint64_t text_hash = 0;  // hash64 of the pattern's text
  std::string bytes;            // as their maker packed them
};

class VectorStore {
 public:
  virtual ~VectorStore() = default;
  // `encoder`: hash64 of its fingerprint. In the order of patterns.
  virtual Status vectors(SourceRef source, std::uint64_t encoder, std::vector<VectorRow>& out) const = 0;
  // Of a source that was deleted nothing is kept.
  virtual Status put_vectors(SourceRef source, std::uint64_t encoder, std::span<const VectorRow> rows) = 0;
};

}  // namespace silt::store
