// Attributes of a record, `level=error`, `host=db3`: a short list of keys and values, any bytes.
//
// Encoded: for each, varint length and key, varint length and value; no attributes are no bytes.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace silt::store {

inline constexpr std::size_t kMaxAttributes = 64;
inline constexpr std::size_t kMaxAttributeKeyBytes = 256;
inline constexpr std::size_t kMaxAttributeValueBytes = 4096;

struct Attribute {
  std::string_view key;
  std::string_view value;
  friend bool operator==(const Attribute&, const Attribute&) = default;
};

// Never fails: what is beyond the bounds is left out (attributes) or cut (keys, values).
std::string encode_attributes(std::span<const Attribute> attributes);

// In the order in which they were encoded; views into `bytes`. Anything that encode_attributes() could
// not have written is kDataLoss.
Result<std::vector<Attribute>> decode_attributes(std::string_view bytes);

}  // namespace silt::store
