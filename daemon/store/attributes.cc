#include "daemon/store/attributes.h"

#include <algorithm>

#include "base/bytes.h"

namespace silt::store {

std::string encode_attributes(std::span<const Attribute> attributes) {
  ByteWriter out;
  for (const Attribute& attribute : attributes.first(std::min(attributes.size(), kMaxAttributes))) {
    out.string(attribute.key.substr(0, kMaxAttributeKeyBytes));
    out.string(attribute.value.substr(0, kMaxAttributeValueBytes));
  }
  return out.take();
}

Result<std::vector<Attribute>> decode_attributes(std::string_view bytes) {
  std::vector<Attribute> attributes;
  ByteReader in(bytes);
  while (in.ok() && in.remaining() > 0) {
    if (attributes.size() == kMaxAttributes) return data_loss("attributes: more than 64 of them");
    const std::string_view key = in.string();
    const std::string_view value = in.string();
    if (key.size() > kMaxAttributeKeyBytes || value.size() > kMaxAttributeValueBytes) {
      return data_loss("attributes: a key or value is longer than any that was written");
    }
    attributes.push_back({key, value});
  }
  if (!in.ok()) return data_loss("attributes: they end too early");
  return attributes;
}

}  // namespace silt::store
