// Rows of floats with the same bits on every path: no fused multiplications (the project is compiled with
// -ffp-contract=off), no library functions, and sums as of 16 lanes whatever the registers hold.
#pragma once

#include "model/cpu/kernels.h"

namespace silt::model::cpu {
namespace {
namespace exact {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
constexpr int kSums = 16;  // numbers that are summed side by side
constexpr int kParts = kSums / kLanes;
using V = float __attribute__((vector_size(4 * kLanes)));
using N = std::int32_t __attribute__((vector_size(4 * kLanes)));
using Short = std::int16_t __attribute__((vector_size(2 * kLanes)));

template <class T>
inline T load(const void* p) {
  T v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
template <class T>
inline void store(void* p, T v) {
  __builtin_memcpy(p, &v, sizeof v);
}
inline V splat(float x) {
  return V{} + x;
}
inline V size_of(V v) {
  return v < splat(0) ? -v : v;
}

// Sums of function(i) for every i of a vector's begin, in 16 lanes that are then folded in halves.
template <class Function>
inline float sum(int n, Function function) {
  V total[kParts] = {};
  for (int i = 0; i < n; i += kSums) {
    for (int part = 0; part < kParts; ++part) total[part] += function(i + part * kLanes);
  }
  float x[kSums];
  __builtin_memcpy(x, total, sizeof x);
  for (int width = kSums / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) x[i] += x[i + width];
  }
  return x[0];
}

template <class Function>
inline float largest(int n, Function function) {
  V top = function(0);
  for (int i = kLanes; i < n; i += kLanes) {
    const V v = function(i);
    top = v > top ? v : top;
  }
  float x[kLanes];
  store(x, top);
  for (int i = 1; i < kLanes; ++i) x[0] = x[i] > x[0] ? x[i] : x[0];
  return x[0];
}

// Adding and taking away 1.5 2^23 rounds |x| < 2^22 to nearest even.
constexpr float kRound = 12582912.0F;

// e^x for x in [-87, 0]; what is smaller counts as -87. 2^t = 2^n 2^f, and the series of 2^f to f^6.
inline V exp_not_above_0(V x) {
  const V bounded = x > splat(-87.0F) ? x : splat(-87.0F);
  const V t = bounded * 1.44269504F;
  const V n = (t + kRound) - kRound;
  const V f = t - n;
  V p = splat(1.54035304e-4F);
  p = p * f + 1.33335581e-3F;
  p = p * f + 9.61812911e-3F;
  p = p * f + 5.55041087e-2F;
  p = p * f + 2.40226507e-1F;
  p = p * f + 6.93147181e-1F;
  p = p * f + 1.0F;
  const N exponent = (__builtin_convertvector(n, N) + 127) << 23;
  return p * load<V>(&exponent);
}

float quantise(const float* x, int n, std::int16_t* words) {
  float most = largest(n, [&](int i) { return size_of(load<V>(x + i)); });
  if (most == 0) most = 1;
  const float inverse = static_cast<float>(kWordLimit) / most;
  for (int i = 0; i < n; i += kLanes) {
    const V rounded = (load<V>(x + i) * inverse + kRound) - kRound;
    store(words + i, __builtin_convertvector(__builtin_convertvector(rounded, N), Short));
  }
  return most / static_cast<float>(kWordLimit);
}

void dequantise(const std::int32_t* sums, const float* steps, int rows, const float* scale, const float* bias, float* y, long ldy) {
  for (int row = 0; row < rows; ++row, sums += kInt8Columns, y += ldy) {
    for (int i = 0; i < kInt8Columns; i += kLanes) {
      store(y + i, __builtin_convertvector(load<N>(sums + i), V) * (load<V>(scale + i) * steps[row]) + load<V>(bias + i));
    }
  }
}

void add_scaled_bytes(const std::int8_t* a, float a_scale, const std::int8_t* b, float b_scale, int n, float* y) {
  for (int i = 0; i < n; ++i) y[i] = static_cast<float>(a[i]) * a_scale + static_cast<float>(b[i]) * b_scale;
}

void layer_norm(const float* x, const float* gain, const float* bias, int n, float epsilon, float* y) {
  const float mean = sum(n, [&](int i) { return load<V>(x + i); }) / static_cast<float>(n);
  const float squares = sum(n, [&](int i) {
    const V off = load<V>(x + i) - mean;
    return off * off;
  });
  const float inverse = 1.0F / __builtin_sqrtf(squares / static_cast<float>(n) + epsilon);
  for (int i = 0; i < n; i += kLanes) store(y + i, (load<V>(x + i) - mean) * inverse * load<V>(gain + i) + load<V>(bias + i));
}

void add(const float* x, int n, float* y) {
  for (int i = 0; i < n; i += kLanes) store(y + i, load<V>(y + i) + load<V>(x + i));
}

// By the error function's approximation 7.1.26 of Abramowitz and Stegun.
void gelu(float* x, long n) {
  for (long i = 0; i < n; i += kLanes) {
    const V v = load<V>(x + i);
    const V z = size_of(v) * 0.707106781F;
    const V t = 1.0F / (z * 0.3275911F + 1.0F);
    V p = splat(1.061405429F);
    p = p * t - 1.453152027F;
    p = p * t + 1.421413741F;
    p = p * t - 0.284496736F;
    p = p * t + 0.254829592F;
    const V tail = p * t * exp_not_above_0(-(z * z)) * 0.5F;  // beyond |x|
    store(x + i, v * (v < splat(0) ? tail : 1.0F - tail));
  }
}

// One head. The keys are turned, so that scores of 16 tokens are summed side by side.
void attend(const float* qkv, int length, int width, int head_width, float* work, float* mixed) {
  const int padded = (length + kSums - 1) / kSums * kSums;
  const long stride = 3L * width;
  float* keys = work;  // [head_width][padded]
  float* scores = work + static_cast<long>(head_width) * padded;
  for (int i = 0; i < head_width; ++i) {
    for (int other = 0; other < padded; ++other) keys[static_cast<long>(i) * padded + other] = other < length ? qkv[other * stride + width + i] : 0;
  }
  const float factor = 1.0F / __builtin_sqrtf(static_cast<float>(head_width));
  for (int row = 0; row < length; ++row) {
    const float* query = qkv + row * stride;
    for (int other = 0; other < padded; other += kLanes) {
      V score = splat(0);
      for (int i = 0; i < head_width; ++i) score += load<V>(keys + static_cast<long>(i) * padded + other) * query[i];
      store(scores + other, score * factor);
    }
    for (int other = length; other < padded; ++other) scores[other] = kNever;
    const float most = largest(padded, [&](int i) { return load<V>(scores + i); });
    const float inverse = 1.0F / sum(padded, [&](int i) {
      const V e = exp_not_above_0(load<V>(scores + i) - most);
      store(scores + i, e);
      return e;
    });
    for (int i = 0; i < head_width; i += kLanes) {
      const float* values = qkv + 2L * width + i;
      V mean = splat(0);
      for (int other = 0; other < length; ++other) mean += load<V>(values + other * stride) * scores[other];
      store(mixed + row * static_cast<long>(width) + i, mean * inverse);
    }
  }
}

void unit_mean(const float* rows, int count, int n, float* out) {
  for (int i = 0; i < n; i += kLanes) {
    V total = splat(0);
    for (int row = 0; row < count; ++row) total += load<V>(rows + static_cast<long>(row) * n + i);
    store(out + i, total);
  }
  const float length = __builtin_sqrtf(sum(n, [&](int i) { return load<V>(out + i) * load<V>(out + i); }));
  const float inverse = length > 0 ? 1.0F / length : 0.0F;
  for (int i = 0; i < n; i += kLanes) store(out + i, load<V>(out + i) * inverse);
}

constexpr ExactRows kRows = {quantise, dequantise, add_scaled_bytes, layer_norm, add, gelu, attend, unit_mean};

}  // namespace exact
}  // namespace
}  // namespace silt::model::cpu
