#include "model/lane_states.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace silt::model {

LaneStates::LaneStates(std::shared_ptr<const Net> net, Backend& host, LaneEngine& engine, bool frozen, bool recall)
    : net_(std::move(net)),
      host_(host),
      engine_(engine),
      frozen_(frozen),
      recall_(recall),
      pool_(net_->config, host) {}

AdaptedState LaneStates::fresh() const { return empty_state(*net_, frozen_, recall_); }

Status LaneStates::hold(AdaptedState& state) {
  if (state.held != nullptr) return Status::ok();
  SILT_ASSIGN(state.held, engine_.allocate_window());
  return Status::ok();
}

Status LaneStates::make_writable(AdaptedState& state, std::shared_ptr<const FastWeights>& before) {
  auto next = std::make_shared<FastWeights>();
  before = state.weights;
  // Every version has an ownership of its own, also where it takes over the memory of the one before.
  const bool alone = before->held != nullptr && before.use_count() == 2 && before->held.use_count() == 1;
  if (alone) {
    next->held = before->held;
  } else {
    auto held = engine_.allocate_weights();
    if (!held.is_ok()) return held.status();
    next->held = std::move(held).value();
  }
  state.weights = std::move(next);
  return Status::ok();
}

StateMatrices LaneStates::HostForm::matrices() const {
  return {.weights = weights == nullptr ? nullptr : &weights->buffers,
          .window = &window,
          .frozen_window = &frozen_window};
}

HeldState LaneStates::held_of(const AdaptedState& state) const {
  HeldState held;
  if (state.weights != net_->initial) held.weights = state.weights->held.get();
  if (state.window_valid > 0) held.window = state.held.get();
  held.rows = state.window_valid;
  return held;
}

std::shared_ptr<const FastWeights> LaneStates::host_weights(std::span<const float> values) const {
  const std::shared_ptr<FastWeights> host = pool_.take();
  for (const BufferPtr& buffer : host->buffers) {
    const std::size_t size = buffer->bytes() / sizeof(float);
    host_.upload(*buffer, values.first(size));
    values = values.subspan(size);
  }
  return host;
}

Result<std::shared_ptr<const FastWeights>> LaneStates::host_weights(const FastWeights& weights) const {
  HeldState held;
  held.weights = weights.held.get();
  SILT_TRY(engine_.read(std::span(&held, 1)));
  return host_weights(held.weight_values);
}

Result<LaneStates::HostForm> LaneStates::host_form(const AdaptedState& state) const {
  HeldState held = held_of(state);
  SILT_TRY(engine_.read(std::span(&held, 1)));
  HostForm form;
  if (held.weights != nullptr) form.weights = host_weights(held.weight_values);
  form.window.resize(state.window.size());
  form.frozen_window.resize(state.frozen_window.size());
  if (held.window == nullptr) return form;
  const std::size_t size = static_cast<std::size_t>(state.window_valid) * static_cast<std::size_t>(net_->config.width);
  const std::uint16_t* from = held.window_values.data();
  for (auto* windows : {&form.window, &form.frozen_window}) {
    for (BufferPtr& window : *windows) {
      window = host_.allocate(state.window_valid, net_->config.width, Role::kOperand);
      std::memcpy(host_.raw(*window).data(), from, size * sizeof *from);
      from += size;
    }
  }
  return form;
}

// Of the same bytes as the host form has, but straight from what the device hands out, and of many states at once: a
// commit asks for it for every state that has changed.
Status LaneStates::digests(std::span<const AdaptedState* const> states, std::span<Digest> digests,
                           const OnThreads& on_threads) const {
  const auto at_once = static_cast<std::size_t>(engine_.reads_max());
  std::vector<HeldState> held;
  for (; !states.empty(); states = states.subspan(held.size()), digests = digests.subspan(held.size())) {
    held.clear();
    for (const AdaptedState* const state : states.first(std::min(at_once, states.size()))) held.push_back(held_of(*state));
    SILT_TRY(engine_.read(held));
    on_threads(held.size(), [&](std::size_t i) {
      std::vector<std::span<const std::byte>> pieces;
      if (held[i].weights != nullptr) {
        pieces.push_back(std::as_bytes(held[i].weight_values));
      } else {
        for (const BufferPtr& buffer : net_->initial->buffers) pieces.push_back(std::as_const(host_).raw(*buffer));
      }
      if (held[i].window != nullptr) pieces.push_back(std::as_bytes(held[i].window_values));
      digests[i] = state_digest(*states[i], pieces);
    });
  }
  return Status::ok();
}

Result<std::string> LaneStates::save(const AdaptedState& state) const {
  SILT_ASSIGN(const HostForm form, host_form(state));
  return encode_state(state, form.matrices(), *net_, host_, engine_.name());
}

Result<AdaptedState> LaneStates::load(std::string_view blob, bool crosses) {
  AdaptedState state = fresh();
  SILT_TRY(decode_state(blob, *net_, host_, engine_.name(), crosses, pool_, state));
  SILT_TRY(upload(state));
  return state;
}

// From the host form that decode_state() leaves.
Status LaneStates::upload(AdaptedState& state) {
  if (state.weights != net_->initial) {
    std::vector<float> values;
    for (const BufferPtr& buffer : state.weights->buffers) {
      const std::span<const std::byte> bytes = host_.raw(*buffer);
      const std::size_t at = values.size();
      values.resize(at + bytes.size() / sizeof(float));
      std::memcpy(values.data() + at, bytes.data(), bytes.size());
    }
    auto held = std::make_shared<FastWeights>();
    SILT_ASSIGN(held->held, engine_.allocate_weights());
    SILT_TRY(engine_.write(*held->held, values));
    state.weights = std::move(held);
  }
  if (state.window_valid == 0) return Status::ok();
  std::vector<std::uint16_t> rows;
  for (auto* windows : {&state.window, &state.frozen_window}) {
    for (BufferPtr& window : *windows) {
      const std::span<const std::byte> bytes = host_.raw(*window);
      const std::size_t at = rows.size();
      rows.resize(at + bytes.size() / sizeof(std::uint16_t));
      std::memcpy(rows.data() + at, bytes.data(), bytes.size());
      window.reset();
    }
  }
  SILT_TRY(hold(state));
  return engine_.write(*state.held, state.window_valid, rows);
}

}  // namespace silt::model
