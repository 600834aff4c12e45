#include "connectors/push/stream_names.h"

#include <algorithm>

namespace silt::connectors {

bool StreamNames::is_plain(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == ':' || c == '@';
  };
  return !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), plain);
}

std::string_view StreamNames::stream(std::string_view name, std::uint32_t& brought) {
  if (const auto known = streams_.find(name); known != streams_.end()) return known->second;
  if (!is_plain(name)) return {};
  if (streams_.size() >= all_max_ || brought >= own_max_) {
    ++refused_;
    return {};
  }
  ++brought;
  return streams_.emplace(name, input_ + ":" + std::string(name)).first->second;
}

}  // namespace silt::connectors
