// TimedBackend: passes every operation on to another backend and adds up what each kind costs.
#pragma once

#include <array>
#include <ctime>
#include <memory>
#include <string_view>
#include <utility>

#include "model/ops/backend.h"

namespace silt::bench {

// Seconds: of wall time, or of the processor time of the calling thread, to which programs that
// share its core do not count.
enum class Clock { kWall, kThread };
inline double seconds(Clock clock) {
  timespec t;
  clock_gettime(clock == Clock::kWall ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

enum class Part {
  kLinear,
  kAttention,
  kSwiglu,
  kHead,
  kBackwardProducts,
  kAttentionBackward,
  kFastGradient,
  kUpdate,
  kNorms,
  kWindow,
  kCount
};
constexpr int kParts = static_cast<int>(Part::kCount);
std::string_view part_name(Part part);
using PartSeconds = std::array<double, kParts>;

class TimedBackend final : public model::Backend {
 public:
  using Token = model::Token;
  using Buffer = model::Buffer;
  using Matrix = model::Matrix;
  using FastPack = model::FastPack;
  using FastTensors = model::FastTensors;

  TimedBackend(std::unique_ptr<model::Backend> inner, Clock clock)
      : inner_(std::move(inner)), clock_(clock) {}

  // What the operations since the last call took.
  PartSeconds take() { return std::exchange(spent_, PartSeconds{}); }

  std::string_view name() const override { return inner_->name(); }
  int lanes_max() const override { return inner_->lanes_max(); }
  model::BufferPtr allocate(int rows, int cols, model::Role role) override {
    return inner_->allocate(rows, cols, role);
  }
  void upload(Buffer& to, std::span<const float> values) override { inner_->upload(to, values); }
  void download(const Buffer& from, std::span<float> values) const override {
    inner_->download(from, values);
  }
  std::span<std::byte> raw(Buffer& buffer) override { return inner_->raw(buffer); }
  std::span<const std::byte> raw(const Buffer& buffer) const override {
    return std::as_const(*inner_).raw(buffer);
  }
  void set_zero(Buffer& buffer) override {
    timed(Part::kWindow, [&] { inner_->set_zero(buffer); });
  }
  void copy_rows(const Buffer& from, int from_row, int rows, Buffer& to, int to_row) override {
    timed(Part::kWindow, [&] { inner_->copy_rows(from, from_row, rows, to, to_row); });
  }
  model::MatrixPtr pack(std::span<const model::MatrixSource* const> parts, model::MatrixUse use) override {
    return inner_->pack(parts, use);
  }
  model::MatrixPtr pack_embedding(const model::MatrixSource& embedding) override {
    return inner_->pack_embedding(embedding);
  }
  model::FastPackPtr allocate_fast_pack() override { return inner_->allocate_fast_pack(); }
  void pack_fast(const FastTensors& weights, FastPack& pack) override {
    timed(Part::kUpdate, [&] { inner_->pack_fast(weights, pack); });
  }
  model::KvCachePtr allocate_kv_cache() override { return inner_->allocate_kv_cache(); }
  model::AttentionTapePtr allocate_attention_tape() override { return inner_->allocate_attention_tape(); }

  void embed(std::span<const Token> tokens, const Matrix& embedding, Buffer& h) override {
    timed(Part::kNorms, [&] { inner_->embed(tokens, embedding, h); });
  }
  void rms_norm(const Buffer& h, std::span<const float> gain, Buffer& x) override {
    timed(Part::kNorms, [&] { inner_->rms_norm(h, gain, x); });
  }
  void linear(const Buffer& x, const Matrix& w, Buffer& y) override {
    timed(Part::kLinear, [&] { inner_->linear(x, w, y); });
  }
  void linear_add(const Buffer& x, const Matrix& w, Buffer& h) override {
    timed(Part::kLinear, [&] { inner_->linear_add(x, w, h); });
  }
  void swiglu(const Buffer& x, const Matrix& gate_up, Buffer* pre, Buffer& act) override {
    timed(Part::kSwiglu, [&] { inner_->swiglu(x, gate_up, pre, act); });
  }
  void fast_swiglu(const Buffer& x, const FastPack& w, Buffer* pre, Buffer& act) override {
    timed(Part::kSwiglu, [&] { inner_->fast_swiglu(x, w, pre, act); });
  }
  void fast_down_add(const Buffer& act, const FastPack& w, Buffer& h) override {
    timed(Part::kLinear, [&] { inner_->fast_down_add(act, w, h); });
  }
  void attention(const Buffer& qkv, int first_row, model::KvCache& cache, int cached_valid, Buffer& out,
                 model::AttentionTape* tape) override {
    timed(Part::kAttention, [&] { inner_->attention(qkv, first_row, cache, cached_valid, out, tape); });
  }
  void kv_advance(model::KvCache& cache) override {
    timed(Part::kWindow, [&] { inner_->kv_advance(cache); });
  }
  void kv_rebuild(const Buffer& window_x, const Matrix& qkv, model::KvCache& cache) override {
    timed(Part::kWindow, [&] { inner_->kv_rebuild(window_x, qkv, cache); });
  }
  model::TttMixer& ttt() override { return inner_->ttt(); }
  void cross_entropy(const Buffer& x, const Matrix& embedding, std::span<const Token> targets,
                     std::span<float> nll, Buffer* dx, const model::Candidates* candidates) override {
    timed(Part::kHead, [&] { inner_->cross_entropy(x, embedding, targets, nll, dx, candidates); });
  }
  void logits(const Buffer& x, int row, const Matrix& embedding, std::span<float> logits) override {
    timed(Part::kHead, [&] { inner_->logits(x, row, embedding, logits); });
  }
  void rms_norm_backward(const Buffer& h, std::span<const float> gain, const Buffer& dx,
                         Buffer& dh) override {
    timed(Part::kNorms, [&] { inner_->rms_norm_backward(h, gain, dx, dh); });
  }
  void linear_backward(const Buffer& dy, const Matrix& w, Buffer& dx) override {
    timed(Part::kBackwardProducts, [&] { inner_->linear_backward(dy, w, dx); });
  }
  void swiglu_backward(const Buffer& dh, const Matrix& down, const Buffer& pre, Buffer& dpre) override {
    timed(Part::kBackwardProducts, [&] { inner_->swiglu_backward(dh, down, pre, dpre); });
  }
  void fast_swiglu_backward(const Buffer& dh, const FastPack& w, const Buffer& pre, Buffer& dpre) override {
    timed(Part::kBackwardProducts, [&] { inner_->fast_swiglu_backward(dh, w, pre, dpre); });
  }
  void fast_input_backward(const Buffer& dpre, const FastPack& w, Buffer& dx) override {
    timed(Part::kBackwardProducts, [&] { inner_->fast_input_backward(dpre, w, dx); });
  }
  void attention_backward(const Buffer& dout, const Buffer& qkv, const model::KvCache& cache,
                          const model::AttentionTape& tape, Buffer& dqkv) override {
    timed(Part::kAttentionBackward, [&] { inner_->attention_backward(dout, qkv, cache, tape, dqkv); });
  }
  void fast_gradient(const Buffer& x, const Buffer& act, const Buffer& dpre, const Buffer& dh,
                     const FastTensors& g) override {
    timed(Part::kFastGradient, [&] { inner_->fast_gradient(x, act, dpre, dh, g); });
  }
  double sum_of_squares(const Buffer& values) override {
    double result = 0;
    timed(Part::kUpdate, [&] { result = inner_->sum_of_squares(values); });
    return result;
  }
  void fast_update(const FastTensors& from, const FastTensors& initial, const FastTensors& g,
                   const model::FastStep& step, float scale, const FastTensors& to) override {
    timed(Part::kUpdate, [&] { inner_->fast_update(from, initial, g, step, scale, to); });
  }

 private:
  template <class Operation>
  void timed(Part part, Operation&& operation) {
    const double start = seconds(clock_);
    operation();
    spent_[static_cast<std::size_t>(part)] += seconds(clock_) - start;
  }

  std::unique_ptr<model::Backend> inner_;
  const Clock clock_;
  PartSeconds spent_{};
};

}  // namespace silt::bench
