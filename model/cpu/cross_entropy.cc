// The head: logits, cross entropy and its gradient in one pass over the embedding.
//
// The vocabulary is cut into kVocabularyParts parts, whatever the number of threads. A part goes
// through its columns tile by tile: logits, exponentials relative to the largest logit so far (sums
// are rescaled when it grows), and at once their product with the tile's embedding rows, which are
// still in the cache. The parts are then joined in order.
//
// The target is left out of these sums. With Z' the sum over the others and p the target's
// probability, the loss is log(1 + Z' / e^target), exact when p is close to 1, and the gradient's
// coefficient of the target's row is -(1 - p) = -Z' / Z in single precision: a rounded p - 1 would
// lose it.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "model/cpu/cpu_backend.h"

namespace silt::model::cpu {

void CpuBackend::vocabulary_part(const CpuBuffer& x, const PackedMatrix& e, std::span<const Token> targets,
                                 int part, bool gradient, Scratch& scratch) {
  const int rows = x.rows();
  const int d = config_.width;
  VocabularyPart& sums = parts_[part];
  float* reference = sums.reference.data();
  float* sum = sums.sum.data();
  float* dx = sums.gradient.data();
  std::fill(reference, reference + rows, kMasked);
  std::fill(sum, sum + rows, 0.0F);
  if (gradient) std::memset(dx, 0, sizeof(float) * rows * d);
  constexpr int kTile = kVocabularyTile * kBlock;
  constexpr long kStride = kTile + kBlock;

  const Share share = share_of(e.panels, part, kVocabularyParts);
  for (int first = share.first; first < share.last; first += kVocabularyTile) {
    const int panels = std::min(kVocabularyTile, share.last - first);
    const int columns = panels * kBlock;
    const int token0 = first * kBlock;
    for (int p = 0; p < panels; ++p) {
      kernels_.product(x.operand(), x.stride(), rows, e.panel(first + p), e.in_blocks * kBlock,
                       scratch.scores.data() + p * kBlock, kStride, false);
    }
    Bf16* exponentials = scratch.operand.data();
    for (int i = 0; i < rows; ++i) {
      float* s = scratch.scores.data() + i * kStride;
      const int target = targets[i] - token0;
      if (target >= 0 && target < columns) {
        target_logit_.data()[i] = s[target];
        s[target] = kMasked;
      }
      for (int j = std::max(0, e.out - token0); j < columns; ++j) s[j] = kMasked;  // padding
      const float top = std::max(reference[i], kernels_.max_row(s, columns));
      const float shrink = std::exp(reference[i] - top);
      if (shrink != 1.0F) {
        sum[i] *= shrink;
        if (gradient) kernels_.scale(dx + static_cast<long>(i) * d, d, shrink);
        reference[i] = top;
      }
      sum[i] += kernels_.exp_row(s, columns, top, 1.0F, gradient ? exponentials + i * kStride : nullptr);
    }
    if (!gradient) continue;
    for (int block = 0; block < e.in_blocks; ++block) {
      Bf16* panel = scratch.panel.data();
      for (int p = 0; p < panels; ++p) {
        Bf16* low = panel + static_cast<long>(p) * kBlockElements;
        kernels_.transpose_packed(e.block(first + p, block), low, low + kBlockElements / 2);
      }
      kernels_.product(exponentials, kStride, rows, panel, columns, dx + block * kBlock, d, true);
    }
  }
}

void CpuBackend::cross_entropy(const Buffer& x, const Matrix& embedding, std::span<const Token> targets,
                               std::span<float> nll, Buffer* dx) {
  const auto& e = static_cast<const PackedMatrix&>(embedding);
  const CpuBuffer& from = as_cpu(x);
  const int rows = x.rows();
  const int d = config_.width;
  SILT_CHECK(targets.size() == static_cast<std::size_t>(rows) && nll.size() == targets.size());
  if (dx != nullptr && parts_[0].gradient.size() == 0) {
    for (VocabularyPart& part : parts_) {
      part.gradient =
          Array<float>(arena_, static_cast<std::size_t>(round_up(config_.minibatch_tokens, kRowPad)) * d);
    }
  }
  parallel([&](int member) {
    const Share share = share_of(kVocabularyParts, member, team_.size());
    for (int part = share.first; part < share.last; ++part) {
      vocabulary_part(from, e, targets, part, dx != nullptr, scratch_[member]);
    }
  });
  team_.run([&](int member) {
    const Share share = share_of(rows, member, team_.size());
    for (int i = share.first; i < share.last; ++i) {
      float top = kMasked;
      for (VocabularyPart& part : parts_) top = std::max(top, part.reference.data()[i]);
      float weight[kVocabularyParts];
      double others = 0;
      for (int p = 0; p < kVocabularyParts; ++p) {
        weight[p] = std::exp(parts_[p].reference.data()[i] - top);
        others += static_cast<double>(weight[p]) * parts_[p].sum.data()[i];
      }
      const double target = std::exp(static_cast<double>(target_logit_.data()[i]) - top);
      nll[i] = static_cast<float>(target > 0 ? std::log1p(others / target)
                                             : std::log(others) + top - target_logit_.data()[i]);
      if (dx == nullptr) continue;
      const float unit = static_cast<float>(1 / ((others + target) * rows));
      float* out = as_cpu(*dx).values() + i * as_cpu(*dx).stride();
      float* row = scratch_[member].c.data();
      e.read_column(targets[i], row);
      std::memset(out, 0, sizeof(float) * d);
      kernels_.axpy(-unit * static_cast<float>(others), row, d, out);
      for (int p = 0; p < kVocabularyParts; ++p) {
        kernels_.axpy(unit * weight[p], parts_[p].gradient.data() + static_cast<long>(i) * d, d, out);
      }
    }
  });
}

void CpuBackend::logits(const Buffer& x, int row, const Matrix& embedding, std::span<float> logits) {
  const auto& e = static_cast<const PackedMatrix&>(embedding);
  const CpuBuffer& from = as_cpu(x);
  std::memcpy(operand_.data(), from.operand() + row * from.stride(), sizeof(Bf16) * config_.width);
  parallel([&](int member) {
    float* c = scratch_[member].c.data();
    const Share share = share_of(e.panels, member, team_.size());
    for (int p = share.first; p < share.last; ++p) {
      kernels_.product(operand_.data(), config_.width, 1, e.panel(p), e.in_blocks * kBlock, c, kBlock, false);
      std::copy(c, c + e.valid_columns(p), logits.data() + p * kBlock);
    }
  });
}

}  // namespace silt::model::cpu
