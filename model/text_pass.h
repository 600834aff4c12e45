// TextPass: takes the rows of texts through all blocks under given weights, whatever the mixer. It is
// what a reader knows of its net.
//
// Every text starts from the weights alone: an empty window, or no inner step taken. The weights
// themselves never change; what TTT layers learn within a text ends with it. One thread.
#pragma once

#include <memory>
#include <span>

#include "model/adapted_state.h"
#include "model/forward.h"

namespace silt::model {

class TextPass {
 public:
  virtual ~TextPass() = default;

  // Texts from here on are read under these weights; null: W_0.
  virtual void use(const std::shared_ptr<const FastWeights>& weights) = 0;
  // A new text begins.
  virtual void begin() = 0;
  // Reads the first of these inputs, as many as fit (one at least), and returns how many: h gets a row
  // for each.
  virtual std::size_t read(std::span<const Token> inputs, Buffer& h) = 0;
  // Reads several short texts at once, together at most b inputs: text i ends before inputs[ends[i]].
  // Bit for bit the rows of each read alone.
  virtual void read_apart(std::span<const Token> inputs, std::span<const int> ends, Buffer& h) = 0;
};

// The pass for the net of `forward`, which must outlive it.
std::unique_ptr<TextPass> make_text_pass(Forward& forward);

}  // namespace silt::model
