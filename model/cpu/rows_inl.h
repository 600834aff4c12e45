// Row and element kernels over the vector type of a simd_*.h. Lengths are multiples of 16 except
// where a scalar tail is written out.
#pragma once

#include "model/cpu/kernels.h"

namespace silt::model::cpu {
namespace {

// 2^t: t = n + f with integral n and |f| <= 1/2; the series of 2^f to f^6, whose next term is below
// 1e-8. Below 2^-127 it becomes exactly 0; NaN stays NaN.
inline F exp2(F t) {
  if constexpr (!kWideExponents) t = vmax(splat(-127.0F), t);
  const F n = round(t);
  const F f = t - n;
  F p = splat(1.54035304e-4F);  // ln(2)^6 / 6!
  p = fma(p, f, splat(1.33335581e-3F));
  p = fma(p, f, splat(9.61812911e-3F));
  p = fma(p, f, splat(5.55041087e-2F));
  p = fma(p, f, splat(2.40226507e-1F));
  p = fma(p, f, splat(6.93147181e-1F));
  p = fma(p, f, splat(1.0F));
  return scale_by_power(p, n);
}

constexpr float kLog2E = 1.44269504F;

inline F sigmoid(F x) {
  // The bound keeps 1 + e^-x finite.
  return reciprocal(splat(1.0F) + exp2(vmin(splat(126.0F), x * splat(-kLog2E))));
}

void pack_block_f32(const float* left, const float* right, long ld, Bf16* out) {
  for (int i = 0; i < kBlock / 2; ++i) {
    for (int n = 0; n < kBlock; n += kLanes) {
      const float* column = (n < 16 ? left + n : right + (n - 16)) + 2 * i * ld;
      store_pairs(out + 64 * i + 2 * n, load(column), load(column + ld));
    }
  }
}

// --- after a product --------------------------------------------------------------------------

void store_operand(const float* c, int rows, int cols, Bf16* y, long ldy) {
  for (int i = 0; i < rows; ++i) {
    for (int n = 0; n < cols; n += kLanes) store_bf16(y + i * ldy + n, load(c + i * kBlock + n));
  }
}

void store_float(const float* c, int rows, int cols, float* y, long ldy) {
  for (int i = 0; i < rows; ++i) {
    for (int n = 0; n < cols; n += kLanes) store(y + i * ldy + n, load(c + i * kBlock + n));
  }
}

void add_float(const float* c, int rows, int cols, float* y, long ldy) {
  for (int i = 0; i < rows; ++i) {
    for (int n = 0; n < cols; n += kLanes) {
      float* at = y + i * ldy + n;
      store(at, load(at) + load(c + i * kBlock + n));
    }
  }
}

void swiglu(const float* c, int rows, Bf16* pre_gate, Bf16* pre_up, long ldp, Bf16* act, long lda) {
  for (int i = 0; i < rows; ++i) {
    for (int n = 0; n < 16; n += kLanes) {
      const F gate = load(c + i * kBlock + n);
      const F up = load(c + i * kBlock + 16 + n);
      if (pre_gate != nullptr) {
        store_bf16(pre_gate + i * ldp + n, gate);
        store_bf16(pre_up + i * ldp + n, up);
      }
      store_bf16(act + i * lda + n, gate * sigmoid(gate) * up);
    }
  }
}

void swiglu_backward(const float* c, int rows, const Bf16* gate, const Bf16* up, long ldp, Bf16* dgate,
                     Bf16* dup, long ldd) {
  for (int i = 0; i < rows; ++i) {
    for (int n = 0; n < kBlock; n += kLanes) {
      const F d = load(c + i * kBlock + n);
      const F g = load_bf16(gate + i * ldp + n);
      const F s = sigmoid(g);
      const F silu = g * s;
      store_bf16(dup + i * ldd + n, d * silu);
      // d silu / d gate = s (1 + g (1 - s)) = s + silu (1 - s)
      store_bf16(dgate + i * ldd + n, d * load_bf16(up + i * ldp + n) * fma(silu, splat(1.0F) - s, s));
    }
  }
}

// --- rows -------------------------------------------------------------------------------------

void narrow(const float* in, long n, Bf16* out) {
  for (long i = 0; i < n; i += kLanes) store_bf16(out + i, load(in + i));
}

void widen(const Bf16* in, long n, float* out) {
  for (long i = 0; i < n; i += kLanes) store(out + i, load_bf16(in + i));
}

inline float dot_rows(const float* a, const float* b, int n) {
  F sum = splat(0);
  for (int i = 0; i < n; i += kLanes) sum = fma(load(a + i), load(b + i), sum);
  return reduce_add(sum);
}

inline float inverse_norm(const float* h, int n, float epsilon) {
  return 1.0F / __builtin_sqrtf(dot_rows(h, h, n) / static_cast<float>(n) + epsilon);
}

void rms_norm(const float* h, const float* gain, int n, float epsilon, Bf16* x) {
  const F r = splat(inverse_norm(h, n, epsilon));
  for (int i = 0; i < n; i += kLanes) store_bf16(x + i, load(h + i) * r * load(gain + i));
}

void rms_norm_backward(const float* h, const float* gain, const float* dx, int n, float epsilon, float* dh) {
  // With r = 1 / sqrt(mean(h^2) + eps): dh += r gain dx - r^3 h mean(gain dx h).
  F along = splat(0);
  for (int i = 0; i < n; i += kLanes) along = fma(load(gain + i) * load(dx + i), load(h + i), along);
  const float r = inverse_norm(h, n, epsilon);
  const F inverse = splat(r);
  const F pull = splat(-r * r * r * (reduce_add(along) / static_cast<float>(n)));
  for (int i = 0; i < n; i += kLanes) {
    const F direct = inverse * load(gain + i) * load(dx + i);
    store(dh + i, load(dh + i) + fma(pull, load(h + i), direct));
  }
}

inline float widen_one(Bf16 x) {
  const std::uint32_t bits = static_cast<std::uint32_t>(x) << 16;
  float value;
  __builtin_memcpy(&value, &bits, 4);
  return value;
}

inline Bf16 narrow_one(float x) {
  std::uint32_t bits;
  __builtin_memcpy(&bits, &x, 4);
  if (x != x) return 0x7fc0;
  return static_cast<Bf16>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

void rotate(const Bf16* in, const float* cosine, const float* sine, int half, Bf16* out) {
  int i = 0;
  for (; i + kLanes <= half; i += kLanes) {
    const F a = load_bf16(in + i);
    const F b = load_bf16(in + half + i);
    const F c = load(cosine + i);
    const F s = load(sine + i);
    store_bf16(out + i, a * c - b * s);
    store_bf16(out + half + i, b * c + a * s);
  }
  for (; i < half; ++i) {
    const float a = widen_one(in[i]);
    const float b = widen_one(in[half + i]);
    out[i] = narrow_one(a * cosine[i] - b * sine[i]);
    out[half + i] = narrow_one(b * cosine[i] + a * sine[i]);
  }
}

void rotate_back(const float* in, const float* cosine, const float* sine, int half, Bf16* out) {
  int i = 0;
  for (; i + kLanes <= half; i += kLanes) {
    const F a = load(in + i);
    const F b = load(in + half + i);
    const F c = load(cosine + i);
    const F s = load(sine + i);
    store_bf16(out + i, a * c + b * s);
    store_bf16(out + half + i, b * c - a * s);
  }
  for (; i < half; ++i) {
    const float a = in[i];
    const float b = in[half + i];
    out[i] = narrow_one(a * cosine[i] + b * sine[i]);
    out[half + i] = narrow_one(b * cosine[i] - a * sine[i]);
  }
}

float max_row(const float* s, int n) {
  F top = load(s);
  for (int i = kLanes; i < n; i += kLanes) top = vmax(top, load(s + i));
  return reduce_max(top);
}

float exp_row(const float* s, int n, float reference, float scale, Bf16* e) {
  const F factor = splat(scale * kLog2E);
  const F shift = splat(-reference * (scale * kLog2E));
  F sum = splat(0);
  for (int i = 0; i < n; i += kLanes) {
    const F x = exp2(fma(load(s + i), factor, shift));
    sum = sum + x;
    if (e != nullptr) store_bf16(e + i, x);
  }
  return reduce_add(sum);
}

void scale_to_operand(const float* c, int n, float factor, Bf16* y) {
  for (int i = 0; i < n; i += kLanes) store_bf16(y + i, load(c + i) * splat(factor));
}

void softmax_backward(const Bf16* p, float inverse, const float* dp, int n, float scale, Bf16* normal,
                      Bf16* ds) {
  const F inv = splat(inverse);
  F sum = splat(0);
  for (int i = 0; i < n; i += kLanes) sum = fma(load_bf16(p + i) * inv, load(dp + i), sum);
  const F along = splat(reduce_add(sum));
  for (int i = 0; i < n; i += kLanes) {
    const F probability = load_bf16(p + i) * inv;
    store_bf16(normal + i, probability);
    store_bf16(ds + i, probability * (load(dp + i) - along) * splat(scale));
  }
}

void scale(float* x, long n, float factor) {
  for (long i = 0; i < n; i += kLanes) store(x + i, load(x + i) * splat(factor));
}

void axpy(float factor, const float* x, long n, float* y) {
  for (long i = 0; i < n; i += kLanes) store(y + i, fma(splat(factor), load(x + i), load(y + i)));
}

// Single precision within 16 vectors, double across them.
double sum_of_squares(const float* x, long n) {
  double total = 0;
  for (long i = 0; i < n;) {
    const long end = i + 16 * kLanes < n ? i + 16 * kLanes : n;
    F sum = splat(0);
    for (; i < end; i += kLanes) sum = fma(load(x + i), load(x + i), sum);
    total += static_cast<double>(reduce_add(sum));
  }
  return total;
}

void update(const float* from, const float* w0, const float* g, long n, float decay, float step, float* to) {
  const F keep = splat(decay);
  const F back = splat(-step);
  for (long i = 0; i < n; i += kLanes) {
    const F start = load(w0 + i);
    store(to + i, fma(back, load(g + i), fma(keep, load(from + i) - start, start)));
  }
}

void nothing() {}

}  // namespace
}  // namespace silt::model::cpu
