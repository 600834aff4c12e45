// CpuBackend: the operations of backend.h over a kernel table and a thread team.
//
// How work is split: products by panels of output columns, attention by (head, 32 rows), row
// operations by rows, the vocabulary into kVocabularyParts fixed parts. No sum is ever divided by
// the number of threads, so results do not depend on it.
//
// There is one packed form per matrix. A backward product needs the transpose as its B operand: its
// panels are transposed block by block into scratch memory right before use, which costs a few
// percent of the product and saves a second copy of every adapted layer and of the embedding.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/ops/backend.h"
#include "model/cpu/attention_backward.h"
#include "model/cpu/kernels.h"
#include "model/cpu/memory.h"
#include "model/cpu/rotary.h"
#include "model/cpu/thread_team.h"
#include "model/cpu/ttt.h"

namespace silt::model::cpu {

// Status, with the field and the rule, when the backend cannot run nets of this shape.
Status check_shape(const ModelConfig& config);

class CpuBackend final : public Backend {
 public:
  CpuBackend(const ModelConfig& config, const Kernels& kernels, int threads);

  std::string_view name() const override { return name_; }
  TttMixer& ttt() override { return *ttt_; }

  // memory: cpu_backend.cc
  BufferPtr allocate(int rows, int cols, Role role) override;
  void upload(Buffer& to, std::span<const float> values) override;
  void download(const Buffer& from, std::span<float> values) const override;
  std::span<std::byte> raw(Buffer& buffer) override;
  std::span<const std::byte> raw(const Buffer& buffer) const override;
  void set_zero(Buffer& buffer) override;
  void copy_rows(const Buffer& from, int from_row, int rows, Buffer& to, int to_row) override;
  MatrixPtr pack(std::span<const MatrixSource* const> parts, MatrixUse use) override;
  MatrixPtr pack_embedding(const MatrixSource& embedding) override;
  FastPackPtr allocate_fast_pack() override;
  KvCachePtr allocate_kv_cache() override;
  AttentionTapePtr allocate_attention_tape() override;

  // layers: layers.cc
  void embed(std::span<const Token> tokens, const Matrix& embedding, Buffer& h) override;
  void rms_norm(const Buffer& h, std::span<const float> gain, Buffer& x) override;
  void rms_norm_backward(const Buffer& h, std::span<const float> gain, const Buffer& dx, Buffer& dh) override;
  void linear(const Buffer& x, const Matrix& w, Buffer& y) override;
  void linear_add(const Buffer& x, const Matrix& w, Buffer& h) override;
  void linear_backward(const Buffer& dy, const Matrix& w, Buffer& dx) override;
  void swiglu(const Buffer& x, const Matrix& gate_up, Buffer* pre, Buffer& act) override;
  void fast_swiglu(const Buffer& x, const FastPack& w, Buffer* pre, Buffer& act) override;
  void fast_down_add(const Buffer& act, const FastPack& w, Buffer& h) override;
  void swiglu_backward(const Buffer& dh, const Matrix& down, const Buffer& pre, Buffer& dpre) override;
  void fast_swiglu_backward(const Buffer& dh, const FastPack& w, const Buffer& pre, Buffer& dpre) override;
  void fast_input_backward(const Buffer& dpre, const FastPack& w, Buffer& dx) override;

  // attention.cc
  void attention(const Buffer& qkv, int first_row, KvCache& cache, int cached_valid, Buffer& out,
                 AttentionTape* tape) override;
  void kv_advance(KvCache& cache) override;
  void kv_rebuild(const Buffer& window_x, const Matrix& qkv, KvCache& cache) override;
  // attention_backward.cc
  void attention_backward(const Buffer& dout, const Buffer& qkv, const KvCache& cache,
                          const AttentionTape& tape, Buffer& dqkv) override;

  // cross_entropy.cc
  void cross_entropy(const Buffer& x, const Matrix& embedding, std::span<const Token> targets,
                     std::span<float> nll, Buffer* dx, const Candidates* candidates) override;
  void logits(const Buffer& x, int row, const Matrix& embedding, std::span<float> logits) override;

  // learning.cc
  void pack_fast(const FastTensors& weights, FastPack& pack) override;
  void fast_gradient(const Buffer& x, const Buffer& act, const Buffer& dpre, const Buffer& dh,
                     const FastTensors& g) override;
  double sum_of_squares(const Buffer& values) override;
  void fast_update(const FastTensors& from, const FastTensors& initial, const FastTensors& g,
                   const FastStep& step, float scale, const FastTensors& to) override;

 private:
  static constexpr int kVocabularyParts = 8;
  static constexpr int kVocabularyTile = 16;  // panels whose logits are held at once

  // What one team member works in; the sizes are in the constructor.
  struct Scratch {
    Array<float> c;       // a product of one panel
    Array<float> scores;  // [32][score_stride_], or logits of a vocabulary tile
    Array<Bf16> operand;  // exponentials
    Array<Bf16> rows;     // [32][head_width in blocks], turned
    Array<Bf16> keys;     // turned keys of a head, packed [head_width, 32 positions]
    Array<Bf16> panel;    // a transposed panel
  };
  // One fixed part of the vocabulary: sums relative to `reference` over all but the target.
  struct VocabularyPart {
    Array<float> reference, sum;  // [b]
    Array<float> gradient;        // [b][d], allocated on first use
  };

  template <class Function>
  void parallel(Function&& function);  // function(member), kernels entered
  template <class Function>
  void for_rows(int rows, Function&& function);  // function(row)
  // after(panel, c) for every panel of x W.
  template <class After>
  void product(const Buffer& x, const PackedMatrix& w, After&& after);
  // after(panel, c) for every panel of dy W^T.
  template <class After>
  void product_transposed(const Bf16* dy, long stride, int rows, const PackedMatrix& w, After&& after);
  const Bf16* transposed_panel(const PackedMatrix& w, int in_block, Bf16* scratch) const;
  // dy in kOperand form: itself, or rounded into operand_.
  const Bf16* rounded(const Buffer& dy, long& stride);

  void swiglu_forward(const Buffer& x, const PackedMatrix& gate_up, Buffer* pre, Buffer& act);
  void add_product(const Buffer& x, const PackedMatrix& w, Buffer& h);
  void hidden_backward(const Buffer& dh, const PackedMatrix& down, const Buffer& pre, Buffer& dpre);

  void allocate_gradient_operands();

  struct AttentionCall;
  void store_keys_and_values(const Bf16* qkv, long stride, int rows, int first_position, CpuKvCache& cache,
                             int head);
  void attend_head(const AttentionCall& call, int kv_head, int first_block, int last_block, Scratch& scratch);
  void attend(const AttentionCall& call, int head, int row_block, Scratch& scratch);

  void vocabulary_part(const CpuBuffer& x, const PackedMatrix& e, std::span<const Token> targets,
                       const Candidates& candidates, int part, bool gradient, Scratch& scratch);
  void join_parts(const PackedMatrix& e, std::span<const Token> targets, const Candidates& candidates,
                  int row, std::span<float> nll, CpuBuffer* dx, Scratch& scratch);

  const ModelConfig config_;
  const Kernels kernels_;
  const std::string name_;
  Arena arena_;
  ThreadTeam team_;
  const long score_stride_;  // floats or bfloat16 of one row of scores
  const Rotary rotary_;
  std::unique_ptr<CpuTtt> ttt_;  // of nets that have TTT layers
  std::vector<Scratch> scratch_;
  std::vector<AttentionBackward::Scratch> backward_scratch_;
  std::vector<VocabularyPart> parts_;
  Array<float> target_logit_;
  std::vector<float> candidate_logits_;
  Array<Bf16> operand_;                                            // dy rounded: [b][d]
  Array<Bf16> x_flipped_, act_flipped_, dpre_packed_, dh_packed_;  // of fast_gradient, as it needs them
  std::unique_ptr<CpuBuffer> dh_rounded_;
  std::vector<double> row_sums_;
};

template <class Function>
void CpuBackend::parallel(Function&& function) {
  team_.run([&](int member) {
    kernels_.enter();
    function(member);
    kernels_.leave();
  });
}

template <class Function>
void CpuBackend::for_rows(int rows, Function&& function) {
  team_.run([&](int member) {
    const Share share = share_of(rows, member, team_.size());
    for (int row = share.first; row < share.last; ++row) function(row);
  });
}

template <class After>
void CpuBackend::product(const Buffer& x, const PackedMatrix& w, After&& after) {
  const CpuBuffer& a = as_cpu(x);
  parallel([&](int member) {
    float* c = scratch_[member].c.data();
    const Share share = share_of(w.panels, member, team_.size());
    for (int p = share.first; p < share.last; ++p) {
      kernels_.product(a.operand(), a.stride(), a.rows(), w.panel(p), w.in_blocks * kBlock, c, kBlock, false);
      after(p, c);
    }
  });
}

template <class After>
void CpuBackend::product_transposed(const Bf16* dy, long stride, int rows, const PackedMatrix& w,
                                    After&& after) {
  parallel([&](int member) {
    Scratch& scratch = scratch_[member];
    const Share share = share_of(w.in_blocks, member, team_.size());
    for (int p = share.first; p < share.last; ++p) {
      const Bf16* panel = transposed_panel(w, p, scratch.panel.data());
      kernels_.product(dy, stride, rows, panel, w.panels * kBlock, scratch.c.data(), kBlock, false);
      after(p, scratch.c.data());
    }
  });
}

}  // namespace silt::model::cpu
