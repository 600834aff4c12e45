#include "tests/model/fake_lane_engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>

#include "model/inner_loop.h"

namespace silt::model {

Status FakeDevice::call() {
  ++calls;
  return lost_at != 0 && calls >= lost_at ? unavailable("the device was lost") : Status::ok();
}

namespace {

struct FakeWeights final : HeldWeights {
  explicit FakeWeights(std::shared_ptr<FakeDevice> on) : owner(std::move(on)) { ++owner->weights; }
  ~FakeWeights() override { --owner->weights; }
  int device() const override { return owner->number; }
  std::uint64_t bytes() const override { return 1000; }
  std::shared_ptr<FakeDevice> owner;
  std::shared_ptr<const FastWeights> version;
};

struct FakeWindow final : HeldWindow {
  explicit FakeWindow(std::shared_ptr<FakeDevice> on) : device(std::move(on)) { ++device->windows; }
  ~FakeWindow() override { --device->windows; }
  std::uint64_t bytes() const override { return 1000; }
  std::shared_ptr<FakeDevice> device;
  AdaptedState state;  // only its windows count
};

class FakeEngine final : public LaneEngine {
 public:
  FakeEngine(std::shared_ptr<const Net> net, std::unique_ptr<Backend> backend, const LaneEngineOptions& options,
             std::shared_ptr<FakeDevice> device, std::string name)
      : net_(std::move(net)),
        backend_(std::move(backend)),
        options_(options),
        device_(std::move(device)),
        name_(std::move(name)),
        loop_(make_mixer_loop(net_, *backend_, options.frozen_scores)) {}

  std::string_view name() const override { return name_; }
  int lanes_max() const override { return options_.lanes_max; }
  std::uint64_t states_max() const override { return static_cast<std::uint64_t>(device_->states_max); }
  int steps_in_flight() const override { return 3; }

  Result<std::shared_ptr<HeldWeights>> allocate_weights() override {
    SILT_TRY(device_->call());
    if (device_->weights >= device_->states_max) return resource_exhausted("no room for more weights");
    return std::shared_ptr<HeldWeights>(std::make_shared<FakeWeights>(device_));
  }
  Result<std::unique_ptr<HeldWindow>> allocate_window() override {
    SILT_TRY(device_->call());
    if (device_->windows >= device_->states_max) return resource_exhausted("no room for more windows");
    auto window = std::make_unique<FakeWindow>(device_);
    clear(window->state);
    return std::unique_ptr<HeldWindow>(std::move(window));
  }

  int device() const override { return device_->number; }
  std::uint64_t states_held() const override { return static_cast<std::uint64_t>(device_->windows); }
  int reads_max() const override { return 3; }
  Status read(std::span<HeldState> states) override {
    SILT_TRY(device_->call());
    EXPECT_LE(states.size(), static_cast<std::size_t>(reads_max()));
    read_.clear();
    read_.resize(2 * states.size());
    for (std::size_t i = 0; i < states.size(); ++i) read(states[i], read_[2 * i], read_[2 * i + 1]);
    return Status::ok();
  }
  Status write(HeldWeights& to, std::span<const float> values) override {
    SILT_TRY(device_->call());
    auto weights = allocate_fast_weights(net_->config, *backend_);
    const auto* from = reinterpret_cast<const std::byte*>(values.data());
    for (const BufferPtr& buffer : weights->buffers) {
      const auto bytes = backend_->raw(*buffer);
      std::memcpy(bytes.data(), from, bytes.size());
      from += bytes.size();
    }
    static_cast<FakeWeights&>(to).version = std::move(weights);
    return Status::ok();
  }
  Status write(HeldWindow& to, int rows, std::span<const std::uint16_t> values) override {
    SILT_TRY(device_->call());
    AdaptedState& state = static_cast<FakeWindow&>(to).state;
    clear(state);
    state.window_valid = rows;
    const auto* from = reinterpret_cast<const std::byte*>(values.data());
    for (auto* windows : {&state.window, &state.frozen_window}) {
      for (BufferPtr& window : *windows) {
        window = backend_->allocate(rows, net_->config.width, Role::kOperand);
        const auto bytes = backend_->raw(*window);
        std::memcpy(bytes.data(), from, bytes.size());
        from += bytes.size();
      }
    }
    return Status::ok();
  }

  Result<Ticket> submit(std::span<LaneStep> lanes) override {
    SILT_TRY(device_->call());
    EXPECT_LE(lanes.size(), static_cast<std::size_t>(options_.lanes_max));
    EXPECT_LT(flights_.size(), static_cast<std::size_t>(steps_in_flight()));
    flights_.push_back(lanes);
    device_->most_lanes = std::max<int>(device_->most_lanes, static_cast<int>(lanes.size()));
    device_->most_in_flight = std::max<int>(device_->most_in_flight, static_cast<int>(flights_.size()));
    return next_++;
  }
  Status wait(Ticket ticket) override {
    SILT_TRY(device_->call());
    EXPECT_EQ(ticket, done_++);
    for (LaneStep& lane : flights_.front()) read_lane(lane);
    flights_.pop_front();
    ++device_->steps;
    return Status::ok();
  }

 private:
  std::span<const std::byte> raw(const Buffer& buffer) const { return std::as_const(*backend_).raw(buffer); }

  const FakeWeights& mine(const HeldWeights& weights) const {
    EXPECT_EQ(weights.device(), device_->number);
    return static_cast<const FakeWeights&>(weights);
  }

  void read(HeldState& state, std::vector<std::byte>& weights, std::vector<std::byte>& window) const {
    const auto put = [&](const std::vector<BufferPtr>& buffers, std::vector<std::byte>& to) {
      for (const BufferPtr& buffer : buffers) std::ranges::copy(raw(*buffer), std::back_inserter(to));
    };
    if (state.weights != nullptr) {
      put(mine(*state.weights).version->buffers, weights);
      state.weight_values = {reinterpret_cast<const float*>(weights.data()), weights.size() / sizeof(float)};
    }
    if (state.window == nullptr) return;
    const AdaptedState& held = static_cast<const FakeWindow&>(*state.window).state;
    EXPECT_EQ(state.rows, held.window_valid);
    put(held.window, window);
    put(held.frozen_window, window);
    state.window_values = {reinterpret_cast<const std::uint16_t*>(window.data()), window.size() / sizeof(std::uint16_t)};
  }

  void clear(AdaptedState& state) const {
    state.window.clear();
    state.frozen_window.clear();
    state.window.resize(static_cast<std::size_t>(net_->config.windows()));
    if (options_.frozen_scores) state.frozen_window.resize(static_cast<std::size_t>(net_->config.frozen_windows()));
    state.window_valid = 0;
  }

  void read_lane(LaneStep& lane) {
    AdaptedState text;
    clear(text);
    AdaptedState& state = lane.window == nullptr ? text : static_cast<FakeWindow&>(*lane.window).state;
    state.weights = lane.weights == nullptr ? net_->initial : mine(*lane.weights).version;
    loop_->bind(state);
    loop_->score(lane.inputs, lane.targets, state.window_valid, lane.learns, lane.nll, lane.frozen_nll,
                 lane.candidates);
    if (lane.next != nullptr) learn(lane, *state.weights);
    if (lane.advances) loop_->advance(state);
  }

  void learn(LaneStep& lane, const FastWeights& from) {
    const bool finite = std::ranges::all_of(lane.nll, [](float nats) { return std::isfinite(nats); });
    lane.gradient_norm = finite ? loop_->gradient() : 0;
    lane.skipped = !finite || !std::isfinite(lane.gradient_norm);
    std::shared_ptr<FastWeights> to = allocate_fast_weights(net_->config, *backend_);
    if (lane.skipped) {
      copy_fast_weights(from, *to, *backend_);
    } else {
      loop_->update(from, *to, lane.gradient_norm);
    }
    mine(*lane.next);
    static_cast<FakeWeights&>(*lane.next).version = std::move(to);
  }

  std::shared_ptr<const Net> net_;
  std::unique_ptr<Backend> backend_;
  const LaneEngineOptions options_;
  std::shared_ptr<FakeDevice> device_;
  const std::string name_;
  std::unique_ptr<MixerLoop> loop_;
  std::deque<std::span<LaneStep>> flights_;
  std::vector<std::vector<std::byte>> read_;
  Ticket next_ = 0, done_ = 0;
};

}  // namespace

std::unique_ptr<LaneEngine> make_fake_lane_engine(std::shared_ptr<const Net> net, std::unique_ptr<Backend> backend,
                                                  const LaneEngineOptions& options, std::shared_ptr<FakeDevice> device,
                                                  std::string name) {
  return std::make_unique<FakeEngine>(std::move(net), std::move(backend), options, std::move(device), std::move(name));
}

}  // namespace silt::model
