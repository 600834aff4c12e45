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
// lose it. Candidates are left out in the same way.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "model/cpu/cpu_backend.h"

namespace silt::model::cpu {

void CpuBackend::vocabulary_part(const CpuBuffer& x, const PackedMatrix& e, std::span<const Token> targets,
                                 const Candidates& candidates, int part, bool gradient, Scratch& scratch) {
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
      for (int k = i * candidates.per_row; k < (i + 1) * candidates.per_row; ++k) {
        const int candidate = candidates.tokens[k] - token0;
        if (candidates.tokens[k] < 0) break;
        if (candidate < 0 || candidate >= columns || candidate == target) continue;
        candidate_logits_[k] = s[candidate];
        s[candidate] = kMasked;
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

// Everything relative to `top`, the largest logit but the target's.
void CpuBackend::join_parts(const PackedMatrix& e, std::span<const Token> targets,
                            const Candidates& candidates, int i, std::span<float> nll, CpuBuffer* dx,
                            Scratch& scratch) {
  const std::span<const Token> tokens = candidates.tokens.subspan(i * candidates.per_row, candidates.per_row);
  const int count = static_cast<int>(std::find(tokens.begin(), tokens.end(), -1) - tokens.begin());
  float* logit = candidate_logits_.data() + i * candidates.per_row;
  bool target_is_candidate = false;
  float top = kMasked;
  for (VocabularyPart& part : parts_) top = std::max(top, part.reference.data()[i]);
  for (int k = 0; k < count; ++k) {
    if (tokens[k] != targets[i]) {
      top = std::max(top, logit[k]);
    } else {
      target_is_candidate = true;
      logit[k] = target_logit_.data()[i];
    }
  }
  float weight[kVocabularyParts];
  double rest = 0;
  for (int p = 0; p < kVocabularyParts; ++p) {
    weight[p] = std::exp(parts_[p].reference.data()[i] - top);
    rest += static_cast<double>(weight[p]) * parts_[p].sum.data()[i];
  }
  const double target = std::exp(static_cast<double>(target_logit_.data()[i]) - top);
  // What all tokens have but the target and candidate k; k = -1: but the target.
  const auto sum_without = [&](int left_out) {
    double sum = rest;
    for (int k = 0; k < count; ++k) {
      if (k != left_out && tokens[k] != targets[i]) sum += std::exp(static_cast<double>(logit[k]) - top);
    }
    return sum;
  };
  const double others = sum_without(-1);
  const auto surprise = [&](double mass, double complement, float mass_logit) {
    return static_cast<float>(mass > 0 ? std::log1p(complement / mass)
                                       : std::log(complement) + top - mass_logit);
  };
  nll[i] = surprise(target, others, target_logit_.data()[i]);
  for (int k = 0; k < count; ++k) {
    candidates.nats[i * candidates.per_row + k] =
        tokens[k] == targets[i]
            ? nll[i]
            : surprise(std::exp(static_cast<double>(logit[k]) - top), sum_without(k) + target, logit[k]);
  }
  if (candidates.per_row > 0) {
    const double mass = target_is_candidate ? rest : rest + target;
    candidates.rest_nats[i] = static_cast<float>(std::log((others + target) / mass));
  }
  if (dx == nullptr) return;
  const double unit = 1 / ((others + target) * dx->rows());
  float* out = dx->values() + i * dx->stride();
  float* row = scratch.c.data();
  std::memset(out, 0, sizeof(float) * config_.width);
  const auto add_row = [&](Token token, float factor) {
    e.read_column(token, row);
    kernels_.axpy(factor, row, config_.width, out);
  };
  add_row(targets[i], -static_cast<float>(unit) * static_cast<float>(others));
  for (int k = 0; k < count; ++k) {
    if (tokens[k] == targets[i]) continue;
    add_row(tokens[k], static_cast<float>(unit * std::exp(static_cast<double>(logit[k]) - top)));
  }
  for (int p = 0; p < kVocabularyParts; ++p) {
    kernels_.axpy(static_cast<float>(unit) * weight[p],
                  parts_[p].gradient.data() + static_cast<long>(i) * config_.width, config_.width, out);
  }
}

void CpuBackend::cross_entropy(const Buffer& x, const Matrix& embedding, std::span<const Token> targets,
                               std::span<float> nll, Buffer* dx, const Candidates* candidates) {
  const auto& e = static_cast<const PackedMatrix&>(embedding);
  const CpuBuffer& from = as_cpu(x);
  const int rows = x.rows();
  const Candidates wanted = candidates == nullptr ? Candidates() : *candidates;
  SILT_CHECK(targets.size() == static_cast<std::size_t>(rows) && nll.size() == targets.size());
  SILT_CHECK(wanted.tokens.size() == static_cast<std::size_t>(rows) * wanted.per_row);
  candidate_logits_.resize(wanted.tokens.size());
  if (dx != nullptr && parts_[0].gradient.size() == 0) {
    for (VocabularyPart& part : parts_) {
      part.gradient = Array<float>(
          arena_, static_cast<std::size_t>(round_up(config_.minibatch_tokens, kRowPad)) * config_.width);
    }
  }
  parallel([&](int member) {
    const Share share = share_of(kVocabularyParts, member, team_.size());
    for (int part = share.first; part < share.last; ++part) {
      vocabulary_part(from, e, targets, wanted, part, dx != nullptr, scratch_[member]);
    }
  });
  team_.run([&](int member) {
    const Share share = share_of(rows, member, team_.size());
    for (int i = share.first; i < share.last; ++i) {
      join_parts(e, targets, wanted, i, nll, dx == nullptr ? nullptr : &as_cpu(*dx), scratch_[member]);
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
