#include "daemon/answer/search/quantities.h"

namespace silt::answer::search {

void for_each_quantity(std::string_view text, const std::function<void(const Quantity&, std::size_t)>& quantity) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool digit = text[at] >= '0' && text[at] <= '9';
    if (!digit || (at > 0 && text[at - 1] > ' ' && text[at - 1] != '(' && text[at - 1] != '`')) continue;
    if (const auto found = read_quantity(text.substr(at))) quantity(*found, at);
  }
}

}  // namespace silt::answer::search
