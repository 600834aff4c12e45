// LineWriter: one line by the reader, held to the grammar of a skill.
//
// The reader starts from W_0 and an empty window: the same weights, prompt and grammar give the same line,
// whatever was learned. Safe from any thread; calls take turns.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "daemon/answer/token_grammar.h"
#include "model/model.h"
#include "model/reader.h"

namespace silt::answer {

class LineWriter {
 public:
  static Result<std::unique_ptr<LineWriter>> create(std::shared_ptr<const model::Model> model,
                                                    const model::BackendOptions& backend);

  struct Line {
    std::string text;    // without its newline
    bool ended = false;  // it came to a newline
  };
  // What the reader goes on with. `cancelled` becoming true ends it with kCancelled before the next token.
  template <class Automaton>
  Result<Line> write(std::string_view prompt, const Automaton& automaton,
                     const std::atomic<bool>& cancelled) {
    model::GenerateOptions options;
    options.grammar = TokenGrammar(automaton, tokens_);
    return write(prompt, std::move(options), cancelled);
  }
  // How surprised the reader is, in nats, when it goes on with `text`; no grammar holds it.
  Result<double> surprise(std::string_view prompt, std::string_view text);

 private:
  LineWriter(std::shared_ptr<const model::Model> model, std::unique_ptr<model::Reader> reader);
  Result<Line> write(std::string_view prompt, model::GenerateOptions options,
                     const std::atomic<bool>& cancelled);

  std::vector<model::Token> tokens_of(std::string_view text) const;

  std::shared_ptr<const model::Model> model_;
  TokenTable tokens_;  // of model_
  std::mutex mutex_;
  std::unique_ptr<model::Reader> reader_;
};

}  // namespace silt::answer
