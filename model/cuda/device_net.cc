#include "model/cuda/device_net.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <initializer_list>

#include "model/cuda/step.h"

namespace silt::model::cuda {
namespace {

constexpr std::size_t kSlotsAChunk = 16;
constexpr std::size_t kSpareBytes = std::size_t{1} << 30;  // of the device, left to libraries and recorded steps
constexpr std::size_t kEngines = 2;                          // whose workspace must fit, too

Half rounded(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (std::isnan(value)) return static_cast<Half>(bits >> 16 | 0x40);
  return static_cast<Half>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

Status wrong_shape(const char* field, int value, const std::string& rule) {
  return failed_precondition("backend cuda runs nets whose " + std::string(field) + " is " + rule + ", this one's is " +
                             std::to_string(value) + "; use backend cpu");
}

}  // namespace

Status check_shape(const ModelConfig& c) {
  if (c.learns_gate_up()) return failed_precondition("backend cuda runs nets that learn down alone; use backend cpu");
  if (c.minibatch_tokens != kBlockRows) return wrong_shape("minibatch_tokens", c.minibatch_tokens, "128");
  if (c.head_width != kHeadWidth) return wrong_shape("head_width", c.head_width, "64");
  if (c.kv_heads != c.heads) return wrong_shape("kv_heads", c.kv_heads, "that of its heads");
  if (c.width % 64 != 0 || c.width > 1024) return wrong_shape("width", c.width, "a multiple of 64 up to 1024");
  if (c.mlp_width % 64 != 0) return wrong_shape("mlp_width", c.mlp_width, "a multiple of 64");
  if (c.fast_width % 128 != 0) return wrong_shape("fast_width", c.fast_width, "a multiple of 128");
  if (c.fast_layers > kFastLayersMax) return wrong_shape("fast_layers", c.fast_layers, "at most 8");
  if (!cross_entropy_takes(c.vocabulary) || c.vocabulary % (kHeadParts * 64) != 0) {
    return wrong_shape("vocabulary", c.vocabulary, "a multiple of 256 up to 32768");
  }
  return Status::ok();
}

Shape shape_of(const ModelConfig& c, bool frozen) {
  return {.width = c.width,
          .heads = c.heads,
          .mlp_width = c.mlp_width,
          .fast_width = c.fast_width,
          .vocabulary = c.vocabulary,
          .layers = c.layers,
          .fast_layers = c.fast_layers,
          .window_blocks = c.window_tokens / c.minibatch_tokens,
          .norm_epsilon = c.norm_epsilon,
          .clip_norm = c.clip_norm,
          .frozen = frozen};
}

std::size_t weights_elements(const Shape& s) { return s.fast_size() * static_cast<std::size_t>(s.fast_layers); }
std::size_t kv_elements(const Shape& s) { return 2 * s.ring_size() * static_cast<std::size_t>(s.layers); }
std::size_t frozen_kv_elements(const Shape& s) {
  return s.frozen ? 2 * s.ring_size() * static_cast<std::size_t>(s.fast_layers - 1) : 0;
}
std::size_t x_elements(const Shape& s) { return s.x_size() * static_cast<std::size_t>(s.layers); }
std::size_t frozen_x_elements(const Shape& s) {
  return s.frozen ? s.x_size() * static_cast<std::size_t>(s.fast_layers - 1) : 0;
}
std::size_t weights_slot_bytes(const Shape& s) { return weights_elements(s) * (sizeof(float) + sizeof(Half)); }
std::size_t window_slot_bytes(const Shape& s) {
  return (kv_elements(s) + frozen_kv_elements(s) + x_elements(s) + frozen_x_elements(s)) * sizeof(Half);
}
std::size_t states_in(const Shape& s, std::size_t bytes) {
  return bytes / (weights_slot_bytes(s) + window_slot_bytes(s));
}

// Decodes tensors on the host and puts them on the device.
class Loader {
 public:
  Loader(const TensorSource& source, DeviceNet& net) : source_(source), net_(net) {}

  template <class T>
  Result<const T*> put(const std::vector<T>& values) {
    SILT_ASSIGN(DeviceMemory memory, DeviceMemory::allocate(values.size() * sizeof(T)));
    SILT_CUDA(cudaMemcpy(memory.as<T>(), values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
    net_.memory_.push_back(std::move(memory));
    return static_cast<const T*>(net_.memory_.back().as<T>());
  }

  Result<std::vector<float>> vector(const std::string& name, int size) const {
    SILT_ASSIGN(std::vector<float> values, source_.vector(name));
    if (values.size() == static_cast<std::size_t>(size)) return values;
    return data_loss("tensor " + name + " has " + std::to_string(values.size()) + " values, the configuration needs " +
                     std::to_string(size));
  }

  // Row-major [in, out].
  Result<std::vector<float>> matrix(const std::string& name, int in, int out) const {
    SILT_ASSIGN(const std::unique_ptr<MatrixSource> from, source_.matrix(name));
    if (from->in() != in || from->out() != out) {
      return data_loss("tensor " + name + " is " + std::to_string(from->in()) + " x " + std::to_string(from->out()) +
                       ", the configuration needs " + std::to_string(in) + " x " + std::to_string(out));
    }
    std::vector<float> values(static_cast<std::size_t>(in) * out);
    for (int row = 0; row < in; ++row) from->read_row(row, values.data() + static_cast<std::size_t>(row) * out);
    return values;
  }

  // Appends matrix `name` [in, out] to `to` as rows of its outputs, each input times its gain.
  Status add_turned(const std::string& name, int in, int out, const std::vector<float>* gain,
                    std::vector<Half>& to) const {
    SILT_ASSIGN(const std::vector<float> values, matrix(name, in, out));
    const std::size_t base = to.size();
    to.resize(base + values.size());
    for (int i = 0; i < in; ++i) {
      const float factor = gain == nullptr ? 1.0f : (*gain)[static_cast<std::size_t>(i)];
      for (int o = 0; o < out; ++o) {
        const float value = values[static_cast<std::size_t>(i) * out + o] * factor;
        to[base + static_cast<std::size_t>(o) * in + i] = rounded(value);
      }
    }
    return Status::ok();
  }

  Result<const Half*> turned(const std::string& prefix, std::initializer_list<const char*> names, int in,
                             std::initializer_list<int> outs) {
    std::vector<Half> values;
    auto out = outs.begin();
    for (const char* name : names) SILT_TRY(add_turned(prefix + name, in, *out++, nullptr, values));
    return put(values);
  }

  Status block(int layer, DeviceBlock& block) {
    const Shape& s = net_.shape;
    const std::string name = "blocks." + std::to_string(layer) + ".";
    const int width = s.attention_width();
    SILT_ASSIGN(const std::vector<float> gain, vector(name + "attention_norm", s.width));
    SILT_ASSIGN(block.attention_gain, put(gain));
    SILT_ASSIGN(block.qkv, turned(name, {"attention.q", "attention.k", "attention.v"}, s.width, {width, width, width}));
    SILT_ASSIGN(block.output, turned(name, {"attention.o"}, width, {s.width}));
    SILT_ASSIGN(block.down, turned(name, {"mlp.down"}, s.mlp_width, {s.width}));
    std::vector<Half> gate_up;
    SILT_ASSIGN(const std::vector<float> mlp_gain, vector(name + "mlp_norm", s.width));
    SILT_TRY(add_turned(name + "mlp.gate", s.width, s.mlp_width, &mlp_gain, gate_up));
    SILT_TRY(add_turned(name + "mlp.up", s.width, s.mlp_width, &mlp_gain, gate_up));
    if (layer >= s.prefix_layers()) {
      SILT_ASSIGN(const std::vector<float> fast_gain, vector(name + "fast_norm", s.width));
      SILT_TRY(add_turned(name + "fast.gate", s.width, s.fast_width, &fast_gain, gate_up));
      SILT_TRY(add_turned(name + "fast.up", s.width, s.fast_width, &fast_gain, gate_up));
    }
    SILT_ASSIGN(block.gate_up, put(gate_up));
    return Status::ok();
  }

  // What learns: W_0 in both forms, steps, decays.
  Status fast() {
    const Shape& s = net_.shape;
    std::vector<float> initial, steps, decays;
    for (int i = 0; i < s.fast_layers; ++i) {
      const std::string name = "blocks." + std::to_string(s.prefix_layers() + i) + ".fast.";
      SILT_ASSIGN(const std::vector<float> down, matrix(name + "down", s.fast_width, s.width));
      SILT_ASSIGN(const std::vector<float> step, vector(name + "step", s.fast_width));
      SILT_ASSIGN(const std::vector<float> decay, vector(name + "decay", s.fast_width));
      initial.insert(initial.end(), down.begin(), down.end());
      steps.insert(steps.end(), step.begin(), step.end());
      decays.insert(decays.end(), decay.begin(), decay.end());
      SILT_ASSIGN(const Half* const turned_down, turned(name, {"down"}, s.fast_width, {s.width}));
      net_.initial_down.push_back(turned_down);
    }
    std::vector<Half> pack(initial.size());
    std::transform(initial.begin(), initial.end(), pack.begin(), rounded);
    SILT_ASSIGN(net_.initial, put(initial));
    SILT_ASSIGN(net_.initial_pack, put(pack));
    SILT_ASSIGN(net_.steps, put(steps));
    SILT_ASSIGN(net_.decays, put(decays));
    return Status::ok();
  }

  Status rotary(double theta) {
    std::vector<float2> table;
    for (int place = 0; place < (net_.shape.window_blocks + 1) * kBlockRows; ++place) {
      for (int c = 0; c < kHeadWidth / 2; ++c) {
        const double angle = place * std::pow(theta, -2.0 * c / kHeadWidth);
        table.push_back({static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))});
      }
    }
    SILT_ASSIGN(net_.rotary, put(table));
    return Status::ok();
  }

  Status head() {
    const Shape& s = net_.shape;
    SILT_ASSIGN(const std::vector<float> rows, matrix("embedding", s.vocabulary, s.width));
    std::vector<Half> halves(rows.size());
    std::transform(rows.begin(), rows.end(), halves.begin(), rounded);
    SILT_ASSIGN(net_.embedding, put(halves));
    SILT_ASSIGN(const std::vector<float> gain, vector("final_norm", s.width));
    SILT_ASSIGN(net_.final_gain, put(gain));
    return Status::ok();
  }

 private:
  const TensorSource& source_;
  DeviceNet& net_;
};

Status DeviceNet::use() const {
  SILT_CUDA(cudaSetDevice(device));
  return Status::ok();
}

Status DeviceNet::make_pools(std::size_t bytes_max, int lanes_max) {
  if (bytes_max == 0) {
    const std::size_t spare = kSpareBytes + kEngines * Workspace::bytes(shape, padded(lanes_max), kCandidatesMax);
    std::size_t free = 0, total = 0;
    SILT_CUDA(cudaMemGetInfo(&free, &total));
    bytes_max = free > spare ? free - spare : 0;
  }
  const std::size_t states = states_in(shape, bytes_max);
  if (states == 0) return resource_exhausted("the GPU has no room for a single state; use backend cpu");
  const auto into = [](std::vector<DeviceMemory>& chunks) {
    return [&chunks](std::size_t bytes) -> Result<std::byte*> {
      SILT_ASSIGN(DeviceMemory chunk, DeviceMemory::allocate(bytes));
      chunks.push_back(std::move(chunk));
      return chunks.back().as<std::byte>();
    };
  };
  weights_pool = std::make_unique<SlotPool>(weights_slot_bytes(shape), kSlotsAChunk, states, into(weights_chunks_));
  window_pool = std::make_unique<SlotPool>(window_slot_bytes(shape), kSlotsAChunk, states, into(window_chunks_));
  return Status::ok();
}

Result<std::shared_ptr<DeviceNet>> DeviceNet::create(int device, const TensorSource& source, const ModelConfig& config,
                                                     bool frozen, int lanes_max, std::size_t bytes_max) {
  SILT_TRY(check_shape(config));
  auto net = std::make_shared<DeviceNet>();
  net->device = device;
  SILT_TRY(net->use());
  cudaDeviceProp properties = {};
  SILT_CUDA(cudaGetDeviceProperties(&properties, device));
  net->shape = shape_of(config, frozen);
  net->blocks.resize(static_cast<std::size_t>(config.layers));
  Loader loader(source, *net);
  SILT_TRY(loader.head());
  for (int layer = 0; layer < config.layers; ++layer) {
    SILT_TRY(loader.block(layer, net->blocks[static_cast<std::size_t>(layer)]));
  }
  SILT_TRY(loader.fast());
  SILT_TRY(loader.rotary(config.rope_theta));
  SILT_ASSIGN(net->products, SharedProducts::create());
  for (const Product& kind : products_of(*net)) SILT_TRY(net->products->prepare(kind, row_counts(lanes_max)));
  net->name = "cuda-sm" + std::to_string(properties.major) + std::to_string(properties.minor) + "-" +
              net->products->digest().hex().substr(0, 8);
  SILT_TRY(net->make_pools(bytes_max, lanes_max));
  return net;
}

}  // namespace silt::model::cuda
