// What people have said is normal: changes of a source that are no news until a given time. Rows lie with their source,
// so they go when it is deleted; those of patterns, when its fold begins again. Safe from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "daemon/store/types.h"

namespace silt::store {

struct NormalRow {
  SourceRef source;
  PatternId pattern = 0;        // 0: the source as a whole
  std::uint32_t kind = 0;       // watch::Kind
  std::int64_t until_us = 0;
  std::int64_t created_us = 0;
  std::string created_by;       // the caller's name
  std::string note;
  friend bool operator==(const NormalRow&, const NormalRow&) = default;
};

class NormalStore {
 public:
  virtual ~NormalStore() = default;
  virtual Result<std::vector<NormalRow>> normals() const = 0;  // by source, pattern and kind
  // All or nothing, durable on return. One of the same source, pattern and kind is replaced; those of sources that
  // are not there are left out.
  virtual Status put_normals(const std::vector<NormalRow>& rows) = 0;
  virtual Status remove_normals(const std::vector<NormalRow>& rows) = 0;
};

}  // namespace silt::store
