// Backend: the one seam of model/. The net (net.cc, learner.cc, reader.cc) is written once over
// these operations; model/ref specifies what they compute and model/cpu makes them fast. They know the
// shape of a net (config.h) and nothing else of what lies above.
//
// Shapes are row-major, M rows = tokens. Buffers carry a role, and the backend decides the element
// type of each role:
//              ref<T>   cpu
//   kResidual    T      float       residual stream, its gradients, norms
//   kOperand     T      bfloat16    inputs of matrix products (rounded to nearest even)
//   kMaster      T      float       fast weights and their gradients
//
// A backend belongs to one thread at a time (it may use a thread team inside). Results do not
// depend on the team's size, on M, or on what was computed before: row i of an output is a
// function of row i of the inputs (of rows <= i for attention), reduced in a fixed order. Hence a
// part-filled mini-batch scores its tokens with the same bits as the full one.
//
// What a backend makes (buffers, packs) owns its memory and may outlive it. A Matrix, and a Buffer
// or FastPack that nobody writes any more, may be read by any number of backends of the same name
// and configuration at once: a process packs its weights once, for all learners and readers.
// Operations cannot fail on the CPU: shapes are checked when a Net is built.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/ops/config.h"

namespace silt::model {

using Token = std::int32_t;

enum class Role { kResidual, kOperand, kMaster };

// A matrix in backend memory. It is made with room for `capacity` rows; rows() of them are in use.
class Buffer {
 public:
  virtual ~Buffer() = default;
  int rows() const { return rows_; }
  int cols() const { return cols_; }
  int capacity() const { return capacity_; }
  Role role() const { return role_; }
  // Of its matrix in backend memory, without padding.
  std::size_t bytes() const { return bytes_; }
  // For part-filled mini-batches: 1 <= rows <= capacity. Contents of the rows stay.
  void set_rows(int rows) { rows_ = rows; }

 protected:
  Buffer(int rows, int cols, Role role, std::size_t element_bytes)
      : rows_(rows),
        cols_(cols),
        capacity_(rows),
        role_(role),
        bytes_(static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols) * element_bytes) {}

 private:
  int rows_;
  int cols_;
  int capacity_;
  Role role_;
  std::size_t bytes_;
};
using BufferPtr = std::unique_ptr<Buffer>;

// A frozen weight matrix [in, out], packed as the backend likes.
class Matrix {
 public:
  virtual ~Matrix() = default;
};
using MatrixPtr = std::unique_ptr<Matrix>;

// One source of a frozen matrix: float values [in, out] decoded on demand from the weight file.
// Several parts are joined along `out` (q|k|v, or gate|up, which the backend may interleave).
class MatrixSource {
 public:
  virtual ~MatrixSource() = default;
  virtual int in() const = 0;
  virtual int out() const = 0;
  // Writes row `row` (all `out` values).
  virtual void read_row(int row, float* values) const = 0;
};

enum class MatrixUse { kForward, kForwardAndBackward };

// The packed form of what learns in one fast SwiGLU: gate [d, f], up [d, f], down [f, d], or down alone.
class FastPack {
 public:
  virtual ~FastPack() = default;
};
using FastPackPtr = std::unique_ptr<FastPack>;

// Keys and values of the window, un-rotated, for one layer: `window` rows then the mini-batch's.
class KvCache {
 public:
  virtual ~KvCache() = default;
};
using KvCachePtr = std::unique_ptr<KvCache>;

// What one attention call saves for its backward pass.
class AttentionTape {
 public:
  virtual ~AttentionTape() = default;
};
using AttentionTapePtr = std::unique_ptr<AttentionTape>;

// What learns of one fast SwiGLU, in kMaster buffers (weights, initial weights or gradients). Gate and up
// are null where they are frozen; they are a Matrix then.
struct FastTensors {
  Buffer* gate = nullptr;  // [d, f]
  Buffer* up = nullptr;    // [d, f]
  Buffer* down = nullptr;  // [f, d]
};

// Tokens whose probabilities are wanted beside the target's: `per_row` places for each row.
struct Candidates {
  int per_row = 0;
  std::span<const Token> tokens;  // [rows * per_row] distinct within a row; -1 ends a row early
  std::span<float> nats;          // [rows * per_row] -ln p of each; what stands at a -1 is left alone
  std::span<float> rest_nats;     // [rows] -ln of what all other tokens (perhaps the target) have together
};

struct FastStep {  // W <- W0 + decay (W - W0) - step * scale * g
  struct Rate {
    float decay = 0, step = 0;
  };
  Rate gate, up;           // not used where they are frozen
  std::vector<Rate> down;  // of each row, a hidden unit [f]
};

class TttMixer;  // ttt_mixer.h

class Backend {
 public:
  virtual ~Backend() = default;

  // The ISA path, as stored in states: "ref-f32", "cpu-avx512bf16", "cpu-avx2", ...
  virtual std::string_view name() const = 0;
  // How many sources' mini-batches it reads side by side: who has as many ready hands them over together.
  // A processor takes one after the other.
  virtual int lanes_max() const { return 1; }

  // --- memory -------------------------------------------------------------------------------
  virtual BufferPtr allocate(int rows, int cols, Role role) = 0;  // zero-filled
  virtual void upload(Buffer& to, std::span<const float> values) = 0;
  virtual void download(const Buffer& from, std::span<float> values) const = 0;
  // The stored element bytes, row-major and exact: for state blobs and digests.
  virtual std::span<std::byte> raw(Buffer& buffer) = 0;
  virtual std::span<const std::byte> raw(const Buffer& buffer) const = 0;
  virtual void set_zero(Buffer& buffer) = 0;
  // to[to_row, to_row + rows) = from[from_row, from_row + rows); same role and columns; may overlap.
  virtual void copy_rows(const Buffer& from, int from_row, int rows, Buffer& to, int to_row) = 0;

  virtual MatrixPtr pack(std::span<const MatrixSource* const> parts, MatrixUse use) = 0;
  // The tied embedding [vocabulary, d]: rows for embed(), transposed for cross_entropy().
  virtual MatrixPtr pack_embedding(const MatrixSource& embedding) = 0;
  virtual FastPackPtr allocate_fast_pack() = 0;
  virtual void pack_fast(const FastTensors& weights, FastPack& pack) = 0;
  virtual KvCachePtr allocate_kv_cache() = 0;
  virtual AttentionTapePtr allocate_attention_tape() = 0;

  // Roles: h, dh, dx kResidual (but dout kOperand); x, qkv, out, pre, act, dpre, dqkv kOperand;
  // fast weights and gradients kMaster. pre and dpre are [b, 2 f], their columns in any order.
  // All token buffers of one call have the same rows() = M, at most b (kv_rebuild: k).

  // --- forward --------------------------------------------------------------------------------
  // h[i] = E[tokens[i]]
  virtual void embed(std::span<const Token> tokens, const Matrix& embedding, Buffer& h) = 0;
  // x[i] = gain * h[i] / sqrt(mean(h[i]^2) + eps)
  virtual void rms_norm(const Buffer& h, std::span<const float> gain, Buffer& x) = 0;
  // y = x W; rounded to y's role
  virtual void linear(const Buffer& x, const Matrix& w, Buffer& y) = 0;
  // h += x W
  virtual void linear_add(const Buffer& x, const Matrix& w, Buffer& h) = 0;
  // pre = x [gate|up]; act = silu(pre_gate) * pre_up. `pre` may be null when no backward follows.
  virtual void swiglu(const Buffer& x, const Matrix& gate_up, Buffer* pre, Buffer& act) = 0;
  virtual void fast_swiglu(const Buffer& x, const FastPack& w, Buffer* pre, Buffer& act) = 0;
  virtual void fast_down_add(const Buffer& act, const FastPack& w, Buffer& h) = 0;

  // Window attention with rotary positions relative to the window (ttt-spec 1.3, step 4).
  // qkv [M, (heads + 2 kv_heads) * head_width] holds rows first_row .. first_row + M - 1 of the
  // mini-batch; the cache has those before them from earlier calls. Mini-batch row i sits at
  // position k + i, cached row j at j. Row i sees positions (i, k + i]; of the k cached rows only
  // the last `cached_valid` exist: what the others hold, NaN included, must not matter. Puts the
  // rows' k and v behind the cached ones.
  // `tape` may be null; with a tape, first_row is 0.
  virtual void attention(const Buffer& qkv, int first_row, KvCache& cache, int cached_valid, Buffer& out,
                         AttentionTape* tape) = 0;
  // Ends a full mini-batch: the cache keeps its last k rows (cached rows, then the mini-batch's).
  virtual void kv_advance(KvCache& cache) = 0;
  // Rebuilds the newest cached rows from the layer's stored normed inputs: x [rows, d] -> qkv -> k, v, with
  // the bits of the linear() and attention() calls that first made them. rows: a multiple of b, at most k.
  virtual void kv_rebuild(const Buffer& window_x, const Matrix& qkv, KvCache& cache) = 0;

  // nll[i] = logsumexp(x[i] E^T) - (x[i] E^T)[target[i]], natural log. With dx: the gradient of
  // mean over the M rows of nll with respect to x, in dx [M, d]. With candidates: their surprises,
  // and that of the rest summed on its own, so that it is exact where the candidates leave little.
  virtual void cross_entropy(const Buffer& x, const Matrix& embedding, std::span<const Token> targets,
                             std::span<float> nll, Buffer* dx, const Candidates* candidates) = 0;
  // Logits of one row, for generation: logits[vocabulary].
  virtual void logits(const Buffer& x, int row, const Matrix& embedding, std::span<float> logits) = 0;

  // --- backward -------------------------------------------------------------------------------
  // dh += d(rms_norm)/dh applied to dx (kResidual)
  virtual void rms_norm_backward(const Buffer& h, std::span<const float> gain, const Buffer& dx,
                                 Buffer& dh) = 0;
  // dx = dy W^T (dy is rounded to kOperand first); dx is kResidual or, for attention's dout, kOperand
  virtual void linear_backward(const Buffer& dy, const Matrix& w, Buffer& dx) = 0;
  // dpre from dh through down and the SwiGLU: dact = dh down^T, then
  // dpre_up = dact silu(pre_gate), dpre_gate = dact pre_up sigma (1 + pre_gate (1 - sigma))
  virtual void swiglu_backward(const Buffer& dh, const Matrix& down, const Buffer& pre, Buffer& dpre) = 0;
  virtual void fast_swiglu_backward(const Buffer& dh, const FastPack& w, const Buffer& pre, Buffer& dpre) = 0;
  // dx = dpre [gate|up]^T with the fast matrices
  virtual void fast_input_backward(const Buffer& dpre, const FastPack& w, Buffer& dx) = 0;
  // Gradients of the mini-batch's own q, k, v (cached keys are constants): dqkv from dout.
  virtual void attention_backward(const Buffer& dout, const Buffer& qkv, const KvCache& cache,
                                  const AttentionTape& tape, Buffer& dqkv) = 0;

  // --- learning -------------------------------------------------------------------------------
  // g.gate = x^T dpre_gate, g.up = x^T dpre_up, g.down = act^T dh. Where gate and up are frozen, x and
  // dpre are not looked at.
  virtual void fast_gradient(const Buffer& x, const Buffer& act, const Buffer& dpre, const Buffer& dh,
                             const FastTensors& g) = 0;
  // Sum of squares over all elements, reduced in a fixed order in double.
  virtual double sum_of_squares(const Buffer& values) = 0;
  // to = W0 + decay (from - W0) - step * scale * g for each tensor that learns
  virtual void fast_update(const FastTensors& from, const FastTensors& initial, const FastTensors& g,
                           const FastStep& step, float scale, const FastTensors& to) = 0;

  // What nets with TTT layers need on top; only for configurations that have them.
  virtual TttMixer& ttt() = 0;
};

struct BackendOptions {
  std::string name = "auto";  // auto | ref | cpu | cpu-<isa> | cuda | cuda:<device>
  int threads = 1;
  int devices = 1;  // of cuda: so many, from the named one on, else from cuda:0
  // Of cuda: the most lanes read side by side, and bytes of the device's memory for states (0: nearly all).
  int lanes_max = 256;
  std::size_t device_bytes = 0;
};

}  // namespace silt::model
