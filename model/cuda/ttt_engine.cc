#include "model/cuda/ttt_engine.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "model/cuda/runtime.h"
#include "model/cuda/slot_pool.h"
#include "model/cuda/ttt_kernels.h"

namespace silt::model::cuda {

class TttNet {
 public:
  Status use() const {
    SILT_CUDA(cudaSetDevice(device));
    return Status::ok();
  }

  int device = 0;
  TttShape shape = {};
  std::string name;
  const float* embedding = nullptr;  // [vocabulary, width]
  const float* final_norm = nullptr;
  std::vector<TttTensors> layers;
  const float* initial = nullptr;  // W_0, as states are
  const float2* rotary = nullptr;
  std::vector<DeviceMemory> memory, chunks;
  std::unique_ptr<SlotPool> pool;
};

namespace {

constexpr int kLanesMax = 64;
constexpr int kHeadRows = 1024;   // whose logits there are at a time
constexpr std::size_t kSlotsAChunk = 16;
constexpr std::size_t kSpareBytes = std::size_t{4} << 30;  // of the device, left to workspaces

TttShape shape_of(const ModelConfig& c) {
  TttShape shape = {.layers = c.layers, .width = c.width, .heads = c.heads, .head_width = c.head_width,
                    .mlp_width = c.mlp_width, .vocabulary = c.vocabulary, .minibatch = c.minibatch_tokens, .maps = 0,
                    .inner = {}, .norm_epsilon = c.norm_epsilon, .inner_step = static_cast<float>(c.inner_step()),
                    .query_width = c.query_width(), .projected_width = c.projected_width(), .layer_floats = 0,
                    .state_floats = 0, .trace_floats = 0};
  const std::vector<int> widths = c.inner_widths();
  std::copy(widths.begin(), widths.end(), shape.inner);
  shape.maps = static_cast<int>(widths.size()) - 1;
  for (int i = 0; i < shape.maps; ++i) {
    const auto in = static_cast<std::size_t>(shape.inner[i]), out = static_cast<std::size_t>(shape.inner[i + 1]);
    shape.layer_floats += static_cast<std::size_t>(shape.heads) * (in + 1) * out;
    shape.trace_floats += kTttTokens * (in + out);
  }
  shape.state_floats = shape.layer_floats * static_cast<std::size_t>(shape.layers);
  return shape;
}

// Decodes tensors on the host and puts them on the device.
class Loader {
 public:
  Loader(const TensorSource& source, TttNet& net) : source_(source), net_(net) {}

  template <class T>
  Result<const T*> put(const std::vector<T>& values) {
    SILT_ASSIGN(DeviceMemory memory, DeviceMemory::allocate(values.size() * sizeof(T)));
    SILT_CUDA(cudaMemcpy(memory.as<T>(), values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
    net_.memory.push_back(std::move(memory));
    return static_cast<const T*>(net_.memory.back().as<T>());
  }
  Status read(const std::string& name, std::size_t size, std::vector<float>& values) const {
    SILT_ASSIGN(values, source_.vector(name));
    return values.size() == size ? Status::ok() : data_loss("tensor " + name + " does not have the configured size");
  }
  Result<const float*> vector(const std::string& name, int size) {
    std::vector<float> values;
    SILT_TRY(read(name, static_cast<std::size_t>(size), values));
    return put(values);
  }
  // Row by row into `values`, whose rows are `stride` apart.
  Status read_matrix(const std::string& name, int in, int out, float* values, int stride) const {
    SILT_ASSIGN(const std::unique_ptr<MatrixSource> from, source_.matrix(name));
    if (from->in() != in || from->out() != out) return data_loss("tensor " + name + " does not have the configured shape");
    for (int row = 0; row < in; ++row) from->read_row(row, values + static_cast<std::size_t>(row) * stride);
    return Status::ok();
  }
  // [in, sum of outs], side by side.
  Result<const float*> matrix(const std::string& block, std::initializer_list<const char*> names, int in, std::initializer_list<int> outs) {
    int stride = 0;
    for (const int out : outs) stride += out;
    std::vector<float> values(static_cast<std::size_t>(in) * stride);
    auto out = outs.begin();
    float* at = values.data();
    for (const char* const name : names) {
      SILT_TRY(read_matrix(block + name, in, *out, at, stride));
      at += *out++;
    }
    return put(values);
  }

  Status layer(int number) {
    const TttShape& s = net_.shape;
    const std::string block = "blocks." + std::to_string(number) + ".", ttt = block + "ttt.";
    const int q = s.query_width;
    TttTensors& to = net_.layers.emplace_back();
    SILT_ASSIGN(to.mixer_norm, vector(block + "ttt_norm", s.width));
    SILT_ASSIGN(to.projection, matrix(ttt, {"q", "k", "v", "lr_weight"}, s.width, {q, q, q, s.heads}));
    SILT_ASSIGN(to.output, matrix(ttt, {"o"}, q, {s.width}));
    SILT_ASSIGN(to.mlp_norm, vector(block + "mlp_norm", s.width));
    SILT_ASSIGN(to.gate_up, matrix(block, {"mlp.gate", "mlp.up"}, s.width, {s.mlp_width, s.mlp_width}));
    SILT_ASSIGN(to.down, matrix(block, {"mlp.down"}, s.mlp_width, {s.width}));
    SILT_ASSIGN(to.step_bias, vector(ttt + "lr_bias", s.heads));
    SILT_ASSIGN(to.position_scale, vector(ttt + "position_scale", kTttTokens));
    SILT_ASSIGN(to.scale, vector(ttt + "ln_scale", q));
    SILT_ASSIGN(to.shift, vector(ttt + "ln_shift", q));
    SILT_ASSIGN(to.post_scale, vector(ttt + "post_norm_scale", q));
    SILT_ASSIGN(to.post_shift, vector(ttt + "post_norm_shift", q));
    for (int map = 0; map < s.maps; ++map) {
      const std::string digit = std::to_string(map + 1);
      const int in = s.heads * s.inner[map], out = s.inner[map + 1];
      const std::size_t at = initial_.size();
      initial_.resize(at + static_cast<std::size_t>(in) * out);
      SILT_TRY(read_matrix(ttt + "w" + digit, in, out, initial_.data() + at, out));
      std::vector<float> bias;
      SILT_TRY(read(ttt + "c" + digit, static_cast<std::size_t>(s.heads) * out, bias));
      initial_.insert(initial_.end(), bias.begin(), bias.end());
    }
    return Status::ok();
  }

  Status rest(const ModelConfig& c) {
    std::vector<float2> table;
    for (int place = 0; place < kTttTokens; ++place) {
      for (int i = 0; i < c.head_width / 2; ++i) {
        const double angle = place * std::pow(static_cast<double>(c.rope_theta), -2.0 * i / c.head_width);
        table.push_back({static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))});
      }
    }
    SILT_ASSIGN(net_.rotary, put(table));
    SILT_ASSIGN(net_.initial, put(initial_));
    SILT_ASSIGN(net_.final_norm, vector("final_norm", c.width));
    SILT_ASSIGN(net_.embedding, matrix("", {"embedding"}, c.vocabulary, {c.width}));
    return Status::ok();
  }

 private:
  const TensorSource& source_;
  TttNet& net_;
  std::vector<float> initial_;
};

class Weights final : public HeldWeights {
 public:
  Weights(std::shared_ptr<TttNet> net, std::byte* bytes) : net_(std::move(net)), bytes_(bytes) {}
  ~Weights() override { net_->pool->give_back(bytes_); }
  int device() const override { return net_->device; }
  std::uint64_t bytes() const override { return net_->pool->slot_bytes(); }
  float* values() const { return reinterpret_cast<float*>(bytes_); }

 private:
  std::shared_ptr<TttNet> net_;
  std::byte* bytes_;
};

// Nothing: what a TTT layer remembers is in its weights.
class Window final : public HeldWindow {
 public:
  std::uint64_t bytes() const override { return 0; }
};

class Engine final : public LaneEngine {
 public:
  Engine(std::shared_ptr<TttNet> net, const LaneEngineOptions& options) : net_(std::move(net)), options_(options) {
    options_.lanes_max = std::min(options_.lanes_max, kLanesMax);
  }
  ~Engine() override {
    if (stream_) cudaStreamSynchronize(stream_.get());
  }
  Status start();

  std::string_view name() const override { return net_->name; }
  int lanes_max() const override { return options_.lanes_max; }
  int device() const override { return net_->device; }
  std::uint64_t states_max() const override { return net_->pool->slots_max(); }
  std::uint64_t states_held() const override { return net_->pool->taken(); }
  int steps_in_flight() const override { return 1; }
  int reads_max() const override { return 1; }

  Result<std::shared_ptr<HeldWeights>> allocate_weights() override {
    SILT_TRY(net_->use());
    SILT_ASSIGN(std::byte* const bytes, net_->pool->take());
    return std::shared_ptr<HeldWeights>(std::make_shared<Weights>(net_, bytes));
  }
  Result<std::unique_ptr<HeldWindow>> allocate_window() override { return std::unique_ptr<HeldWindow>(std::make_unique<Window>()); }

  Status read(std::span<HeldState> states) override;
  Status write(HeldWeights& to, std::span<const float> values) override;
  Status write(HeldWindow& /*to*/, int /*rows*/, std::span<const std::uint16_t> /*values*/) override { return Status::ok(); }
  Result<Ticket> submit(std::span<LaneStep> lanes) override;
  Status wait(Ticket ticket) override;

 private:
  // What goes to the device and comes back, one block each; offsets in bytes.
  struct Layout {
    std::size_t lanes, tokens, targets, candidates, nll, frozen_nll, candidate_nats, rest_nats, results, size;
  };
  Layout layout() const;
  template <class T>
  T* on_device(std::size_t offset) const {
    return reinterpret_cast<T*>(block_.as<std::byte>() + offset);
  }
  template <class T>
  T* on_host(std::size_t offset) const {
    return reinterpret_cast<T*>(staged_.data() + offset);
  }
  void fill(std::span<LaneStep> lanes);
  Status pass(int lanes, bool frozen, bool with_candidates);
  Status read_layer(std::size_t layer, int lanes, bool learns);
  Status head(int rows, bool frozen, bool with_candidates);
  void hand_out() const;

  std::shared_ptr<TttNet> net_;
  LaneEngineOptions options_;
  Stream stream_;
  DeviceMemory block_, h_, x_, projected_, mixed_, gate_up_, act_, logits_, work_, trace_;
  PinnedMemory staged_, values_;
  std::span<LaneStep> in_flight_;
  Ticket next_ = 0;
};

Engine::Layout Engine::layout() const {
  const auto lanes = static_cast<std::size_t>(options_.lanes_max), rows = lanes * static_cast<std::size_t>(net_->shape.minibatch);
  const std::size_t places = rows * static_cast<std::size_t>(options_.candidates_per_row);
  Layout out = {};
  const auto place = [&](std::size_t bytes) {
    const std::size_t at = out.size;
    out.size += (bytes + 15) / 16 * 16;
    return at;
  };
  out.lanes = place(lanes * sizeof(TttLane));
  out.tokens = place(rows * sizeof(Token));
  out.targets = place(rows * sizeof(Token));
  out.candidates = place(places * sizeof(Token));
  out.nll = place(rows * sizeof(float));
  out.frozen_nll = place(rows * sizeof(float));
  out.candidate_nats = place(places * sizeof(float));
  out.rest_nats = place(rows * sizeof(float));
  out.results = place(lanes * sizeof(TttResult));
  return out;
}

Status Engine::start() {
  const TttShape& s = net_->shape;
  SILT_TRY(net_->use());
  SILT_ASSIGN(stream_, make_stream());
  const auto lanes = static_cast<std::size_t>(options_.lanes_max), rows = lanes * static_cast<std::size_t>(s.minibatch);
  const auto room = [&](DeviceMemory& memory, std::size_t floats) -> Status {
    SILT_ASSIGN(memory, DeviceMemory::allocate(floats * sizeof(float)));
    SILT_CUDA(cudaMemset(memory.as<float>(), 0, floats * sizeof(float)));
    return Status::ok();
  };
  SILT_TRY(room(block_, layout().size / sizeof(float)));
  SILT_TRY(room(h_, rows * s.width));
  SILT_TRY(room(x_, rows * s.width));
  SILT_TRY(room(projected_, rows * s.projected_width));
  SILT_TRY(room(mixed_, rows * s.query_width));
  SILT_TRY(room(gate_up_, rows * 2 * s.mlp_width));
  SILT_TRY(room(act_, rows * s.mlp_width));
  SILT_TRY(room(logits_, std::min<std::size_t>(rows, kHeadRows) * s.vocabulary));
  SILT_TRY(room(work_, lanes * s.state_floats));
  SILT_TRY(room(trace_, lanes * s.heads * s.trace_floats));
  SILT_CUDA(cudaDeviceSynchronize());
  SILT_ASSIGN(staged_, PinnedMemory::allocate(layout().size));
  SILT_ASSIGN(values_, PinnedMemory::allocate(s.state_floats * sizeof(float)));
  return Status::ok();
}

Status Engine::read(std::span<HeldState> states) {
  SILT_TRY(net_->use());
  for (HeldState& state : states) {
    if (state.weights == nullptr) continue;
    const std::span values(reinterpret_cast<float*>(values_.data()), net_->shape.state_floats);
    const float* const from = static_cast<const Weights&>(*state.weights).values();
    SILT_TRY(copy_to_host(values, from, stream_.get()));
    state.weight_values = values;
  }
  SILT_CUDA(cudaStreamSynchronize(stream_.get()));
  return Status::ok();
}

Status Engine::write(HeldWeights& to, std::span<const float> values) {
  SILT_TRY(net_->use());
  std::memcpy(values_.data(), values.data(), values.size_bytes());
  const std::span staged(reinterpret_cast<const float*>(values_.data()), values.size());
  SILT_TRY(copy_to_device(static_cast<Weights&>(to).values(), staged, stream_.get()));
  SILT_CUDA(cudaStreamSynchronize(stream_.get()));
  return Status::ok();
}

void Engine::fill(std::span<LaneStep> lanes) {
  const Layout at = layout();
  const auto b = static_cast<std::size_t>(net_->shape.minibatch), per_row = static_cast<std::size_t>(options_.candidates_per_row);
  std::memset(staged_.data(), 0, at.nll);
  std::fill_n(on_host<Token>(at.candidates), lanes.size() * b * per_row, -1);
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    const LaneStep& step = lanes[i];
    TttLane& lane = on_host<TttLane>(at.lanes)[i];
    lane.from = step.weights == nullptr ? net_->initial : static_cast<const Weights&>(*step.weights).values();
    lane.next = step.next == nullptr ? nullptr : static_cast<const Weights&>(*step.next).values();
    lane.rows = static_cast<std::int32_t>(step.inputs.size());
    lane.learns = step.learns ? 1 : 0;
    std::copy(step.inputs.begin(), step.inputs.end(), on_host<Token>(at.tokens) + i * b);
    std::copy(step.targets.begin(), step.targets.end(), on_host<Token>(at.targets) + i * b);
    if (step.candidates == nullptr) continue;
    std::copy(step.candidates->tokens.begin(), step.candidates->tokens.end(), on_host<Token>(at.candidates) + i * b * per_row);
  }
}

Status Engine::read_layer(std::size_t layer, int lanes, bool learns) {
  const TttShape& s = net_->shape;
  const TttTensors& t = net_->layers[layer];
  const int rows = lanes * s.minibatch;
  auto* const h = h_.as<float>();
  auto* const x = x_.as<float>();
  cudaStream_t stream = stream_.get();
  SILT_CUDA(ttt_rms_norm(h, t.mixer_norm, rows, s.width, s.norm_epsilon, x, stream));
  SILT_CUDA(ttt_product(x, t.projection, false, false, rows, s.projected_width, s.width, projected_.as<float>(), stream));
  const TttMix mix = {.lanes = on_device<const TttLane>(layout().lanes), .projected = projected_.as<float>(),
                      .rotary = net_->rotary, .work = work_.as<float>() + layer * s.layer_floats,
                      .trace = trace_.as<float>(), .out = mixed_.as<float>(), .learns = learns};
  SILT_CUDA(ttt_mix(mix, t, s, lanes, stream));
  SILT_CUDA(ttt_product(mixed_.as<float>(), t.output, false, true, rows, s.width, s.query_width, h, stream));
  SILT_CUDA(ttt_rms_norm(h, t.mlp_norm, rows, s.width, s.norm_epsilon, x, stream));
  SILT_CUDA(ttt_product(x, t.gate_up, false, false, rows, 2 * s.mlp_width, s.width, gate_up_.as<float>(), stream));
  SILT_CUDA(ttt_swiglu(gate_up_.as<float>(), rows, s.mlp_width, act_.as<float>(), stream));
  SILT_CUDA(ttt_product(act_.as<float>(), t.down, false, true, rows, s.width, s.mlp_width, h, stream));
  return Status::ok();
}

Status Engine::head(int rows, bool frozen, bool with_candidates) {
  const TttShape& s = net_->shape;
  const Layout at = layout();
  SILT_CUDA(ttt_rms_norm(h_.as<float>(), net_->final_norm, rows, s.width, s.norm_epsilon, x_.as<float>(), stream_.get()));
  for (int first = 0; first < rows; first += kHeadRows) {
    const int count = std::min(kHeadRows, rows - first);
    SILT_CUDA(ttt_product(x_.as<float>() + static_cast<std::size_t>(first) * s.width, net_->embedding, true, false, count,
                          s.vocabulary, s.width, logits_.as<float>(), stream_.get()));
    const TttScores scores = {.logits = logits_.as<float>(), .targets = on_device<Token>(at.targets),
                              .candidates = with_candidates ? on_device<Token>(at.candidates) : nullptr,
                              .per_row = options_.candidates_per_row, .nll = on_device<float>(frozen ? at.frozen_nll : at.nll),
                              .candidate_nats = on_device<float>(at.candidate_nats), .rest_nats = on_device<float>(at.rest_nats)};
    SILT_CUDA(ttt_scores(scores, first, count, s.vocabulary, stream_.get()));
  }
  return Status::ok();
}

// All layers over the working copies of the states, which the learning pass leaves as the step wants them.
Status Engine::pass(int lanes, bool frozen, bool with_candidates) {
  const TttShape& s = net_->shape;
  const Layout at = layout();
  SILT_CUDA(ttt_start(on_device<const TttLane>(at.lanes), frozen ? net_->initial : nullptr, s, lanes, work_.as<float>(), stream_.get()));
  SILT_CUDA(ttt_embed(on_device<Token>(at.tokens), net_->embedding, lanes * s.minibatch, s.width, h_.as<float>(), stream_.get()));
  for (std::size_t layer = 0; layer < net_->layers.size(); ++layer) SILT_TRY(read_layer(layer, lanes, !frozen));
  return head(lanes * s.minibatch, frozen, with_candidates);
}

Result<LaneEngine::Ticket> Engine::submit(std::span<LaneStep> lanes) {
  SILT_TRY(net_->use());
  if (!in_flight_.empty() || lanes.empty() || lanes.size() > static_cast<std::size_t>(options_.lanes_max)) {
    return internal_error("a step of " + std::to_string(lanes.size()) + " lanes while " + std::to_string(in_flight_.size()) + " are in flight");
  }
  const Layout at = layout();
  const auto count = static_cast<int>(lanes.size());
  fill(lanes);
  SILT_CUDA(cudaMemcpyAsync(block_.as<std::byte>(), staged_.data(), at.nll, cudaMemcpyHostToDevice, stream_.get()));
  if (options_.frozen_scores) SILT_TRY(pass(count, /*frozen=*/true, false));
  const bool with_candidates = std::any_of(lanes.begin(), lanes.end(), [](const LaneStep& lane) { return lane.candidates != nullptr; });
  SILT_TRY(pass(count, /*frozen=*/false, with_candidates));
  SILT_CUDA(ttt_finish(on_device<const TttLane>(at.lanes), net_->shape, count, work_.as<float>(), on_device<float>(at.nll),
                       on_device<TttResult>(at.results), stream_.get()));
  SILT_CUDA(cudaMemcpyAsync(staged_.data() + at.nll, block_.as<std::byte>() + at.nll, at.size - at.nll, cudaMemcpyDeviceToHost, stream_.get()));
  in_flight_ = lanes;
  return next_++;
}

Status Engine::wait(Ticket /*ticket*/) {
  SILT_TRY(net_->use());
  SILT_CUDA(cudaStreamSynchronize(stream_.get()));
  hand_out();
  in_flight_ = {};
  return Status::ok();
}

void Engine::hand_out() const {
  const Layout at = layout();
  const auto b = static_cast<std::size_t>(net_->shape.minibatch), per_row = static_cast<std::size_t>(options_.candidates_per_row);
  for (std::size_t i = 0; i < in_flight_.size(); ++i) {
    LaneStep& lane = in_flight_[i];
    const std::size_t rows = lane.nll.size();
    std::copy_n(on_host<float>(at.nll) + i * b, rows, lane.nll.begin());
    if (options_.frozen_scores) std::copy_n(on_host<float>(at.frozen_nll) + i * b, lane.frozen_nll.size(), lane.frozen_nll.begin());
    if (lane.candidates != nullptr) {
      std::copy_n(on_host<float>(at.rest_nats) + i * b, rows, lane.candidates->rest_nats.begin());
      std::copy_n(on_host<float>(at.candidate_nats) + i * b * per_row, rows * per_row, lane.candidates->nats.begin());
    }
    if (lane.next == nullptr) continue;
    const TttResult& result = on_host<TttResult>(at.results)[i];
    lane.gradient_norm = std::sqrt(result.squared_change);
    lane.skipped = result.learned == 0;
  }
}

}  // namespace

Result<std::shared_ptr<TttNet>> open_ttt_net(int device, const TensorSource& source, const ModelConfig& config,
                                             std::size_t bytes_max) {
  auto net = std::make_shared<TttNet>();
  net->device = device;
  net->shape = shape_of(config);
  SILT_TRY(net->use());
  cudaDeviceProp properties = {};
  SILT_CUDA(cudaGetDeviceProperties(&properties, device));
  net->name = "cuda-sm" + std::to_string(properties.major) + std::to_string(properties.minor) + "-f32";
  Loader loader(source, *net);
  for (int layer = 0; layer < config.layers; ++layer) SILT_TRY(loader.layer(layer));
  SILT_TRY(loader.rest(config));
  if (bytes_max == 0) {
    std::size_t free = 0, total = 0;
    SILT_CUDA(cudaMemGetInfo(&free, &total));
    bytes_max = free > kSpareBytes ? free - kSpareBytes : 0;
  }
  const std::size_t slot = (net->shape.state_floats * sizeof(float) + 255) / 256 * 256;
  if (bytes_max < slot) return resource_exhausted("the GPU has no room for a single state; use backend cpu");
  net->pool = std::make_unique<SlotPool>(slot, kSlotsAChunk, bytes_max / slot, [net = net.get()](std::size_t bytes) -> Result<std::byte*> {
    SILT_ASSIGN(DeviceMemory chunk, DeviceMemory::allocate(bytes));
    net->chunks.push_back(std::move(chunk));
    return net->chunks.back().as<std::byte>();
  });
  return net;
}

Result<std::unique_ptr<LaneEngine>> make_ttt_engine(std::shared_ptr<TttNet> net, const LaneEngineOptions& options) {
  auto engine = std::make_unique<Engine>(std::move(net), options);
  SILT_TRY(engine->start());
  return std::unique_ptr<LaneEngine>(std::move(engine));
}

}  // namespace silt::model::cuda
