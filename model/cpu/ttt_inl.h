// Single-precision kernels of TTT layers over the vector type of a simd_*.h.
#pragma once

#include "model/cpu/rows_inl.h"

namespace silt::model::cpu {
namespace {

constexpr int kMultiplyVectors = 16 / kLanes;  // a tile is 16 columns wide

template <int m>
inline void multiply_tile(const float* x, long row_step, long depth_step, int depth, const float* w, long ldw,
                          float* y, long ldy, bool accumulate) {
  F sum[m][kMultiplyVectors];
#pragma GCC unroll 8
  for (int r = 0; r < m; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kMultiplyVectors; ++v)
      sum[r][v] = accumulate ? load(y + r * ldy + v * kLanes) : splat(0);
  }
  for (int i = 0; i < depth; ++i) {
    F row[kMultiplyVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kMultiplyVectors; ++v) row[v] = load(w + i * ldw + v * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < m; ++r) {
      const F factor = splat(x[r * row_step + i * depth_step]);
#pragma GCC unroll 4
      for (int v = 0; v < kMultiplyVectors; ++v) sum[r][v] = fma(factor, row[v], sum[r][v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < m; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kMultiplyVectors; ++v) store(y + r * ldy + v * kLanes, sum[r][v]);
  }
}

constexpr int kMultiplyRows = kMultiplyVectors == 1   ? 8
                              : kMultiplyVectors == 2 ? 4
                                                      : 2;  // what registers hold

void multiply(const float* x, long row_step, long depth_step, int rows, int depth, const float* w, long ldw,
              int cols, float* y, long ldy, bool accumulate) {
  for (int n = 0; n < cols; n += 16) {
    int row = 0;
    for (; row + kMultiplyRows <= rows; row += kMultiplyRows) {
      multiply_tile<kMultiplyRows>(x + row * row_step, row_step, depth_step, depth, w + n, ldw,
                                   y + row * ldy + n, ldy, accumulate);
    }
    for (; row < rows; ++row) {
      multiply_tile<1>(x + row * row_step, row_step, depth_step, depth, w + n, ldw, y + row * ldy + n, ldy,
                       accumulate);
    }
  }
}

void multiply_elements(const float* x, long n, float* y) {
  for (long i = 0; i < n; i += kLanes) store(y + i, load(y + i) * load(x + i));
}

void sigmoid_elements(float* x, long n) {
  for (long i = 0; i < n; i += kLanes) store(x + i, sigmoid(load(x + i)));
}

// z (1 + tanh y) / 2 = z sigmoid(2 y), with 2 y = a (z + b z^3); the slope is s + z s (1 - s) d(2 y)/dz.
void gelu(float* z, long n, float* slope) {
  const F a = splat(1.59576912F);  // 2 sqrt(2 / pi)
  const F ab = splat(0.0713548163F);
  for (long i = 0; i < n; i += kLanes) {
    const F x = load(z + i);
    const F square = x * x;
    const F s = sigmoid(x * fma(ab, square, a));
    const F value = x * s;
    store(z + i, value);
    if (slope == nullptr) continue;
    const F inner = fma(splat(3.0F) * ab, square, a);
    store(slope + i, fma(value * (splat(1.0F) - s), inner, s));
  }
}

void rotate_to_float(const Bf16* in, const float* cosine, const float* sine, int half, float* out) {
  for (int i = 0; i < half; ++i) {
    const float a = widen_one(in[i]);
    const float b = widen_one(in[half + i]);
    out[i] = a * cosine[i] - b * sine[i];
    out[half + i] = b * cosine[i] + a * sine[i];
  }
}

struct Moments {
  F mean, inverse;  // 1 / deviation
};

inline Moments moments(const float* x, int n, float epsilon) {
  F sum = splat(0);
  for (int i = 0; i < n; i += kLanes) sum = sum + load(x + i);
  const F mean = splat(reduce_add(sum) / static_cast<float>(n));
  F squares = splat(0);
  for (int i = 0; i < n; i += kLanes) {
    const F centred = load(x + i) - mean;
    squares = fma(centred, centred, squares);
  }
  return {mean, splat(1.0F / __builtin_sqrtf(reduce_add(squares) / static_cast<float>(n) + epsilon))};
}

inline F normalised(const float* x, int i, const Moments& m, const float* scale, const float* shift) {
  return fma((load(x + i) - m.mean) * m.inverse, load(scale + i), load(shift + i));
}

void add_layer_norm(const float* x, const float* scale, const float* shift, int n, float epsilon, float* y) {
  const Moments m = moments(x, n, epsilon);
  for (int i = 0; i < n; i += kLanes) store(y + i, load(y + i) + normalised(x, i, m, scale, shift));
}

void layer_norm(const float* x, const float* scale, const float* shift, int n, float epsilon, Bf16* y) {
  const Moments m = moments(x, n, epsilon);
  for (int i = 0; i < n; i += kLanes) store_bf16(y + i, normalised(x, i, m, scale, shift));
}

// With e = (LN(x) - target) scale and xhat = (x - mean) / deviation:
// g = (e - mean(e) - xhat mean(e xhat)) / deviation.
void layer_norm_gradient(const float* x, const float* scale, const float* shift, const float* target, int n,
                         float epsilon, float* g) {
  const Moments m = moments(x, n, epsilon);
  F sum = splat(0);
  F along = splat(0);
  for (int i = 0; i < n; i += kLanes) {
    const F e = (normalised(x, i, m, scale, shift) - load(target + i)) * load(scale + i);
    store(g + i, e);
    sum = sum + e;
    along = fma(e, (load(x + i) - m.mean) * m.inverse, along);
  }
  const F mean = splat(reduce_add(sum) / static_cast<float>(n));
  const F pull = splat(reduce_add(along) / static_cast<float>(n));
  for (int i = 0; i < n; i += kLanes) {
    const F xhat = (load(x + i) - m.mean) * m.inverse;
    store(g + i, (load(g + i) - mean - xhat * pull) * m.inverse);
  }
}

}  // namespace
}  // namespace silt::model::cpu
