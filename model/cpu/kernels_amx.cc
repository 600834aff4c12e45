// product() with AMX tiles; everything else comes from the avx512bf16 path, which every CPU with
// AMX-BF16 has.
//
// A 32 x 32 block of C is four tiles; per 32 of k, two tiles of A and two of the panel are loaded
// and multiplied pairwise: 4 KiB of loads for 64 Ki multiply-adds.
#include <immintrin.h>

#include <cstdint>

#include "model/cpu/kernels.h"

namespace silt::model::cpu {
namespace {

constexpr int kTile = 16;  // rows of a tile, and of its 4-byte columns

struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t bytes_per_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

void enter() {
  const TileConfig config;
  _tile_loadconfig(&config);
}

void leave() {
  _tile_release();
}

// Fetches lines of the next panel, which usually lies behind this one, while the tiles are at work:
// the hardware does not see a pattern in tile loads and would let them wait for memory.
inline void prefetch(const Bf16* next, int lines) {
  for (int i = 0; i < lines; ++i) _mm_prefetch(reinterpret_cast<const char*>(next + i * 32), _MM_HINT_T1);
}

// Tiles: 0-3 are C (row half, column half), 4-5 A (row halves), 6-7 the panel (column halves).
void rows32(const Bf16* a, long lda, const Bf16* panel, int k, float* c, long ldc, bool accumulate,
            const Bf16* next, int lines) {
  const long stride_a = lda * 2;
  const long stride_c = ldc * 4;
  float* lower = c + kTile * ldc;
  if (accumulate) {
    _tile_loadd(0, c, stride_c);
    _tile_loadd(1, c + kTile, stride_c);
    _tile_loadd(2, lower, stride_c);
    _tile_loadd(3, lower + kTile, stride_c);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (int kk = 0; kk < k; kk += kBlock) {
    const Bf16* block = panel + static_cast<long>(kk) * kBlock;
    prefetch(next, lines);
    next += lines * 32;
    _tile_loadd(4, a + kk, stride_a);
    _tile_loadd(6, block, 128);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, block + 2 * kTile, 128);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, a + kTile * lda + kk, stride_a);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, c, stride_c);
  _tile_stored(1, c + kTile, stride_c);
  _tile_stored(2, lower, stride_c);
  _tile_stored(3, lower + kTile, stride_c);
}

void rows16(const Bf16* a, long lda, const Bf16* panel, int k, float* c, long ldc, bool accumulate,
            const Bf16* next, int lines) {
  if (accumulate) {
    _tile_loadd(0, c, ldc * 4);
    _tile_loadd(1, c + kTile, ldc * 4);
  } else {
    _tile_zero(0);
    _tile_zero(1);
  }
  for (int kk = 0; kk < k; kk += kBlock) {
    const Bf16* block = panel + static_cast<long>(kk) * kBlock;
    prefetch(next, lines);
    next += lines * 32;
    _tile_loadd(4, a + kk, lda * 2);
    _tile_loadd(6, block, 128);
    _tile_loadd(7, block + 2 * kTile, 128);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
  }
  _tile_stored(0, c, ldc * 4);
  _tile_stored(1, c + kTile, ldc * 4);
}

void product(const Bf16* a, long lda, int rows, const Bf16* panel, int k, float* c, long ldc,
             bool accumulate) {
  // A panel has 32 lines for each 32 of k; every pass over this one fetches its share of the next.
  // Not for the 32 rows of attention, whose panels are in the cache.
  const int passes = (rows + 2 * kTile - 1) / (2 * kTile);
  const int lines = rows == 2 * kTile ? 0 : (passes < 32 ? 32 / passes : 1);
  const Bf16* next = panel + static_cast<long>(k) * kBlock;
  int row = 0;
  for (; rows - row > kTile; row += 2 * kTile) {
    rows32(a + row * lda, lda, panel, k, c + row * ldc, ldc, accumulate, next, lines);
    next += static_cast<long>(k) * lines;
  }
  if (row < rows) rows16(a + row * lda, lda, panel, k, c + row * ldc, ldc, accumulate, next, lines);
}

}  // namespace

void install_amx(Kernels& table) {
  table.isa = "amx";
  table.enter = enter;
  table.leave = leave;
  table.product = product;
}

}  // namespace silt::model::cpu
