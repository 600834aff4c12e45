// Vector type of the AVX2 path: 8 floats, with FMA. Included by kernels_avx2.cc only.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace silt::model::cpu {
namespace {

using F = __m256;
constexpr int kLanes = 8;
constexpr int kTileRows = 4;  // of product(): 4 x 2 accumulators of 16 registers

inline F load(const float* p) {
  return _mm256_loadu_ps(p);
}
inline void store(float* p, F v) {
  _mm256_storeu_ps(p, v);
}
inline F splat(float x) {
  return _mm256_set1_ps(x);
}
inline F fma(F a, F b, F c) {
  return _mm256_fmadd_ps(a, b, c);
}
inline F vmax(F a, F b) {
  return _mm256_max_ps(a, b);
}
inline F vmin(F a, F b) {
  return _mm256_min_ps(a, b);
}
inline F round(F x) {
  return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
// x 2^n for integral n in [-127, 127]; 2^-127 counts as 0.
inline F scale_by_power(F x, F n) {
  const __m256i e = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
  return _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(e, 23)));
}
constexpr bool kWideExponents = false;  // round() and scale_by_power() want a bounded argument
inline F reciprocal(F x) {
  return splat(1.0F) / x;
}
inline float reduce_add(F v) {
  __m128 x = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  x = _mm_add_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_add_ss(x, _mm_shuffle_ps(x, x, 1)));
}
inline float reduce_max(F v) {
  __m128 x = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  x = _mm_max_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_max_ss(x, _mm_shuffle_ps(x, x, 1)));
}
inline F load_bf16(const std::uint16_t* p) {
  const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}
// The rounded value in the upper half of each lane: nearest even, NaN stays a NaN.
inline __m256i rounded(F v) {
  const __m256i bits = _mm256_castps_si256(v);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i up = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256 nan = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc00000));
  return _mm256_castps_si256(
      _mm256_blendv_ps(_mm256_castsi256_ps(up), nan, _mm256_cmp_ps(v, v, _CMP_UNORD_Q)));
}
inline void store_bf16(std::uint16_t* p, F v) {
  const __m256i words = _mm256_srai_epi32(rounded(v), 16);
  const __m256i packed = _mm256_permute4x64_epi64(_mm256_packs_epi32(words, words), 0x08);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128(packed));
}
inline void store_pairs(std::uint16_t* p, F even, F odd) {
  const __m256i high = _mm256_and_si256(rounded(odd), _mm256_set1_epi32(static_cast<int>(0xffff0000U)));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                      _mm256_or_si256(_mm256_srli_epi32(rounded(even), 16), high));
}

struct Pair {
  F even, odd;
};
inline Pair split(__m256i bits) {
  return {_mm256_castsi256_ps(_mm256_slli_epi32(bits, 16)),
          _mm256_castsi256_ps(_mm256_and_si256(bits, _mm256_set1_epi32(static_cast<int>(0xffff0000U))))};
}
inline Pair load_pair(const std::uint16_t* p) {
  return split(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline Pair splat_pair(const std::uint16_t* p) {
  std::int32_t bits;
  __builtin_memcpy(&bits, p, 4);
  return split(_mm256_set1_epi32(bits));
}
inline F dot(Pair a, Pair b, F c) {
  return fma(a.odd, b.odd, fma(a.even, b.even, c));
}

// 8 sums, and 8 pairs of 16-bit numbers that multiply_add() adds up.
using Words = __m256i;
constexpr int kWordRows = 6;  // of multiply_int8(): 6 x 2 accumulators
inline Words load_words(const std::int8_t* p) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline Words splat_words(const std::int16_t* p) {
  std::int32_t bits;
  __builtin_memcpy(&bits, p, 4);
  return _mm256_set1_epi32(bits);
}
inline Words no_words() {
  return _mm256_setzero_si256();
}
inline Words multiply_add(Words a, Words b, Words c) {
  return _mm256_add_epi32(_mm256_madd_epi16(a, b), c);
}
inline void store_words(std::int32_t* p, Words v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
}

}  // namespace
}  // namespace silt::model::cpu
