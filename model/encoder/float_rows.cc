#include "model/encoder/float_rows.h"

#include <cmath>
#include <cstring>

namespace silt::model {
namespace {

using F = float __attribute__((vector_size(16)));
using I = std::int32_t __attribute__((vector_size(16)));
constexpr int kLanes = 4;
constexpr int kStep = 16;  // numbers of one round: four independent sums keep the adders busy

inline F load(const float* p) {
  F v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, F v) {
  std::memcpy(p, &v, sizeof v);
}
inline F splat(float x) {
  return F{x, x, x, x};
}
inline float sum_of(F v) {
  return (v[0] + v[2]) + (v[1] + v[3]);
}

// Adds up function(i) of every fourth i.
template <class Function>
inline float sum(int n, Function function) {
  F total[4] = {};
  for (int i = 0; i < n; i += kStep) {
    for (int k = 0; k < 4; ++k) total[k] += function(i + k * kLanes);
  }
  return sum_of((total[0] + total[1]) + (total[2] + total[3]));
}

// Adding and taking away 1.5 2^23 rounds |x| < 2^22 to nearest even.
constexpr float kRound = 12582912.0F;

// e^x for x in [-87, 0]; what is smaller counts as -87. 2^t = 2^n 2^f, and the series of 2^f to f^6.
inline F exp_not_above_0(F x) {
  constexpr float kLog2E = 1.44269504F;
  const F bounded = x > splat(-87.0F) ? x : splat(-87.0F);
  const F t = bounded * kLog2E;
  const F n = (t + kRound) - kRound;
  const F f = t - n;
  F p = splat(1.54035304e-4F);
  p = p * f + 1.33335581e-3F;
  p = p * f + 9.61812911e-3F;
  p = p * f + 5.55041087e-2F;
  p = p * f + 2.40226507e-1F;
  p = p * f + 6.93147181e-1F;
  p = p * f + 1.0F;
  const I exponent = (__builtin_convertvector(n, I) + 127) << 23;
  F power;
  std::memcpy(&power, &exponent, sizeof power);
  return p * power;
}

}  // namespace

float quantise(const float* x, int n, std::int16_t* words) {
  F top = splat(0);
  for (int i = 0; i < n; i += kLanes) {
    const F v = load(x + i);
    const F size = v < splat(0) ? -v : v;
    top = size > top ? size : top;
  }
  float largest = top[0];
  for (int i = 1; i < kLanes; ++i) largest = top[i] > largest ? top[i] : largest;
  if (largest == 0) largest = 1;
  const float inverse = static_cast<float>(kWordLimit) / largest;
  for (int i = 0; i < n; ++i) words[i] = static_cast<std::int16_t>((x[i] * inverse + kRound) - kRound);
  return largest / static_cast<float>(kWordLimit);
}

void layer_norm(const float* x, const float* gain, const float* bias, int n, float epsilon, float* y) {
  const float mean = sum(n, [&](int i) { return load(x + i); }) / static_cast<float>(n);
  const float squares = sum(n, [&](int i) {
    const F off = load(x + i) - mean;
    return off * off;
  });
  const float inverse = 1.0F / std::sqrt(squares / static_cast<float>(n) + epsilon);
  for (int i = 0; i < n; i += kLanes) {
    store(y + i, (load(x + i) - mean) * inverse * load(gain + i) + load(bias + i));
  }
}

// By the error function's approximation 7.1.26 of Abramowitz and Stegun.
void gelu(float* x, int n) {
  for (int i = 0; i < n; i += kLanes) {
    const F v = load(x + i);
    const F z = (v < splat(0) ? -v : v) * 0.707106781F;
    const F t = 1.0F / (z * 0.3275911F + 1.0F);
    F p = splat(1.061405429F);
    p = p * t - 1.453152027F;
    p = p * t + 1.421413741F;
    p = p * t - 0.284496736F;
    p = p * t + 0.254829592F;
    const F tail = p * t * exp_not_above_0(-(z * z)) * 0.5F;  // beyond |x|
    store(x + i, v * (v < splat(0) ? tail : 1.0F - tail));
  }
}

void softmax(float* x, int n) {
  float top = x[0];
  for (int i = 1; i < n; ++i) top = x[i] > top ? x[i] : top;
  F total = splat(0);
  for (int i = 0; i < n; i += kLanes) {
    const F e = exp_not_above_0(load(x + i) - top);
    total += e;
    store(x + i, e);
  }
  const float inverse = 1.0F / sum_of(total);
  for (int i = 0; i < n; i += kLanes) store(x + i, load(x + i) * inverse);
}

float dot(const float* a, const float* b, int n) {
  return sum(n, [&](int i) { return load(a + i) * load(b + i); });
}

void add_scaled(float factor, const float* x, int n, float* y) {
  for (int i = 0; i < n; i += kLanes) store(y + i, load(y + i) + load(x + i) * factor);
}

}  // namespace silt::model
