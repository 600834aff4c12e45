// What siltd does with a store that no daemon has open: digests, export. Reads only.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace silt::daemon {

// One line for each source.
Result<std::string> store_digest(const std::string& path);

// Each record as one line of JSON (export.h), source by source. `source`: a name as it is printed; empty:
// all. A damaged block is told of by `warn` and left out.
Status export_store(const std::string& path, const std::string& source,
                    const std::function<void(std::string_view line)>& write,
                    const std::function<void(const std::string& warning)>& warn);

}  // namespace silt::daemon
