// A bloom filter of terms: "not in here" is certain, "maybe" is wrong about once in a hundred times.
//
// Blocked: a term's bits all lie in one block of 64 bytes, so that a look-up touches one cache line.
// About 10 bits a term. The bytes are the blocks, nothing else; no bytes is the filter of no terms.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/store/numbered_values.h"

namespace silt::store {

// Collects hash64() of terms; repeats are free.
class BloomBuilder {
 public:
  void add(std::string_view term);
  std::string finish();  // then empty again

 private:
  NumberedValues<std::int64_t> hashes_;
};

inline constexpr std::size_t kBloomBlockBytes = 64;

// `bytes` as finish() gave them: a multiple of kBloomBlockBytes.
bool bloom_may_contain(std::string_view bytes, std::string_view term);

}  // namespace silt::store
