// Forward: the blocks of the net over rows of one mini-batch, for learner and reader alike.
//
// Owns scratch buffers for up to b rows; the residual stream h, the window caches and what a backward
// pass needs belong to the caller. One thread.
#pragma once

#include <memory>
#include <span>

#include "model/net.h"
#include "model/ops/backend.h"

namespace silt::model {

// Where rows sit: rows first_row .. of the open mini-batch, behind a window of which the last
// `cached_valid` rows exist.
struct Place {
  int first_row = 0;
  int cached_valid = 0;
};

// What the backward pass through one adapted block needs of its forward pass.
struct BlockTape {
  BufferPtr h_in;  // residual before the block
  BufferPtr qkv;
  AttentionTapePtr attention;
  BufferPtr h_mid;     // residual after attention
  BufferPtr pre;       // static SwiGLU before its activation
  BufferPtr fast_pre;  // fast SwiGLU before its activation; null when nothing needs its gradient
  BufferPtr fast_act;

  void set_rows(int rows);
};

class Forward {
 public:
  Forward(std::shared_ptr<const Net> net, Backend& backend);

  // h = embeddings. Later calls on this mini-batch take buffers of as many rows.
  void embed(std::span<const Token> inputs, Buffer& h);

  // x = norm(h); h += attention(x). `x` is left for the state's window.
  void attend(int layer, Place place, KvCache& cache, Buffer& x, Buffer& h, BlockTape* tape);
  // The same for rows of several short texts, each in an empty window of its own: text i ends before
  // row ends[i]. Bit for bit what attend() computes for each alone. `cache` is scratch.
  void attend_apart(int layer, std::span<const int> ends, KvCache& cache, Buffer& x, Buffer& h);
  // The same two with a TTT layer in place of attention; `apart` starts each text at `state`.
  void ttt(int layer, bool learns, TttCache& cache, Buffer& h);
  void ttt_apart(int layer, const InnerModel& state, std::span<const int> ends, TttCache& cache, Buffer& h);
  // h += mlp(norm(h)), the static SwiGLU that every block has.
  void mlp(int layer, Buffer& h, BlockTape* tape);
  // The adapted blocks' second SwiGLU reads the same residual as the static one, so its input is
  // taken before mlp() and its output added after it: x = norm(h), then h += fast(x). Returns the hidden
  // units of x, which stand until the next call or in the tape.
  void fast_input(int fast_layer, const Buffer& h, Buffer& x);
  const Buffer& fast_mlp(int fast_layer, const FastPack& weights, const Buffer& x, Buffer& h,
                         BlockTape* tape);
  // All of an adapted block after its attention, without a tape.
  void adapted_mlps(int fast_layer, const FastPack& weights, Buffer& h);

  // Surprise of `targets`; with dx also the gradient of their mean with respect to the normed h.
  void head(const Buffer& h, std::span<const Token> targets, std::span<float> nll, Buffer* dx,
            const Candidates* candidates = nullptr);
  void logits(const Buffer& h, int row, std::span<float> logits);

  const Net& net() const { return *net_; }
  Backend& backend() { return backend_; }

 private:
  void set_rows(int rows);
  // mix() turns the rows of each text in one_qkv_ into those in one_attended_.
  template <class Mix>
  void for_each_text(std::span<const int> ends, Mix mix);

  std::shared_ptr<const Net> net_;
  Backend& backend_;
  BufferPtr x_, qkv_, attended_, act_, fast_x_, fast_act_;
  BufferPtr one_qkv_, one_attended_;  // of one text in for_each_text(); made when first needed
};

}  // namespace silt::model
