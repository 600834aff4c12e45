// LaneEngine: a device that reads the mini-batches of many sources side by side.
//
// A second seam of model/, beside backend.h: where a Backend offers the operations over which the net is
// written, a lane engine has the whole TTT-E2E step of all lanes to itself, and the weights and windows of states
// live in its memory. LaneLearner does the rest: streams of tokens, recall, stored states. model/cuda has the
// engine for GPUs, tests one for the processor.
//
// What a lane computes does not depend, to the bit, on the lanes beside it, on their order or number. Steps take
// effect in the order of submit(). An engine belongs to one thread; what it made may be given back on any thread,
// but not while a step that uses it is in flight.
//
// A device can be lost at any call: the failure is kUnavailable, and so is every one after it. Then all that
// the engine holds is lost, too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/status.h"
#include "model/ops/backend.h"

namespace silt::model {

// One version of a source's fast weights in an engine's memory. Readable by any engine on the same device when the
// step that wrote it was waited for.
class HeldWeights {
 public:
  virtual ~HeldWeights() = default;
  virtual int device() const = 0;  // LaneEngine::device()
  virtual std::uint64_t bytes() const = 0;
};

// What a source's attention remembers: the last mini-batches of its window.
class HeldWindow {
 public:
  virtual ~HeldWindow() = default;
  virtual std::uint64_t bytes() const = 0;
};

// What a state has on a device, to be copied out: `weights` or `window` may be null.
struct HeldState {
  const HeldWeights* weights = nullptr;
  const HeldWindow* window = nullptr;
  int rows = 0;  // the newest of the window: a multiple of b, at most the window
  // The fast weights, [fast_width, width] of every fast layer, one after the other.
  std::span<const float> weight_values;
  // Normed inputs, oldest first, as bfloat16 bits [rows, width] of every window: ModelConfig::windows(), then with
  // frozen scores frozen_windows().
  std::span<const std::uint16_t> window_values;
};

// One mini-batch of one lane.
struct LaneStep {
  const HeldWeights* weights = nullptr;  // it is read under these; null: W_0
  HeldWeights* next = nullptr;           // the weights after learning from it, may be `weights`; null: none
  HeldWindow* window = nullptr;          // null: it is a text's first and only mini-batch
  bool advances = false;                 // a full mini-batch that becomes the newest of the window
  std::span<const Token> inputs, targets;  // 1 to b each, as many; b where it learns or advances
  bool learns = true;  // of TTT layers, which learn while they read, whether or not the step is kept in `next`
  const Candidates* candidates = nullptr;
  std::span<float> nll, frozen_nll;  // as many; the second is written with frozen scores only

  double gradient_norm = 0;  // written where it learned
  bool skipped = false;      // a loss or gradient was not finite: `next` has the weights before
};

struct LaneEngineOptions {
  bool frozen_scores = false;
  int candidates_per_row = 0;
  int lanes_max = 256;
};

class LaneEngine {
 public:
  using Ticket = std::uint64_t;

  virtual ~LaneEngine() = default;
  // What computes, as stored in states: equal names give equal bits.
  virtual std::string_view name() const = 0;
  virtual int lanes_max() const = 0;
  // The device's number: what one engine made can be used by others on the same one.
  virtual int device() const = 0;
  // How many states that have learned fit into the device's memory, and how many windows are there now.
  virtual std::uint64_t states_max() const = 0;
  virtual std::uint64_t states_held() const = 0;

  // kResourceExhausted when the device has no room. Contents of weights are undefined; a window is empty.
  virtual Result<std::shared_ptr<HeldWeights>> allocate_weights() = 0;
  virtual Result<std::unique_ptr<HeldWindow>> allocate_window() = 0;

  // Fills in the values of at most reads_max() states. They stay as they are until the next call of read() or write().
  virtual Status read(std::span<HeldState> states) = 0;
  virtual int reads_max() const = 0;
  // Values as read() gives them.
  virtual Status write(HeldWeights& to, std::span<const float> values) = 0;
  virtual Status write(HeldWindow& to, int rows, std::span<const std::uint16_t> values) = 0;

  // Starts one step of each of these lanes, at most lanes_max(). They, and what they point to, must stay until
  // wait() returns; a state may be in several steps in flight. At most steps_in_flight() may be.
  virtual Result<Ticket> submit(std::span<LaneStep> lanes) = 0;
  // Until the step is done; then its results are in its lanes. In the order of submit().
  virtual Status wait(Ticket ticket) = 0;
  virtual int steps_in_flight() const = 0;
};

}  // namespace silt::model
