// cuda_engine.h in a build without CUDA.
#include "model/cuda/cuda_engine.h"

namespace silt::model {

class CudaDevice {};

std::string cuda_build() { return "without cuda"; }
int cuda_devices() { return 0; }

Result<std::shared_ptr<CudaDevice>> open_cuda_device(const TensorSource& /*source*/, const ModelConfig& /*config*/,
                                                     const CudaOptions& /*options*/) {
  return failed_precondition("this silt was built without CUDA; use backend cpu, or build it where nvcc is");
}

Result<std::unique_ptr<LaneEngine>> make_cuda_engine(std::shared_ptr<CudaDevice> /*device*/,
                                                     const LaneEngineOptions& /*options*/) {
  return failed_precondition("this silt was built without CUDA");
}

}  // namespace silt::model
