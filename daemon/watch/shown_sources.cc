#include "daemon/watch/shown_sources.h"

#include "base/escape.h"

namespace silt::watch {

Sources by_ref(const std::vector<store::SourceInfo>& infos) {
  Sources out;
  for (const store::SourceInfo& info : infos) out.emplace(info.ref, info);
  return out;
}

std::string PatternTexts::of(store::SourceRef source, store::PatternId pattern) {
  if (pattern == 0) return {};
  const auto [found, is_first] = texts_.try_emplace(source);
  std::vector<store::PatternRow> rows;
  if (is_first && folds_.patterns(source, rows).is_ok()) {
    for (const store::PatternRow& row : rows) found->second[row.id] = escape_bytes(row.text);
  }
  const auto text = found->second.find(pattern);
  return text == found->second.end() ? std::string() : text->second;
}

}  // namespace silt::watch
