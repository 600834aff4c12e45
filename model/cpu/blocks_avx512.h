// 32 x 32 block transforms for the AVX-512 paths: transpositions in registers.
#pragma once

#include <immintrin.h>

#include "model/cpu/kernels.h"

namespace silt::model::cpu {
namespace {

// Transposes 16 x 16 double words: four rounds of exchanges at distances 1, 2, 4 and 8.
inline void transpose_words(__m512i r[16]) {
  __m512i t[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  // Now lane l of r[4 g + j] holds column 4 l + j of rows 4 g .. 4 g + 3.
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    t[j] = _mm512_shuffle_i32x4(r[j], r[4 + j], 0x88);
    t[4 + j] = _mm512_shuffle_i32x4(r[j], r[4 + j], 0xdd);
    t[8 + j] = _mm512_shuffle_i32x4(r[8 + j], r[12 + j], 0x88);
    t[12 + j] = _mm512_shuffle_i32x4(r[8 + j], r[12 + j], 0xdd);
  }
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    r[j] = _mm512_shuffle_i32x4(t[j], t[8 + j], 0x88);
    r[8 + j] = _mm512_shuffle_i32x4(t[j], t[8 + j], 0xdd);
    r[4 + j] = _mm512_shuffle_i32x4(t[4 + j], t[12 + j], 0x88);
    r[12 + j] = _mm512_shuffle_i32x4(t[4 + j], t[12 + j], 0xdd);
  }
}

// Column-wise pairs (even[n], odd[n]) of two rows of 32 bfloat16: columns 0-15 and 16-31.
inline void interleave(__m512i even, __m512i odd, __m512i& low, __m512i& high) {
  const __m512i first = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7,
                                         38, 6, 37, 5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
  const __m512i second = _mm512_add_epi16(first, _mm512_set1_epi16(16));
  low = _mm512_permutex2var_epi16(even, first, odd);
  high = _mm512_permutex2var_epi16(even, second, odd);
}

void pack_block(const Bf16* in, long ld, Bf16* out) {
  for (int i = 0; i < kBlock / 2; ++i) {
    __m512i low;
    __m512i high;
    interleave(_mm512_loadu_si512(in + 2 * i * ld), _mm512_loadu_si512(in + (2 * i + 1) * ld), low, high);
    _mm512_storeu_si512(out + 64 * i, low);
    _mm512_storeu_si512(out + 64 * i + 32, high);
  }
}

void pack_block_transposed(const Bf16* in, long ld, Bf16* out) {
  for (int half = 0; half < 2; ++half) {
    __m512i r[16];
#pragma GCC unroll 16
    for (int n = 0; n < 16; ++n) r[n] = _mm512_loadu_si512(in + (16 * half + n) * ld);
    transpose_words(r);
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) _mm512_storeu_si512(out + 64 * i + 32 * half, r[i]);
  }
}

void transpose_packed(const Bf16* in, Bf16* low, Bf16* high) {
  for (int half = 0; half < 2; ++half) {
    __m512i r[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) r[i] = _mm512_loadu_si512(in + 64 * i + 32 * half);
    transpose_words(r);  // r[n] = the 32 values of column n
    Bf16* out = half == 0 ? low : high;
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      __m512i first;
      __m512i second;
      interleave(r[2 * i], r[2 * i + 1], first, second);
      _mm512_storeu_si512(out + 64 * i, first);
      _mm512_storeu_si512(out + 64 * i + 32, second);
    }
  }
}

void transpose(const Bf16* in, long ld, Bf16* out, long ldo) {
  __m512i low[16];
  __m512i high[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) {
    interleave(_mm512_loadu_si512(in + 2 * i * ld), _mm512_loadu_si512(in + (2 * i + 1) * ld), low[i],
               high[i]);
  }
  transpose_words(low);
  transpose_words(high);
#pragma GCC unroll 16
  for (int n = 0; n < 16; ++n) {
    _mm512_storeu_si512(out + n * ldo, low[n]);
    _mm512_storeu_si512(out + (16 + n) * ldo, high[n]);
  }
}

}  // namespace
}  // namespace silt::model::cpu
