// Vector type of the AVX-512 paths: 16 floats. Included by kernels_avx512.cc and kernels_avx512bf16.cc.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace silt::model::cpu {
namespace {

using F = __m512;
constexpr int kLanes = 16;
constexpr int kTileRows = 12;  // of product(): 12 x 2 accumulators of 32 registers

inline F load(const float* p) {
  return _mm512_loadu_ps(p);
}
inline void store(float* p, F v) {
  _mm512_storeu_ps(p, v);
}
inline F splat(float x) {
  return _mm512_set1_ps(x);
}
inline F fma(F a, F b, F c) {
  return _mm512_fmadd_ps(a, b, c);
}
// The second operand when one is a NaN, as on every x86 path.
inline F vmax(F a, F b) {
  return _mm512_max_ps(a, b);
}
inline F vmin(F a, F b) {
  return _mm512_min_ps(a, b);
}
inline F round(F x) {
  return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
// x 2^n for integral n, however large or small.
inline F scale_by_power(F x, F n) {
  return _mm512_scalef_ps(x, n);
}
constexpr bool kWideExponents = true;  // round() and scale_by_power() take any float
// 1 / x for normal x, to 1 ulp: an estimate of 14 bits and one step of Newton's.
inline F reciprocal(F x) {
  const F y = _mm512_rcp14_ps(x);
  return y * _mm512_fnmadd_ps(x, y, _mm512_set1_ps(2.0F));
}
inline float reduce_add(F v) {
  return _mm512_reduce_add_ps(v);
}
inline float reduce_max(F v) {
  return _mm512_reduce_max_ps(v);
}
inline F load_bf16(const std::uint16_t* p) {
  const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

#ifdef __AVX512BF16__

inline __m256i narrow16(F v) {
  return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v));
}

// Two bfloat16 of each column, as the dot product takes them.
using Pair = __m512bh;
inline Pair load_pair(const std::uint16_t* p) {
  return reinterpret_cast<Pair>(_mm512_loadu_si512(p));
}
inline Pair splat_pair(const std::uint16_t* p) {
  std::int32_t bits;
  __builtin_memcpy(&bits, p, 4);
  return reinterpret_cast<Pair>(_mm512_set1_epi32(bits));
}
inline F dot(Pair a, Pair b, F c) {
  return _mm512_dpbf16_ps(c, a, b);
}

#else

inline __m256i narrow16(F v) {  // round to nearest even, NaN stays a NaN
  const __m512i bits = _mm512_castps_si512(v);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  up = _mm512_mask_mov_epi32(up, _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), _mm512_set1_epi32(0x7fc00000));
  return _mm512_cvtepi32_epi16(_mm512_srli_epi32(up, 16));
}

struct Pair {
  F even, odd;
};
inline Pair split(__m512i bits) {
  return {_mm512_castsi512_ps(_mm512_slli_epi32(bits, 16)),
          _mm512_castsi512_ps(_mm512_and_si512(bits, _mm512_set1_epi32(static_cast<int>(0xffff0000U))))};
}
inline Pair load_pair(const std::uint16_t* p) {
  return split(_mm512_loadu_si512(p));
}
inline Pair splat_pair(const std::uint16_t* p) {
  std::int32_t bits;
  __builtin_memcpy(&bits, p, 4);
  return split(_mm512_set1_epi32(bits));
}
inline F dot(Pair a, Pair b, F c) {
  return fma(a.odd, b.odd, fma(a.even, b.even, c));
}

#endif

inline void store_bf16(std::uint16_t* p, F v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), narrow16(v));
}
// p[2i] = even[i], p[2i + 1] = odd[i]
inline void store_pairs(std::uint16_t* p, F even, F odd) {
  const __m512i low = _mm512_cvtepu16_epi32(narrow16(even));
  const __m512i high = _mm512_slli_epi32(_mm512_cvtepu16_epi32(narrow16(odd)), 16);
  _mm512_storeu_si512(p, _mm512_or_si512(low, high));
}

// 16 sums, and 16 pairs of 16-bit numbers that multiply_add() adds up.
using Words = __m512i;
constexpr int kWordRows = 12;  // of multiply_int8(): 12 accumulators
inline Words load_words(const std::int8_t* p) {
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline Words splat_words(const std::int16_t* p) {
  std::int32_t bits;
  __builtin_memcpy(&bits, p, 4);
  return _mm512_set1_epi32(bits);
}
inline Words no_words() {
  return _mm512_setzero_si512();
}
inline Words multiply_add(Words a, Words b, Words c) {
#ifdef __AVX512VNNI__
  return _mm512_dpwssd_epi32(c, a, b);
#else
  return _mm512_add_epi32(_mm512_madd_epi16(a, b), c);
#endif
}
inline void store_words(std::int32_t* p, Words v) {
  _mm512_storeu_si512(p, v);
}

}  // namespace
}  // namespace silt::model::cpu
