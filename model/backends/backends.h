// The backends of this build: the one place that knows them all.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "model/ops/backend.h"

namespace silt::model {

// Opens a backend for nets of this shape. Asking for a path that this machine lacks is an error that
// lists the available ones, never a silent fallback.
Result<std::unique_ptr<Backend>> open_backend(const BackendOptions& options, const ModelConfig& config);
// Names for BackendOptions that run here, the one that "auto" takes first.
std::vector<std::string> available_backends();

}  // namespace silt::model
