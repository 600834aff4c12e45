// Vector type of the baseline path: 4 floats of SSE2, which every x86-64 has; multiply, then add.
// Included by kernels_baseline.cc only.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace silt::model::cpu {
namespace {

using F = __m128;
constexpr int kLanes = 4;
constexpr int kTileRows = 4;  // of product(): 4 x 2 accumulators of 16 registers

inline F load(const float* p) {
  return _mm_loadu_ps(p);
}
inline void store(float* p, F v) {
  _mm_storeu_ps(p, v);
}
inline F splat(float x) {
  return _mm_set1_ps(x);
}
inline F fma(F a, F b, F c) {
  return _mm_add_ps(_mm_mul_ps(a, b), c);
}
inline F vmax(F a, F b) {
  return _mm_max_ps(a, b);
}
inline F vmin(F a, F b) {
  return _mm_min_ps(a, b);
}
inline F round(F x) {
  return _mm_cvtepi32_ps(_mm_cvtps_epi32(x));
}  // |x| < 2^31
// x 2^n for integral n in [-127, 127]; 2^-127 counts as 0.
inline F scale_by_power(F x, F n) {
  const __m128i e = _mm_add_epi32(_mm_cvtps_epi32(n), _mm_set1_epi32(127));
  return _mm_mul_ps(x, _mm_castsi128_ps(_mm_slli_epi32(e, 23)));
}
constexpr bool kWideExponents = false;  // round() and scale_by_power() want a bounded argument
inline F reciprocal(F x) {
  return splat(1.0F) / x;
}
inline float reduce_add(F v) {
  const __m128 x = _mm_add_ps(v, _mm_movehl_ps(v, v));
  return _mm_cvtss_f32(_mm_add_ss(x, _mm_shuffle_ps(x, x, 1)));
}
inline float reduce_max(F v) {
  const __m128 x = _mm_max_ps(v, _mm_movehl_ps(v, v));
  return _mm_cvtss_f32(_mm_max_ss(x, _mm_shuffle_ps(x, x, 1)));
}
inline F load_bf16(const std::uint16_t* p) {
  const __m128i half = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return _mm_castsi128_ps(_mm_unpacklo_epi16(_mm_setzero_si128(), half));
}
inline __m128i rounded(F v) {
  const __m128i bits = _mm_castps_si128(v);
  const __m128i odd = _mm_and_si128(_mm_srli_epi32(bits, 16), _mm_set1_epi32(1));
  const __m128i up = _mm_add_epi32(bits, _mm_add_epi32(odd, _mm_set1_epi32(0x7fff)));
  const __m128i nan = _mm_castps_si128(_mm_cmpunord_ps(v, v));
  return _mm_or_si128(_mm_andnot_si128(nan, up), _mm_and_si128(nan, _mm_set1_epi32(0x7fc00000)));
}
inline void store_bf16(std::uint16_t* p, F v) {
  const __m128i words = _mm_srai_epi32(rounded(v), 16);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi32(words, words));
}
inline void store_pairs(std::uint16_t* p, F even, F odd) {
  const __m128i high = _mm_and_si128(rounded(odd), _mm_set1_epi32(static_cast<int>(0xffff0000U)));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_or_si128(_mm_srli_epi32(rounded(even), 16), high));
}

struct Pair {
  F even, odd;
};
inline Pair split(__m128i bits) {
  return {_mm_castsi128_ps(_mm_slli_epi32(bits, 16)),
          _mm_castsi128_ps(_mm_and_si128(bits, _mm_set1_epi32(static_cast<int>(0xffff0000U))))};
}
inline Pair load_pair(const std::uint16_t* p) {
  return split(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline Pair splat_pair(const std::uint16_t* p) {
  std::int32_t bits;
  __builtin_memcpy(&bits, p, 4);
  return split(_mm_set1_epi32(bits));
}
inline F dot(Pair a, Pair b, F c) {
  return fma(a.odd, b.odd, fma(a.even, b.even, c));
}

// 4 sums, and 4 pairs of 16-bit numbers that multiply_add() adds up.
using Words = __m128i;
constexpr int kWordRows = 2;  // of multiply_int8(): 2 x 4 accumulators
inline Words load_words(const std::int8_t* p) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return _mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8);
}
inline Words splat_words(const std::int16_t* p) {
  std::int32_t bits;
  __builtin_memcpy(&bits, p, 4);
  return _mm_set1_epi32(bits);
}
inline Words no_words() {
  return _mm_setzero_si128();
}
inline Words multiply_add(Words a, Words b, Words c) {
  return _mm_add_epi32(_mm_madd_epi16(a, b), c);
}
inline void store_words(std::int32_t* p, Words v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v);
}

}  // namespace
}  // namespace silt::model::cpu
