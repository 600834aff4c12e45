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

// What a device that learns did since it was opened, and where the time went.
struct DeviceUse {
  std::string name;               // "cuda:0"
  std::string lost;               // why it is of no use any more; empty: it is in use
  std::uint64_t states = 0;       // that it holds now
  std::uint64_t states_max = 0;   // that it has room for
  std::uint64_t minibatches = 0;  // read
  double host_s = 0;              // forming mini-batches, recall, scores
  double wait_s = 0;              // with nothing else to do than to wait for the device
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

// A state whose open mini-batch is to be scored, and where to.
struct Tail {
  const AdaptedState* state = nullptr;
  std::vector<TokenScore>* scores = nullptr;  // appended to
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
  // Several devices as one: each has its own learner and reads its share of the lanes while the others read theirs. A
  // source's state lives on the device that a hash of its key names (fresh_for, load_for); its bits are those of any, for
  // all must compute alike: kInvalidArgument when their backend_name()s differ. recover() goes on with those that are
  // left.
  static Result<std::unique_ptr<Learner>> over_devices(std::vector<std::unique_ptr<Learner>> devices);
  // `learner` as long as it can recover; then what `open_other` opens is put in its place.
  static std::unique_ptr<Learner> with_fallback(std::unique_ptr<Learner> learner,
                                                std::function<Result<std::unique_ptr<Learner>>()> open_other);
  virtual ~Learner() = default;

  // W_0, empty window, no open mini-batch. The stream's first token is predicted from the start
  // token, or from `first`, which is then context only and has no score of its own.
  virtual AdaptedState fresh() = 0;
  virtual AdaptedState fresh(Token first) = 0;
  // The same for the stream of this key, which says on which of several devices it will be.
  virtual AdaptedState fresh_for(std::uint64_t /*key*/) { return fresh(); }

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
  // Those of many states at once, which devices do faster. The first failure ends it.
  virtual Status score_tails(std::span<const Tail> tails);

  // Memory that the state alone holds (AdaptedState::bytes), and the most that it comes to hold.
  virtual std::uint64_t bytes(const AdaptedState& state) const = 0;
  virtual std::uint64_t full_state_bytes() = 0;

  // How many states that have learned there is room for; 0: as many as fit into the host's memory.
  virtual std::uint64_t states_max() const { return 0; }

  // Of each device, also of those that were lost. A processor is none.
  virtual std::vector<DeviceUse> devices() const { return {}; }

  // Not ok when a device that computes was lost (kUnavailable). Then every state made before counts as lost, and what
  // digest() and save() said since it was last ok is worth nothing.
  virtual Status health() const { return Status::ok(); }
  // After a loss: goes on without the device, perhaps under another backend_name(), with none of the states there
  // were. Where it cannot, says why.
  virtual Status recover() { return health(); }

  // Equal digests mean equal futures.
  virtual Digest digest(const AdaptedState& state) const = 0;
  // Of each of these states, into as many places: of many at once it is faster.
  virtual void digests(std::span<const AdaptedState* const> states, std::span<Digest> digests) const;

  // Serialisation is the backend's business because the element types are. The blob names the
  // backend path and the weight file; loading a foreign or damaged blob fails with the reason.
  virtual std::string save(const AdaptedState& state) const = 0;
  virtual Result<AdaptedState> load(std::string_view blob) = 0;
  virtual Result<AdaptedState> load_for(std::uint64_t /*key*/, std::string_view blob) { return load(blob); }

  virtual const ModelConfig& config() const = 0;
  virtual std::string_view backend_name() const = 0;
};

}  // namespace silt::model
