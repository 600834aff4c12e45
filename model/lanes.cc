#include "model/lanes.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <mutex>
#include <tuple>

#include "model/backends/backends.h"
#include "model/cuda/cuda_engine.h"
#include "model/recall_gate.h"

namespace silt::model {
namespace {

constexpr std::string_view kCuda = "cuda";
constexpr int kReadingLanes = 16;
constexpr int kLanesMax = 1024;

Result<int> device_of(std::string_view name) {
  if (name == kCuda) return 0;
  int device = 0;
  const std::string_view number = name.substr(kCuda.size() + 1);
  const auto [end, failure] = std::from_chars(number.data(), number.data() + number.size(), device);
  if (failure == std::errc() && end == number.data() + number.size() && device >= 0) return device;
  return invalid_argument("backend " + std::string(name) + " names no device; write cuda or cuda:0");
}

// Learners and readers of a process share a device's copy of the weights, and its memory for states.
Result<std::shared_ptr<CudaDevice>> shared_device(const Model& model, const CudaOptions& options) {
  using Key = std::tuple<std::string, int, bool>;
  static std::mutex mutex;
  static std::map<Key, std::weak_ptr<CudaDevice>> devices;
  const std::lock_guard lock(mutex);
  const std::string fingerprint = model.fingerprint().hex();
  for (const bool frozen : {options.lanes.frozen_scores, true}) {  // one with room for more serves, too
    const auto known = devices.find({fingerprint, options.device, frozen});
    if (known == devices.end()) continue;
    if (auto device = known->second.lock(); device != nullptr) return device;
  }
  Result<std::shared_ptr<CudaDevice>> device = open_cuda_device(model.weights(), model.config(), options);
  model.weights().release();
  if (device.is_ok()) devices[{fingerprint, options.device, options.lanes.frozen_scores}] = *device;
  return device;
}

}  // namespace

bool is_lane_backend(std::string_view name) { return name == kCuda || name.starts_with("cuda:"); }

BackendOptions reading(BackendOptions options) {
  options.lanes_max = std::min(options.lanes_max, kReadingLanes);
  return options;
}

Result<std::vector<BackendOptions>> each_device(const BackendOptions& options) {
  if (options.devices < 1) return invalid_argument("a backend has 1 device or more, not " + std::to_string(options.devices));
  SILT_ASSIGN(const int first, device_of(options.name));
  std::vector<BackendOptions> each;
  for (int i = 0; i < options.devices; ++i) {
    BackendOptions& one = each.emplace_back(options);
    one.name = std::string(kCuda) + ":" + std::to_string(first + i);
    one.devices = 1;
    one.threads = std::max(1, options.threads / options.devices);
  }
  return each;
}

Result<Lanes> open_lanes(const Model& model, const BackendOptions& options, bool frozen_scores) {
  if (options.lanes_max < 1 || options.lanes_max > kLanesMax) {
    return invalid_argument("a GPU reads 1 to " + std::to_string(kLanesMax) + " lanes side by side, not " +
                            std::to_string(options.lanes_max));
  }
  SILT_ASSIGN(const int device_number, device_of(options.name));
  Lanes lanes;
  SILT_ASSIGN(lanes.host, open_backend({.name = "cpu", .threads = options.threads}, model.config()));
  SILT_ASSIGN(lanes.net, model.net(*lanes.host));
  const CudaOptions cuda = {.device = device_number,
                            .state_bytes_max = options.device_bytes,
                            .lanes = {.frozen_scores = frozen_scores,
                                      .candidates_per_row = model.config().recall_slots_log2 > 0 ? kRecallCandidates : 0,
                                      .lanes_max = options.lanes_max}};
  SILT_ASSIGN(const std::shared_ptr<CudaDevice> device, shared_device(model, cuda));
  SILT_ASSIGN(lanes.engine, make_cuda_engine(device, cuda.lanes));
  return lanes;
}

}  // namespace silt::model
