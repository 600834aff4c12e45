// A MatrixSource over numbers in memory.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "model/ops/tensor_source.h"

namespace silt::model {

class MemoryMatrix final : public MatrixSource {
 public:
  MemoryMatrix(int in, int out, std::vector<float> values) : in_(in), out_(out), values_(std::move(values)) {}
  int in() const override { return in_; }
  int out() const override { return out_; }
  void read_row(int row, float* values) const override {
    std::copy_n(values_.begin() + static_cast<std::ptrdiff_t>(row) * out_, out_, values);
  }

 private:
  int in_, out_;
  std::vector<float> values_;
};

}  // namespace silt::model
