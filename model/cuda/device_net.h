// DeviceNet: the frozen weights in a device's memory, as the engine's products read them, and the pools of what
// states hold there. Immutable but for the pools; shared by the engines of a process on one device.
//
// Gains of norms in front of a SwiGLU are folded into its gate and up, which an adapted block's two SwiGLUs have
// side by side: gate | up | fast gate | fast up. The norm of attention keeps its gain, for what it gives is
// stored in states. Weights are rounded to bfloat16, nothing else is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "model/cuda/kernels.h"
#include "model/cuda/runtime.h"
#include "model/cuda/shared_products.h"
#include "model/cuda/slot_pool.h"
#include "model/ops/config.h"
#include "model/ops/tensor_source.h"

namespace silt::model::cuda {

// Whether the engine runs nets of this shape: kFailedPrecondition names the field and the rule.
Status check_shape(const ModelConfig& config);
Shape shape_of(const ModelConfig& config, bool frozen);

// What states hold, in elements.
std::size_t weights_elements(const Shape& shape);  // of one version, masters; as many rounded
std::size_t kv_elements(const Shape& shape);
std::size_t frozen_kv_elements(const Shape& shape);
std::size_t x_elements(const Shape& shape);
std::size_t frozen_x_elements(const Shape& shape);
std::size_t weights_slot_bytes(const Shape& shape);
std::size_t window_slot_bytes(const Shape& shape);
// How many states fit into so many bytes.
std::size_t states_in(const Shape& shape, std::size_t bytes);

struct DeviceBlock {
  const float* attention_gain = nullptr;  // [width]
  const Half* qkv = nullptr;              // [qkv_width, width]: all matrices [out, in]
  const Half* output = nullptr;           // [width, attention_width]
  const Half* gate_up = nullptr;          // [2 mlp_width (+ 2 fast_width), width]
  const Half* down = nullptr;             // [width, mlp_width]
};

class DeviceNet {
 public:
  // Reads all tensors. `bytes_max` of states; 0: nearly all memory that is left.
  static Result<std::shared_ptr<DeviceNet>> create(int device, const TensorSource& source, const ModelConfig& config,
                                                   bool frozen, int lanes_max, std::size_t bytes_max);

  // Call on every thread that is about to use the device.
  Status use() const;

  int device = 0;
  Shape shape = {};
  std::string name;  // of the path: the architecture, and a digest of what the products compute
  const Half* embedding = nullptr;       // [vocabulary, width]
  const float* final_gain = nullptr;
  std::vector<DeviceBlock> blocks;
  std::vector<const Half*> initial_down;  // of each fast layer [width, fast_width], W_0 for frozen scores
  const float* initial = nullptr;         // W_0 as LaneArgs has weights
  const Half* initial_pack = nullptr;
  const float* steps = nullptr;           // [fast_layers][fast_width]
  const float* decays = nullptr;
  const float2* rotary = nullptr;         // [(window_blocks + 1) * 128][32]
  std::unique_ptr<SharedProducts> products;
  std::unique_ptr<SlotPool> weights_pool, window_pool;

 private:
  friend class Loader;
  Status make_pools(std::size_t bytes_max, int lanes_max);
  std::vector<DeviceMemory> memory_;
  std::vector<DeviceMemory> weights_chunks_, window_chunks_;  // of the pools, each under its pool's mutex
};

}  // namespace silt::model::cuda
