#include "connectors/line_splitter.h"

namespace silt::connectors {

bool LineSplitter::next(std::string_view& line) {
  const std::string_view open = rest();
  const std::size_t size = find_line_end(open, encoding_);
  if (size == std::string_view::npos) return false;
  line = open.substr(0, size);
  consumed_ += size + unit_bytes(encoding_);
  return true;
}

}  // namespace silt::connectors
