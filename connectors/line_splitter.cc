#include "connectors/line_splitter.h"

#include <cstring>

namespace silt::connectors {

bool LineSplitter::next(std::string_view& line) {
  const std::string_view open = rest();
  if (open.empty()) return false;
  const void* end = std::memchr(open.data(), '\n', open.size());
  if (end == nullptr) return false;
  line = open.substr(0, static_cast<std::size_t>(static_cast<const char*>(end) - open.data()));
  consumed_ += line.size() + 1;
  return true;
}

}  // namespace silt::connectors
