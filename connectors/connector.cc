#include "connectors/connector.h"

namespace silt::connectors {

void attach(std::span<const Attribute> attributes, Record& record, Arena& arena) {
  Attribute kept[kAttributesMax];
  std::size_t count = 0;
  bool cut = false;
  for (const Attribute& attribute : attributes) {
    if (count == kAttributesMax || attribute.key.size() > kAttributeKeyBytesMax) {
      cut = true;
      continue;
    }
    cut = cut || attribute.value.size() > kAttributeValueBytesMax;
    kept[count++] = {arena.copy(attribute.key),
                     arena.copy(attribute.value.substr(0, kAttributeValueBytesMax))};
  }
  if (cut) record.flags |= kRecordAttributesCut;
  record.attributes = arena.copy(std::span<const Attribute>(kept, count));
}

void Batch::clear() {
  streams.clear();
  cursors.clear();
  bytes = records = 0;
  shared.clear();
  arena.clear();
}

}  // namespace silt::connectors
