// Learner: reads a source's tokens, scores each before learning from it, and learns.
//
// The whole of "learning" as the daemon sees it. Every b tokens: one forward pass that scores the
// mini-batch under the adapted weights (and, if asked, under the frozen W_0), one backward pass
// through the adapted blocks, one step of the fast weights. A part-filled mini-batch waits in the
// state: it is scored on demand by score_tail() with the same bits and learned when it is full.
// A source shorter than a mini-batch is therefore scored but teaches nothing.
//
// With a weight file that has recall, the adapted surprise is that of the net mixed with a memory of
// the source's own stream (recall.h). What the net learns from is its own surprise all the same, and
// the frozen surprise is that of W_0 alone, which remembers nothing.
//
// One learner belongs to one thread. It may serve any number of states in turn: what a state
// computes does not depend on the other states or on when it was switched in.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/adapted_state.h"
#include "model/model.h"
#include "model/ops/backend.h"

namespace silt::model {

// kScoreOnly leaves the fast weights as they are. With TTT layers, whose learning is what carries the
// past from token to token, every token is then scored without those before it.
enum class LearnMode { kScoreAndLearn, kScoreOnly };

struct TokenScore {
  float adapted_nats;  // surprise under the source's state before learning from the token
  float frozen_nats;   // surprise under W_0; equals adapted_nats when frozen scoring is off
};

struct LearnerOptions {
  bool frozen_scores = false;  // costs the adapted blocks and the head once more
  bool recall = true;          // false: as if the weight file had none
  // load() takes states that another path learned, where both store the same elements; they go on with this path's
  // bits, so that equal records no longer give equal digests. Otherwise they are refused.
  bool crosses = false;
};

struct AppendReport {
  int steps = 0;             // mini-batches completed
  int skipped_steps = 0;     // of these, left out because a loss or gradient was not finite
  double gradient_norm = 0;  // of the last step, before clipping; with TTT layers how far the state went
};

// Where the time of a learner went, in seconds since it was made: of one that uses a device.
struct LearnTimes {
  double host_s = 0;         // forming mini-batches, recall, scores
  double device_wait_s = 0;  // with nothing else to do than to wait for the device
};

// One source's part of a call: what it reads next, and what came of it.
struct Lane {
  AdaptedState* state = nullptr;
  std::span<const Token> tokens;
  LearnMode mode = LearnMode::kScoreAndLearn;
  std::vector<TokenScore>* scores = nullptr;  // appended to

  AppendReport report;  // written by the call
  Status status;        // likewise; a lane that fails costs itself
};

class Learner {
 public:
  static Result<std::unique_ptr<Learner>> create(std::shared_ptr<const Model> model,
                                                 const BackendOptions& backend,
                                                 const LearnerOptions& options);
  // The same, but the net is packed by the first call that needs it, so that who never learns does not hold
  // it. If that fails (the file was written over since), fresh() is empty and every lane says why.
  static Result<std::unique_ptr<Learner>> create_deferred(std::shared_ptr<const Model> model,
                                                          const BackendOptions& backend,
                                                          const LearnerOptions& options);
  // As create(), over a net that is already packed by a backend of this name: for tests and tools.
  static std::unique_ptr<Learner> create(std::shared_ptr<const Net> net, std::unique_ptr<Backend> backend,
                                         const LearnerOptions& options);
  // `learner` as long as its device is there; recover() puts what `open_other` opens in its place.
  static std::unique_ptr<Learner> with_fallback(std::unique_ptr<Learner> learner,
                                                std::function<Result<std::unique_ptr<Learner>>()> open_other);
  virtual ~Learner() = default;

  // W_0, empty window, no open mini-batch. The stream's first token is predicted from the start
  // token, or from `first`, which is then context only and has no score of its own.
  virtual AdaptedState fresh() = 0;
  virtual AdaptedState fresh(Token first) = 0;

  // Adds tokens to the streams of any number of states, each in one lane at most. Appends one score for
  // each token whose mini-batch was completed, in stream order: first those left open by earlier calls,
  // then these. A token outside the vocabulary, an unusable state or one that an earlier lane has is
  // refused before anything of that lane changes. When a loss or gradient is not finite, its step is
  // skipped and the weights stay; such scores are not finite themselves.
  // What a lane computes does not depend, to the bit, on the lanes beside it or on their order.
  virtual void append(std::span<Lane> lanes) = 0;
  // How many lanes are read side by side: handing over more, or fewer, is right but no faster.
  virtual int lanes_max() const = 0;
  // One lane.
  Result<AppendReport> append(AdaptedState& state, std::span<const Token> tokens, LearnMode mode,
                              std::vector<TokenScore>& scores);

  // Scores the open mini-batch without changing the state; one score per waiting token, that of
  // kScoreAndLearn.
  virtual Status score_tail(const AdaptedState& state, std::vector<TokenScore>& scores) = 0;

  // Memory that the state alone holds (AdaptedState::bytes), and the most that it comes to hold.
  virtual std::uint64_t bytes(const AdaptedState& state) const = 0;
  virtual std::uint64_t full_state_bytes() = 0;

  // How many states that have learned there is room for; 0: as many as fit into the host's memory.
  virtual std::uint64_t states_max() const { return 0; }

  virtual LearnTimes times() const { return {}; }

  // Not ok when the device that computes was lost (kUnavailable). Then every state made before is lost, and what
  // digest() and save() said since it was last ok is worth nothing.
  virtual Status health() const { return Status::ok(); }
  // After a loss: goes on without the device, under another backend_name(), with none of the states there were. Where
  // it may not or cannot, says why.
  virtual Status recover() { return health(); }

  // Equal digests mean equal futures.
  virtual Digest digest(const AdaptedState& state) const = 0;

  // Serialisation is the backend's business because the element types are. The blob names the
  // backend path and the weight file; loading a foreign or damaged blob fails with the reason.
  virtual std::string save(const AdaptedState& state) const = 0;
  virtual Result<AdaptedState> load(std::string_view blob) = 0;

  virtual const ModelConfig& config() const = 0;
  virtual std::string_view backend_name() const = 0;
};

}  // namespace silt::model
