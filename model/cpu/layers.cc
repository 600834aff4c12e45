// Norms, linear maps and SwiGLU, forward and backward.
#include <cstring>

#include "base/check.h"
#include "model/cpu/cpu_backend.h"

namespace silt::model::cpu {

void CpuBackend::embed(std::span<const Token> tokens, const Matrix& embedding, Buffer& h) {
  const auto& e = static_cast<const PackedMatrix&>(embedding);
  CpuBuffer& to = as_cpu(h);
  for_rows(h.rows(), [&](int i) { e.read_column(tokens[i], to.values() + i * to.stride()); });
}

void CpuBackend::rms_norm(const Buffer& h, std::span<const float> gain, Buffer& x) {
  const CpuBuffer& from = as_cpu(h);
  CpuBuffer& to = as_cpu(x);
  for_rows(h.rows(), [&](int i) {
    kernels_.rms_norm(from.values() + i * from.stride(), gain.data(), config_.width, config_.norm_epsilon,
                      to.operand() + i * to.stride());
  });
}

void CpuBackend::rms_norm_backward(const Buffer& h, std::span<const float> gain, const Buffer& dx,
                                   Buffer& dh) {
  const CpuBuffer& at = as_cpu(h);
  const CpuBuffer& from = as_cpu(dx);
  CpuBuffer& to = as_cpu(dh);
  for_rows(h.rows(), [&](int i) {
    kernels_.rms_norm_backward(at.values() + i * at.stride(), gain.data(), from.values() + i * from.stride(),
                               config_.width, config_.norm_epsilon, to.values() + i * to.stride());
  });
}

void CpuBackend::linear(const Buffer& x, const Matrix& w, Buffer& y) {
  const auto& packed = static_cast<const PackedMatrix&>(w);
  SILT_CHECK(!packed.paired);
  CpuBuffer& to = as_cpu(y);
  const int rows = x.rows();
  product(x, packed, [&](int p, const float* c) {
    const int cols = packed.valid_columns(p);
    if (to.role() == Role::kOperand) {
      kernels_.store_operand(c, rows, cols, to.operand() + p * kBlock, to.stride());
    } else {
      kernels_.store_float(c, rows, cols, to.values() + p * kBlock, to.stride());
    }
  });
}

void CpuBackend::add_product(const Buffer& x, const PackedMatrix& w, Buffer& h) {
  CpuBuffer& to = as_cpu(h);
  const int rows = x.rows();
  product(x, w, [&](int p, const float* c) {
    kernels_.add_float(c, rows, w.valid_columns(p), to.values() + p * kBlock, to.stride());
  });
}

void CpuBackend::linear_add(const Buffer& x, const Matrix& w, Buffer& h) {
  add_product(x, static_cast<const PackedMatrix&>(w), h);
}

void CpuBackend::fast_down_add(const Buffer& act, const FastPack& w, Buffer& h) {
  add_product(act, static_cast<const CpuFastPack&>(w).down, h);
}

void CpuBackend::swiglu_forward(const Buffer& x, const PackedMatrix& gate_up, Buffer* pre, Buffer& act) {
  CpuBuffer& to = as_cpu(act);
  const int rows = x.rows();
  const int hidden = gate_up.out / 2;
  Bf16* saved = pre == nullptr ? nullptr : as_cpu(*pre).operand();
  const long saved_stride = pre == nullptr ? 0 : as_cpu(*pre).stride();
  product(x, gate_up, [&](int p, const float* c) {
    Bf16* gate = saved == nullptr ? nullptr : saved + p * 16;
    kernels_.swiglu(c, rows, gate, saved == nullptr ? nullptr : gate + hidden, saved_stride,
                    to.operand() + p * 16, to.stride());
  });
}

void CpuBackend::swiglu(const Buffer& x, const Matrix& gate_up, Buffer* pre, Buffer& act) {
  swiglu_forward(x, static_cast<const PackedMatrix&>(gate_up), pre, act);
}

void CpuBackend::fast_swiglu(const Buffer& x, const FastPack& w, Buffer* pre, Buffer& act) {
  swiglu_forward(x, static_cast<const CpuFastPack&>(w).gate_up, pre, act);
}

// --- backward ---------------------------------------------------------------------------------

const Bf16* CpuBackend::rounded(const Buffer& dy, long& stride) {
  const CpuBuffer& from = as_cpu(dy);
  stride = from.stride();
  if (from.role() == Role::kOperand) return from.operand();
  SILT_CHECK(from.cols() == config_.width);
  for_rows(from.rows(), [&](int i) {
    kernels_.narrow(from.values() + i * stride, config_.width, operand_.data() + i * stride);
  });
  return operand_.data();
}

// The panel of W^T whose columns are rows 32 in_block .. of W. A gate|up matrix is put back into the
// order [gate | up], that of dpre.
const Bf16* CpuBackend::transposed_panel(const PackedMatrix& w, int in_block, Bf16* scratch) const {
  constexpr int kHalf = kBlockElements / 2;
  for (int p = 0; p < w.panels; ++p) {
    if (p + 1 < w.panels) {  // blocks lie a panel apart, too far for the hardware to guess
      const char* next = reinterpret_cast<const char*>(w.block(p + 1, in_block));
      for (int line = 0; line < kBlock; ++line) __builtin_prefetch(next + line * 64);
    }
    Bf16* low = scratch + static_cast<long>(p) * (w.paired ? kHalf : kBlockElements);
    Bf16* high = w.paired ? low + static_cast<long>(w.panels) * kHalf : low + kHalf;
    kernels_.transpose_packed(w.block(p, in_block), low, high);
  }
  return scratch;
}

void CpuBackend::linear_backward(const Buffer& dy, const Matrix& w, Buffer& dx) {
  const auto& packed = static_cast<const PackedMatrix&>(w);
  CpuBuffer& to = as_cpu(dx);
  const int rows = dy.rows();
  long stride = 0;
  const Bf16* from = rounded(dy, stride);
  product_transposed(from, stride, rows, packed, [&](int p, const float* c) {
    const int cols = std::min(kBlock, packed.in - p * kBlock);
    if (to.role() == Role::kOperand) {
      kernels_.store_operand(c, rows, cols, to.operand() + p * kBlock, to.stride());
    } else {
      kernels_.store_float(c, rows, cols, to.values() + p * kBlock, to.stride());
    }
  });
}

void CpuBackend::fast_input_backward(const Buffer& dpre, const FastPack& w, Buffer& dx) {
  linear_backward(dpre, static_cast<const CpuFastPack&>(w).gate_up, dx);
}

void CpuBackend::hidden_backward(const Buffer& dh, const PackedMatrix& down, const Buffer& pre,
                                 Buffer& dpre) {
  const CpuBuffer& saved = as_cpu(pre);
  CpuBuffer& to = as_cpu(dpre);
  const int rows = dh.rows();
  const int hidden = down.in;
  long stride = 0;
  const Bf16* from = rounded(dh, stride);
  product_transposed(from, stride, rows, down, [&](int p, const float* c) {
    const Bf16* gate = saved.operand() + p * kBlock;
    Bf16* dgate = to.operand() + p * kBlock;
    kernels_.swiglu_backward(c, rows, gate, gate + hidden, saved.stride(), dgate, dgate + hidden,
                             to.stride());
  });
}

void CpuBackend::swiglu_backward(const Buffer& dh, const Matrix& down, const Buffer& pre, Buffer& dpre) {
  hidden_backward(dh, static_cast<const PackedMatrix&>(down), pre, dpre);
}

void CpuBackend::fast_swiglu_backward(const Buffer& dh, const FastPack& w, const Buffer& pre, Buffer& dpre) {
  hidden_backward(dh, static_cast<const CpuFastPack&>(w).down, pre, dpre);
}

}  // namespace silt::model::cpu
