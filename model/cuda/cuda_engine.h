// The LaneEngine for NVIDIA GPUs of compute capability 8.0 and above.
//
// Steps are recorded as CUDA graphs, one for each number of lanes (1, 2, 4 ... 256; a step is padded to the next)
// and for learning or not, and played on one stream. States stay on the device: fast weights in float32 and
// bfloat16, keys and values of the window, and its normed inputs, from which another path can rebuild them.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "model/ops/config.h"
#include "model/ops/lane_engine.h"
#include "model/ops/tensor_source.h"

namespace silt::model {

// Whether this build has the engine, and what of it: for --version.
std::string cuda_build();
// GPUs that it could use here.
int cuda_devices();

struct CudaOptions {
  int device = 0;
  std::size_t state_bytes_max = 0;  // 0: nearly all of the device's memory
  LaneEngineOptions lanes;
};

// What engines of one process on one device share: opened once for learners and readers.
class CudaDevice;
Result<std::shared_ptr<CudaDevice>> open_cuda_device(const TensorSource& source, const ModelConfig& config,
                                                     const CudaOptions& options);
Result<std::unique_ptr<LaneEngine>> make_cuda_engine(std::shared_ptr<CudaDevice> device,
                                                     const LaneEngineOptions& options);

}  // namespace silt::model
