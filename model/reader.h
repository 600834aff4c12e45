// Reader: scores and generates text from a snapshot of a source's fast weights.
//
// Starts from an empty attention window and never changes the weights; TTT layers go on from the
// snapshot's inner models, in a copy that ends with the text. One reader belongs to one thread;
// snapshots may be shared by any number of readers. Used by the answer path while the learner goes on.
// Learners and readers of one process and backend path share the packed weights.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "model/adapted_state.h"
#include "model/model.h"
#include "model/ops/backend.h"

namespace silt::model {

struct GenerateOptions {
  int tokens_max = 64;
  float temperature = 0;  // 0: greedy
  float top_p = 1;
  std::uint64_t seed = 0;  // of the sampler; the same seed gives the same text
  // Grammar hook: called before each choice with the tokens so far; sets allowed[t] = false for
  // tokens that must not come next. Empty: everything is allowed. Allowing nothing ends the text.
  std::function<void(std::span<const Token> so_far, std::vector<bool>& allowed)> grammar;
  // Called after each token; returning false ends the generation.
  std::function<bool(Token)> on_token;
};

// One text of a call of score().
struct TextLane {
  std::shared_ptr<const FastWeights> weights;  // null: W_0
  std::span<const Token> context;
  std::span<const Token> text;
  std::vector<float>* nll = nullptr;  // written: nats of each token of `text`
};

class Reader {
 public:
  static Result<std::unique_ptr<Reader>> create(std::shared_ptr<const Model> model,
                                                const BackendOptions& backend);
  // The same over a net that is already packed by a backend of this name: for tests and tools.
  static std::unique_ptr<Reader> create(std::shared_ptr<const Net> net, std::unique_ptr<Backend> backend);
  virtual ~Reader() = default;

  // (*nll)[i] = surprise in nats of text[i] after context and text[0, i), for each of these texts. An empty
  // context starts from the tokenizer's start token. Tokens outside the vocabulary are refused before
  // anything is read. Cost: all tokens through the blocks, the texts' tokens through the head; short texts
  // under the same weights share the passes over them, which is what a short text mostly costs. The bits
  // of a text do not depend on the texts beside it.
  virtual Status score(std::span<const TextLane> texts) = 0;
  // One text.
  Status score(const std::shared_ptr<const FastWeights>& weights, std::span<const Token> context,
               std::span<const Token> text, std::vector<float>& nll) {
    const TextLane lane{.weights = weights, .context = context, .text = text, .nll = &nll};
    return score(std::span(&lane, 1));
  }

  // Continues the prompt; the result does not repeat it.
  virtual Result<std::vector<Token>> generate(const std::shared_ptr<const FastWeights>& weights,
                                              std::span<const Token> prompt,
                                              const GenerateOptions& options) = 0;
};

}  // namespace silt::model
