// The matrix products of one learning step, by themselves: the yardstick for the whole step.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "bench/timed_backend.h"
#include "model/ops/config.h"

namespace silt::bench {

// `count` products C[m, n] = A[m, k] B[k, n] with different B.
struct ProductShape {
  std::string name;
  int m, k, n;
  int count;
  double flops() const { return 2.0 * m * k * n * count; }
};

// Of a mini-batch that is read and learned. Attention is not among them; attention_flops() counts it.
std::vector<ProductShape> step_products(const model::ModelConfig& config);
double flops_of(const std::vector<ProductShape>& shapes);
double read_flops(const model::ModelConfig& config);   // forward only, attention included
double learn_flops(const model::ModelConfig& config);  // all, attention included

// A way to run them: B packed beforehand in memory of its own (as weights are, so a pass finds it as
// cold as a step does), results in single precision.
class Products {
 public:
  virtual ~Products() = default;
  virtual std::string name() const = 0;
  // Runs all products of shape `index` once.
  virtual void run(std::size_t index) = 0;
};

// silt's own kernels of one path ("cpu-amx", ...).
std::unique_ptr<Products> own_products(const std::string& backend, int threads,
                                       const std::vector<ProductShape>& shapes);
// oneDNN's, or null when this build has none. One thread only, and the best path it finds.
std::unique_ptr<Products> onednn_products(const std::vector<ProductShape>& shapes);

}  // namespace silt::bench
