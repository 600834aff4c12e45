// The reference backend: the specification of model/backend.h in scalar code, one thread.
//
// "ref-f32" is what the fast backends are compared with, "ref-f64" checks it, and
// std::complex<double> differentiates the whole net by complex steps (tests only).
#pragma once

#include <complex>
#include <memory>

#include "model/ops/backend.h"

namespace silt::model {

template <class T>
class RefBackend : public Backend {
 public:
  // The mean of the last cross_entropy() in full type: complex steps read its imaginary part.
  virtual T last_loss() const = 0;
};

// T: float, double or std::complex<double>.
template <class T>
std::unique_ptr<RefBackend<T>> make_ref_backend(const ModelConfig& config);

}  // namespace silt::model
