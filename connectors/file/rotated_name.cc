#include "connectors/file/rotated_name.h"

namespace silt::connectors {
namespace {

constexpr std::string_view kSeparators = ".-_";
constexpr std::string_view kCountOrDate = "0123456789.-_:+TZ";
constexpr std::string_view kDigits = "0123456789";

// `text` without a trailing count or date and the separator before it; empty when there is none.
std::string_view without_count(std::string_view text) {
  const std::size_t last_other = text.find_last_not_of(kCountOrDate);
  const std::size_t begin = last_other == std::string_view::npos ? 0 : last_other + 1;
  const std::string_view count = text.substr(begin);
  if (begin == 0 || count.find_first_of(kDigits) == std::string_view::npos) return {};
  // The run must start at a separator: "web2-1" is "web2" and 1, "web2" is a name.
  const std::size_t separator = count.find_first_of(kSeparators);
  if (separator == std::string_view::npos) return {};
  if (count.substr(separator).find_first_of(kDigits) == std::string_view::npos) return {};
  return text.substr(0, begin + separator);
}

}  // namespace

std::vector<LiveName> live_names_of(std::string_view name) {
  std::vector<LiveName> found;
  for (const std::string_view ending : {".old", ".prev"}) {
    if (name.size() > ending.size() && name.ends_with(ending)) {
      found.push_back({std::string(name.substr(0, name.size() - ending.size())), true});
      return found;
    }
  }
  if (const std::string_view live = without_count(name); !live.empty())
    found.push_back({std::string(live), true});
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return found;
  if (name.find_first_of(kDigits, dot) != std::string_view::npos) return found;  // the count is the ending
  const std::string_view stem = without_count(name.substr(0, dot));
  if (!stem.empty()) found.push_back({std::string(stem) + std::string(name.substr(dot)), false});
  return found;
}

}  // namespace silt::connectors
