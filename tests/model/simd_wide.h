// Vector type of 16 floats in plain C++, which every processor runs: the lanes, tiles and reductions of the
// AVX-512 paths without their instructions, so that kernels over 16 lanes are tested where AVX-512 is not.
// Included by kernels_wide.cc only.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace silt::model::cpu {
namespace {

using F = float __attribute__((vector_size(64)));
constexpr int kLanes = 16;
constexpr int kTileRows = 12;  // as simd_avx512.h

template <class Function>
inline F each(Function function) {
  F out;
  for (int i = 0; i < kLanes; ++i) out[i] = function(i);
  return out;
}

inline F load(const float* p) {
  F v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, F v) {
  std::memcpy(p, &v, sizeof v);
}
inline F splat(float x) {
  return each([&](int) { return x; });
}
inline F fma(F a, F b, F c) {
  return each([&](int i) { return std::fma(a[i], b[i], c[i]); });
}
// The second operand when one is a NaN, as on every x86 path.
inline F vmax(F a, F b) {
  return each([&](int i) { return a[i] > b[i] ? a[i] : b[i]; });
}
inline F vmin(F a, F b) {
  return each([&](int i) { return a[i] < b[i] ? a[i] : b[i]; });
}
inline F round(F x) {
  return each([&](int i) { return std::nearbyint(x[i]); });
}
// Results that are not normal count as 0, because every path flushes them.
inline F scale_by_power(F x, F n) {
  return each([&](int i) {
    if (n[i] < -126) return 0.0F;
    return n[i] < 1000 ? std::ldexp(x[i], static_cast<int>(n[i])) : x[i] * n[i];  // a NaN stays one
  });
}
constexpr bool kWideExponents = true;
inline F reciprocal(F x) {
  return splat(1.0F) / x;
}
template <class Function>
inline float reduce(F v, Function function) {
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) v[i] = function(v[i], v[i + width]);
  }
  return v[0];
}
inline float reduce_add(F v) {
  return reduce(v, [](float a, float b) { return a + b; });
}
inline float reduce_max(F v) {
  return reduce(v, [](float a, float b) { return a > b ? a : b; });
}

inline float widened(std::uint16_t x) {
  const std::uint32_t bits = static_cast<std::uint32_t>(x) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
inline std::uint16_t narrowed(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return x != x ? 0x7fc0 : static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
inline F load_bf16(const std::uint16_t* p) {
  return each([&](int i) { return widened(p[i]); });
}
inline void store_bf16(std::uint16_t* p, F v) {
  for (int i = 0; i < kLanes; ++i) p[i] = narrowed(v[i]);
}
inline void store_pairs(std::uint16_t* p, F even, F odd) {
  for (int i = 0; i < kLanes; ++i) {
    p[2 * i] = narrowed(even[i]);
    p[2 * i + 1] = narrowed(odd[i]);
  }
}

struct Pair {
  F even, odd;
};
inline Pair load_pair(const std::uint16_t* p) {
  return {each([&](int i) { return widened(p[2 * i]); }), each([&](int i) { return widened(p[2 * i + 1]); })};
}
inline Pair splat_pair(const std::uint16_t* p) {
  return {splat(widened(p[0])), splat(widened(p[1]))};
}
inline F dot(Pair a, Pair b, F c) {
  return fma(a.odd, b.odd, fma(a.even, b.even, c));
}

// 16 sums; 16 pairs of 16-bit numbers as 32 elements.
struct Words {
  std::int32_t sum[kLanes];
  std::int16_t pair[2 * kLanes];
};
constexpr int kWordRows = 12;
inline Words load_words(const std::int8_t* p) {
  Words v{};
  for (int i = 0; i < 2 * kLanes; ++i) v.pair[i] = p[i];
  return v;
}
inline Words splat_words(const std::int16_t* p) {
  Words v{};
  for (int i = 0; i < 2 * kLanes; ++i) v.pair[i] = p[i % 2];
  return v;
}
inline Words no_words() {
  return {};
}
inline Words multiply_add(Words a, Words b, Words c) {
  for (int i = 0; i < kLanes; ++i) {
    c.sum[i] += a.pair[2 * i] * b.pair[2 * i] + a.pair[2 * i + 1] * b.pair[2 * i + 1];
  }
  return c;
}
inline void store_words(std::int32_t* p, const Words& v) {
  std::memcpy(p, v.sum, sizeof v.sum);
}

}  // namespace
}  // namespace silt::model::cpu
