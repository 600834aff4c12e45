// cuda_engine.h over devices of tests: a program that links this has GPUs, and can lose one.
//   SILT_FAKE_GPUS=N          there are so many (2)
//   SILT_FAKE_GPU_LOST=D:N    device D is lost at its N-th call
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "model/backends/backends.h"
#include "model/cuda/cuda_engine.h"
#include "tests/model/fake_lane_engine.h"

namespace silt::model {

class CudaDevice {
 public:
  ModelConfig config;
  std::shared_ptr<const Net> net;
  std::shared_ptr<FakeDevice> fake = std::make_shared<FakeDevice>();
};

std::string cuda_build() { return "cuda of tests"; }

int cuda_devices() {
  const char* const count = std::getenv("SILT_FAKE_GPUS");
  return count == nullptr ? 2 : std::atoi(count);
}

Result<std::shared_ptr<CudaDevice>> open_cuda_device(const TensorSource& source, const ModelConfig& config,
                                                     const CudaOptions& options) {
  if (options.device >= cuda_devices()) return failed_precondition("there is no GPU " + std::to_string(options.device) + " here");
  auto device = std::make_shared<CudaDevice>();
  device->config = config;
  device->fake->number = options.device;
  int number = 0, call = 0;
  const char* const lost = std::getenv("SILT_FAKE_GPU_LOST");
  if (lost != nullptr && std::sscanf(lost, "%d:%d", &number, &call) == 2 && number == options.device) device->fake->lost_at = call;
  SILT_ASSIGN(const std::unique_ptr<Backend> backend, open_backend({.name = "cpu"}, config));
  SILT_ASSIGN(device->net, Net::create(source, config, *backend));
  return device;
}

Result<std::unique_ptr<LaneEngine>> make_cuda_engine(std::shared_ptr<CudaDevice> device, const LaneEngineOptions& options) {
  SILT_ASSIGN(std::unique_ptr<Backend> backend, open_backend({.name = "cpu"}, device->config));
  return make_fake_lane_engine(device->net, std::move(backend), options, device->fake);
}

}  // namespace silt::model
