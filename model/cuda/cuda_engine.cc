#include "model/cuda/cuda_engine.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "model/cuda/device_net.h"
#include "model/cuda/runtime.h"
#include "model/cuda/step.h"
#include "model/cuda/ttt_engine.h"

namespace silt::model {

class CudaDevice {
 public:
  std::shared_ptr<cuda::DeviceNet> net;
  std::shared_ptr<cuda::TttNet> ttt;  // of nets with TTT layers, in place of `net`
};

namespace cuda {
namespace {

constexpr int kInFlight = 4;
constexpr int kReads = 16;  // states copied out at once: some 6 MB of pinned memory each

// A slot of a pool, given back with its owner; keeps the device's memory alive.
class Slot {
 public:
  Slot(std::shared_ptr<DeviceNet> net, SlotPool& pool, std::byte* bytes)
      : net_(std::move(net)), pool_(pool), bytes_(bytes) {}
  ~Slot() { pool_.give_back(bytes_); }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  std::byte* bytes() const { return bytes_; }
  std::size_t size() const { return pool_.slot_bytes(); }
  int device() const { return net_->device; }

 private:
  std::shared_ptr<DeviceNet> net_;
  SlotPool& pool_;
  std::byte* bytes_;
};

class Weights final : public HeldWeights {
 public:
  Weights(std::shared_ptr<DeviceNet> net, SlotPool& pool, std::byte* bytes, const Shape& shape)
      : slot_(std::move(net), pool, bytes), masters_(weights_elements(shape)) {}
  int device() const override { return slot_.device(); }
  std::uint64_t bytes() const override { return slot_.size(); }
  float* masters() const { return reinterpret_cast<float*>(slot_.bytes()); }
  Half* pack() const { return reinterpret_cast<Half*>(masters() + masters_); }

 private:
  Slot slot_;
  std::size_t masters_;
};

class Window final : public HeldWindow {
 public:
  Window(std::shared_ptr<DeviceNet> net, SlotPool& pool, std::byte* bytes, const Shape& shape)
      : slot_(std::move(net), pool, bytes), shape_(shape) {}
  std::uint64_t bytes() const override { return slot_.size(); }
  Half* kv() const { return reinterpret_cast<Half*>(slot_.bytes()); }
  Half* frozen_kv() const { return kv() + kv_elements(shape_); }
  Half* x() const { return frozen_kv() + frozen_kv_elements(shape_); }
  Half* frozen_x() const { return x() + x_elements(shape_); }

  // Mini-batches read since it was empty. Block n is in slot n % (window_blocks + 1) of the rings, and of x in
  // n % window_blocks.
  std::uint64_t read = 0;
  int valid() const {
    return static_cast<int>(std::min<std::uint64_t>(read, static_cast<std::uint64_t>(shape_.window_blocks)));
  }
  int slot() const { return static_cast<int>(read % static_cast<std::uint64_t>(shape_.window_blocks + 1)); }
  int x_slot() const { return static_cast<int>(read % static_cast<std::uint64_t>(shape_.window_blocks)); }

 private:
  Slot slot_;
  const Shape& shape_;  // of the net, which the slot keeps
};

// One step that may be in flight: its blocks in pinned memory, and whom the results are for.
struct Flight {
  PinnedMemory input, output;
  Event finished;
  std::vector<LaneStep*> lanes;
  bool learns = false;
  int size = 0;
};

class Engine final : public LaneEngine {
 public:
  static Result<std::unique_ptr<Engine>> create(std::shared_ptr<DeviceNet> net, const LaneEngineOptions& options) {
    auto engine = std::unique_ptr<Engine>(new Engine(std::move(net), options));
    SILT_TRY(engine->start());
    return engine;
  }
  ~Engine() override {
    if (stream_) cudaStreamSynchronize(stream_.get());
  }

  std::string_view name() const override { return net_->name; }
  int lanes_max() const override { return options_.lanes_max; }
  int device() const override { return net_->device; }
  std::uint64_t states_max() const override { return net_->window_pool->slots_max(); }
  std::uint64_t states_held() const override { return net_->window_pool->taken(); }
  int reads_max() const override { return kReads; }
  int steps_in_flight() const override { return kInFlight; }

  Result<std::shared_ptr<HeldWeights>> allocate_weights() override {
    SILT_TRY(net_->use());
    SILT_ASSIGN(std::byte* const bytes, net_->weights_pool->take());
    return std::shared_ptr<HeldWeights>(std::make_shared<Weights>(net_, *net_->weights_pool, bytes, net_->shape));
  }
  Result<std::unique_ptr<HeldWindow>> allocate_window() override {
    SILT_ASSIGN(std::unique_ptr<Window> window, make_window());
    return std::unique_ptr<HeldWindow>(std::move(window));
  }

  Status read(std::span<HeldState> states) override;
  Status write(HeldWeights& to, std::span<const float> values) override;
  Status write(HeldWindow& to, int rows, std::span<const std::uint16_t> values) override;
  Result<Ticket> submit(std::span<LaneStep> lanes) override;
  Status wait(Ticket ticket) override;

 private:
  Engine(std::shared_ptr<DeviceNet> net, const LaneEngineOptions& options) : net_(std::move(net)), options_(options) {}

  Status start();
  Result<std::unique_ptr<Window>> make_window() {
    SILT_TRY(net_->use());
    SILT_ASSIGN(std::byte* const bytes, net_->window_pool->take());
    return std::make_unique<Window>(net_, *net_->window_pool, bytes, net_->shape);
  }
  Status rebuild_keys(const Window& window, int blocks);
  void fill(Flight& flight, std::span<LaneStep> lanes);
  LaneArgs args_of(const LaneStep& step, Window& window) const;
  Result<cudaGraphExec_t> graph(const Flight& flight);
  void hand_out(const Flight& flight) const;
  Result<std::byte*> staging(std::size_t number);
  Status copy_inputs(const Window& window, int blocks, std::byte* host, cudaMemcpyKind direction) const;

  std::shared_ptr<DeviceNet> net_;
  const LaneEngineOptions options_;
  Stream stream_;
  Workspace workspace_;
  std::unique_ptr<Window> spare_;  // of lanes that only pad: all write the same into it
  std::vector<std::unique_ptr<Window>> text_windows_;  // of lanes that bring none
  std::array<Flight, kInFlight> flights_;
  std::map<std::tuple<const Flight*, int, bool>, Graph> graphs_;
  std::vector<PinnedMemory> staging_;  // each with room for the values of a state
  Ticket next_ticket_ = 0, next_done_ = 0;
};

Status Engine::start() {
  SILT_TRY(net_->use());
  SILT_ASSIGN(stream_, make_stream());
  const int lanes = padded(options_.lanes_max);
  SILT_ASSIGN(workspace_, Workspace::allocate(net_->shape, lanes, options_.candidates_per_row));
  for (Flight& flight : flights_) {
    SILT_ASSIGN(flight.input, PinnedMemory::allocate(InputLayout(lanes, options_.candidates_per_row).size));
    SILT_ASSIGN(flight.output, PinnedMemory::allocate(OutputLayout(lanes, options_.candidates_per_row).size));
    SILT_ASSIGN(flight.finished, make_event());
  }
  return Status::ok();
}

// --- states ---------------------------------------------------------------------------------------------

// Pinned memory for the values of a state, weights first.
Result<std::byte*> Engine::staging(std::size_t number) {
  const Shape& s = net_->shape;
  while (staging_.size() <= number) {
    SILT_ASSIGN(PinnedMemory memory, PinnedMemory::allocate(weights_elements(s) * sizeof(float) +
                                                            (x_elements(s) + frozen_x_elements(s)) * sizeof(Half)));
    staging_.push_back(std::move(memory));
  }
  return staging_[number].data();
}

Status Engine::read(std::span<HeldState> states) {
  SILT_TRY(net_->use());
  const Shape& s = net_->shape;
  for (std::size_t i = 0; i < states.size(); ++i) {
    HeldState& state = states[i];
    SILT_ASSIGN(std::byte* const host, staging(i));
    const std::span weights(reinterpret_cast<float*>(host), weights_elements(s));
    if (state.weights != nullptr) {
      const float* const masters = static_cast<const Weights&>(*state.weights).masters();
      SILT_TRY(copy_to_host(weights, masters, stream_.get()));
      state.weight_values = weights;
    }
    if (state.window == nullptr) continue;
    auto* const values = reinterpret_cast<std::uint16_t*>(host + weights.size_bytes());
    SILT_TRY(copy_inputs(static_cast<const Window&>(*state.window), state.rows / kBlockRows,
                         reinterpret_cast<std::byte*>(values), cudaMemcpyDeviceToHost));
    const int layers = s.layers + (options_.frozen_scores ? s.fast_layers - 1 : 0);
    state.window_values = std::span(values, static_cast<std::size_t>(layers) * state.rows * s.width);
  }
  SILT_CUDA(cudaStreamSynchronize(stream_.get()));
  return Status::ok();
}

Status Engine::write(HeldWeights& to, std::span<const float> values) {
  SILT_TRY(net_->use());
  SILT_ASSIGN(std::byte* const host, staging(0));
  const auto& weights = static_cast<Weights&>(to);
  std::memcpy(host, values.data(), values.size_bytes());
  const std::span staged(reinterpret_cast<const float*>(host), values.size());
  SILT_TRY(copy_to_device(weights.masters(), staged, stream_.get()));
  SILT_CUDA(round_weights(weights.masters(), values.size(), weights.pack(), stream_.get()));
  SILT_CUDA(cudaStreamSynchronize(stream_.get()));
  return Status::ok();
}

// The newest blocks of a window's inputs, which lie in rings of equal places: from the oldest to the end of the rings,
// and from their beginning. On the host they lie in order, [layer][blocks * 128][width], first x, then frozen_x.
Status Engine::copy_inputs(const Window& window, int blocks, std::byte* host, cudaMemcpyKind direction) const {
  const Shape& s = net_->shape;
  const auto ring = static_cast<std::uint64_t>(s.window_blocks);
  const std::size_t block = static_cast<std::size_t>(kBlockRows) * s.width * sizeof(Half);
  const std::size_t host_pitch = block * blocks, device_pitch = s.x_size() * sizeof(Half);
  const auto copy = [&](Half* x, int layers) -> Status {
    for (int done_blocks = 0, count = 0; done_blocks < blocks && layers > 0; done_blocks += count) {
      const auto place = static_cast<int>((window.read - static_cast<std::uint64_t>(blocks - done_blocks)) % ring);
      count = std::min(blocks - done_blocks, s.window_blocks - place);
      std::byte* const there = reinterpret_cast<std::byte*>(x) + static_cast<std::size_t>(place) * block;
      std::byte* const here = host + static_cast<std::size_t>(done_blocks) * block;
      const bool out = direction == cudaMemcpyDeviceToHost;
      SILT_CUDA(cudaMemcpy2DAsync(out ? here : there, out ? host_pitch : device_pitch, out ? there : here,
                                  out ? device_pitch : host_pitch, block * count, layers, direction, stream_.get()));
    }
    host += host_pitch * layers;
    return Status::ok();
  };
  SILT_TRY(copy(window.x(), s.layers));
  return options_.frozen_scores ? copy(window.frozen_x(), s.fast_layers - 1) : Status::ok();
}

Status Engine::write(HeldWindow& to, int rows, std::span<const std::uint16_t> values) {
  SILT_TRY(net_->use());
  SILT_ASSIGN(std::byte* const host, staging(0));
  auto& window = static_cast<Window&>(to);
  const int blocks = rows / kBlockRows;
  window.read = static_cast<std::uint64_t>(blocks);
  std::memcpy(host, values.data(), values.size_bytes());
  SILT_TRY(copy_inputs(window, blocks, host, cudaMemcpyHostToDevice));
  if (blocks > 0) SILT_TRY(rebuild_keys(window, blocks));
  SILT_CUDA(cudaStreamSynchronize(stream_.get()));
  return Status::ok();
}

// From the normed inputs, by the product and the turns that first made them. A window of any number of blocks is
// computed as one of a padded number; what lies behind is not stored.
Status Engine::rebuild_keys(const Window& window, int blocks) {
  const Shape& s = net_->shape;
  LaneArgs lane = {};
  lane.kv = window.kv();
  lane.frozen_kv = window.frozen_kv();
  auto* const lanes = reinterpret_cast<LaneArgs*>(workspace_.input);
  SILT_CUDA(cudaMemcpyAsync(lanes, &lane, sizeof lane, cudaMemcpyHostToDevice, stream_.get()));
  const auto each = [&](const Half* x, int layers, int first_layer, bool frozen) -> Status {
    for (int i = 0; i < layers; ++i) {
      for (int done_blocks = 0; done_blocks < blocks; ++done_blocks) {  // one lane's rows at a time
        const Product p = {.a = x + static_cast<std::size_t>(i) * s.x_size() +
                                static_cast<std::size_t>(done_blocks) * kBlockRows * s.width,
                           .b = net_->blocks[static_cast<std::size_t>(first_layer + i)].qkv, .c_in = nullptr,
                           .c = workspace_.qkv + static_cast<std::size_t>(done_blocks) * kBlockRows * s.qkv_width(),
                           .b_rows = true, .half_out = true, .m = kBlockRows, .n = s.qkv_width(), .k = s.width,
                           .lda = s.width, .ldb = s.width, .parts = 1, .a_part = 0, .b_part = 0, .c_part = 0};
        SILT_TRY(net_->products->run(p, stream_.get()));
      }
      const auto ring = static_cast<std::size_t>(i);
      const AttentionArgs args = {.lanes = lanes, .rotary = net_->rotary, .qkv = workspace_.qkv, .out = nullptr,
                                  .lse = nullptr, .heads = s.heads, .window_blocks = s.window_blocks, .frozen = frozen,
                                  .ring_offset = 2 * ring * s.ring_size(), .ring_size = s.ring_size()};
      SILT_CUDA(store_keys(args, 0, blocks, stream_.get()));
    }
    return Status::ok();
  };
  SILT_TRY(each(window.x(), s.layers, 0, /*frozen=*/false));
  if (!options_.frozen_scores) return Status::ok();
  return each(window.frozen_x(), s.fast_layers - 1, s.prefix_layers() + 1, /*frozen=*/true);
}

// --- steps ----------------------------------------------------------------------------------------------

LaneArgs Engine::args_of(const LaneStep& step, Window& window) const {
  LaneArgs args = {};
  args.weights = net_->initial;
  args.pack = net_->initial_pack;
  if (step.weights != nullptr) {
    const auto& weights = static_cast<const Weights&>(*step.weights);
    args.weights = weights.masters();
    args.pack = weights.pack();
  }
  if (step.next != nullptr) {
    const auto& next = static_cast<const Weights&>(*step.next);
    args.next_weights = next.masters();
    args.next_pack = next.pack();
  }
  args.kv = window.kv();
  args.frozen_kv = window.frozen_kv();
  args.x = window.x();
  args.frozen_x = window.frozen_x();
  args.slot = window.slot();
  args.valid = window.valid();
  args.x_slot = step.advances ? window.x_slot() : -1;
  args.rows = static_cast<std::int32_t>(step.inputs.size());
  if (step.advances) ++window.read;
  return args;
}

void Engine::fill(Flight& flight, std::span<LaneStep> lanes) {
  const InputLayout in(flight.size, options_.candidates_per_row);
  std::byte* const base = flight.input.data();
  std::memset(base, 0, in.size);  // unused rows hold token 0, which is as good as any
  auto* const args = reinterpret_cast<LaneArgs*>(base + in.lanes);
  auto* const tokens = reinterpret_cast<Token*>(base + in.tokens);
  auto* const targets = reinterpret_cast<Token*>(base + in.targets);
  auto* const candidates = reinterpret_cast<Token*>(base + in.candidates);
  const std::size_t places = static_cast<std::size_t>(kBlockRows) * options_.candidates_per_row;
  std::fill_n(candidates, places * static_cast<std::size_t>(flight.size), -1);
  for (std::size_t s = 0; s < lanes.size(); ++s) {
    args[s] =
        args_of(lanes[s], lanes[s].window == nullptr ? *text_windows_[s] : static_cast<Window&>(*lanes[s].window));
    std::copy(lanes[s].inputs.begin(), lanes[s].inputs.end(), tokens + s * kBlockRows);
    std::copy(lanes[s].targets.begin(), lanes[s].targets.end(), targets + s * kBlockRows);
    if (lanes[s].candidates == nullptr) continue;
    std::copy(lanes[s].candidates->tokens.begin(), lanes[s].candidates->tokens.end(), candidates + s * places);
  }
  for (std::size_t s = lanes.size(); s < static_cast<std::size_t>(flight.size); ++s) args[s] = args_of({}, *spare_);
}

Result<cudaGraphExec_t> Engine::graph(const Flight& flight) {
  Graph& known = graphs_[{&flight, flight.size, flight.learns}];
  if (known) return known.get();
  const Step step(*net_, workspace_, flight.size, options_.candidates_per_row, options_.frozen_scores, stream_.get());
  SILT_CUDA(cudaStreamBeginCapture(stream_.get(), cudaStreamCaptureModeThreadLocal));
  const Status launched = step.launch(flight.learns, flight.input.data(), flight.output.data());
  cudaGraph_t graph = nullptr;
  const cudaError_t ended = cudaStreamEndCapture(stream_.get(), &graph);
  const Owned<cudaGraph_t, cudaGraphDestroy> recorded(graph);
  SILT_TRY(launched);
  SILT_TRY(done(ended, "cudaStreamEndCapture"));
  cudaGraphExec_t exec = nullptr;
  SILT_CUDA(cudaGraphInstantiate(&exec, graph, 0));
  known = Graph(exec);
  return exec;
}

Result<LaneEngine::Ticket> Engine::submit(std::span<LaneStep> lanes) {
  SILT_TRY(net_->use());
  if (next_ticket_ - next_done_ >= kInFlight) return internal_error("too many steps in flight");
  if (lanes.empty() || lanes.size() > static_cast<std::size_t>(options_.lanes_max)) {
    return internal_error("a step of " + std::to_string(lanes.size()) + " lanes");
  }
  if (spare_ == nullptr) {
    SILT_ASSIGN(spare_, make_window());
  }
  const auto is_text = [](const LaneStep& lane) { return lane.window == nullptr; };
  while (std::any_of(lanes.begin(), lanes.end(), is_text) && text_windows_.size() < lanes.size()) {
    SILT_ASSIGN(auto window, make_window());
    text_windows_.push_back(std::move(window));
  }
  Flight& flight = flights_[next_ticket_ % kInFlight];
  flight.lanes.clear();
  flight.learns = false;
  flight.size = padded(static_cast<int>(lanes.size()));
  for (std::size_t s = 0; s < lanes.size(); ++s) {
    flight.lanes.push_back(&lanes[s]);
    flight.learns |= lanes[s].next != nullptr;
  }
  fill(flight, lanes);
  SILT_ASSIGN(const cudaGraphExec_t step, graph(flight));
  SILT_CUDA(cudaGraphLaunch(step, stream_.get()));
  SILT_CUDA(cudaEventRecord(flight.finished.get(), stream_.get()));
  return next_ticket_++;
}

Status Engine::wait(Ticket ticket) {
  SILT_TRY(net_->use());
  if (ticket != next_done_) return internal_error("steps are waited for in the order of submit()");
  ++next_done_;
  const Flight& flight = flights_[ticket % kInFlight];
  SILT_CUDA(cudaEventSynchronize(flight.finished.get()));
  hand_out(flight);
  return Status::ok();
}

void Engine::hand_out(const Flight& flight) const {
  const OutputLayout out(flight.size, options_.candidates_per_row);
  const std::byte* const base = flight.output.data();
  const auto* results = reinterpret_cast<const LaneResult*>(base + out.results);
  const std::size_t places = static_cast<std::size_t>(options_.candidates_per_row);
  for (std::size_t s = 0; s < flight.lanes.size(); ++s) {
    LaneStep& lane = *flight.lanes[s];
    const std::size_t row = s * kBlockRows, rows = lane.nll.size();
    const auto floats = [&](std::size_t offset) { return reinterpret_cast<const float*>(base + offset); };
    std::copy_n(floats(out.nll) + row, rows, lane.nll.begin());
    if (options_.frozen_scores)
      std::copy_n(floats(out.frozen_nll) + row, lane.frozen_nll.size(), lane.frozen_nll.begin());
    if (lane.candidates != nullptr) {
      std::copy_n(floats(out.rest_nats) + row, rows, lane.candidates->rest_nats.begin());
      std::copy_n(floats(out.candidate_nats) + row * places, rows * places, lane.candidates->nats.begin());
    }
    if (lane.next == nullptr) continue;
    lane.gradient_norm = std::sqrt(static_cast<double>(results[s].squared_gradient));
    lane.skipped = results[s].learned == 0;
  }
}

}  // namespace
}  // namespace cuda

std::string cuda_build() {
  return "cuda " + std::to_string(CUDART_VERSION / 1000) + "." + std::to_string(CUDART_VERSION / 10 % 100);
}

int cuda_devices() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

Result<std::shared_ptr<CudaDevice>> open_cuda_device(const TensorSource& source, const ModelConfig& config,
                                                     const CudaOptions& options) {
  if (cuda_devices() <= options.device) {
    return failed_precondition("there is no GPU " + std::to_string(options.device) +
                               " here that CUDA can use; use backend cpu");
  }
  auto device = std::make_shared<CudaDevice>();
  if (config.has_ttt_layers()) {
    SILT_ASSIGN(device->ttt, cuda::open_ttt_net(options.device, source, config, options.state_bytes_max));
    return device;
  }
  SILT_ASSIGN(device->net, cuda::DeviceNet::create(options.device, source, config, options.lanes.frozen_scores,
                                                   options.lanes.lanes_max, options.state_bytes_max));
  return device;
}

Result<std::unique_ptr<LaneEngine>> make_cuda_engine(std::shared_ptr<CudaDevice> device,
                                                     const LaneEngineOptions& options) {
  if (device->ttt != nullptr) return cuda::make_ttt_engine(device->ttt, options);
  SILT_ASSIGN(std::unique_ptr<cuda::Engine> engine, cuda::Engine::create(device->net, options));
  return std::unique_ptr<LaneEngine>(std::move(engine));
}

}  // namespace silt::model
