// 32 x 32 block transforms for the paths without 512-bit shuffles, one element at a time: a small
// share of a step whose products are 10 times slower than with AVX-512.
#pragma once

#include "model/cpu/kernels.h"

namespace silt::model::cpu {
namespace {

void pack_block(const Bf16* in, long ld, Bf16* out) {
  for (int k = 0; k < kBlock; ++k) {
    for (int n = 0; n < kBlock; ++n) out[(k / 2) * 64 + 2 * n + k % 2] = in[k * ld + n];
  }
}

void pack_block_transposed(const Bf16* in, long ld, Bf16* out) {
  for (int n = 0; n < kBlock; ++n) {
    for (int k = 0; k < kBlock; ++k) out[(k / 2) * 64 + 2 * n + k % 2] = in[n * ld + k];
  }
}

void transpose_packed(const Bf16* in, Bf16* low, Bf16* high) {
  for (int n = 0; n < kBlock; ++n) {
    Bf16* out = (n < kBlock / 2 ? low : high) + (n / 2 % 8) * 64 + n % 2;
    for (int k = 0; k < kBlock; ++k) out[2 * k] = in[(k / 2) * 64 + 2 * n + k % 2];
  }
}

void transpose(const Bf16* in, long ld, Bf16* out, long ldo) {
  for (int n = 0; n < kBlock; ++n) {
    for (int k = 0; k < kBlock; ++k) out[n * ldo + k] = in[k * ld + n];
  }
}

}  // namespace
}  // namespace silt::model::cpu
