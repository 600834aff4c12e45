// What is shown of sources beside changes: of one telling, so that what it has read of the store it keeps.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemon/store/fold_store.h"
#include "daemon/store/types.h"

namespace silt::watch {

using Sources = std::map<store::SourceRef, store::SourceInfo>;
Sources by_ref(const std::vector<store::SourceInfo>& infos);

// Escaped texts of patterns, whose rows are read once a source. `folds` must outlive it.
class PatternTexts {
 public:
  explicit PatternTexts(const store::FoldStore& folds) : folds_(folds) {}
  // Empty where there is no such pattern, or its source cannot be read.
  std::string of(store::SourceRef source, store::PatternId pattern);

 private:
  const store::FoldStore& folds_;
  std::map<store::SourceRef, std::map<store::PatternId, std::string>> texts_;
};

}  // namespace silt::watch
