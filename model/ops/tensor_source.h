// TensorSource: frozen tensors by name, wherever they come from (a weight file, a test's memory).
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/ops/backend.h"

namespace silt::model {

class TensorSource {
 public:
  virtual ~TensorSource() = default;
  // A [in, out] matrix, decoded row by row on demand. Must not outlive this object.
  virtual Result<std::unique_ptr<MatrixSource>> matrix(std::string_view name) const = 0;
  // A one-dimensional tensor, decoded.
  virtual Result<std::vector<float>> vector(std::string_view name) const = 0;
};

}  // namespace silt::model
