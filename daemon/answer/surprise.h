// SurpriseScorer: the model's view of a text, for ranking and explaining. Safe from any thread; calls
// take turns, because a reader belongs to one thread at a time.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/reader.h"

namespace silt::answer {

class SurpriseScorer {
 public:
  static Result<std::unique_ptr<SurpriseScorer>> create(std::shared_ptr<const model::Model> model,
                                                        const model::BackendOptions& backend);

  struct Scored {
    std::vector<model::Token> tokens;
    std::vector<float> nats;  // one per token
    double total() const;
  };
  struct Text {
    std::shared_ptr<const model::FastWeights> weights;  // null: W_0
    std::string_view context;
    std::string_view text;
  };
  // Scores each text behind its context; short ones under the same weights are read together. Texts are cut
  // to limits that bound the cost of a hostile line: the end of the context and the start of the text count.
  Result<std::vector<Scored>> score(std::span<const Text> texts);

  std::string_view piece(model::Token token) const { return model_->tokenizer().piece(token); }

 private:
  std::shared_ptr<const model::Model> model_;
  std::mutex mutex_;
  std::unique_ptr<model::Reader> reader_;
};

}  // namespace silt::answer
