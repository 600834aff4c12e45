// Kernels: the table of functions that one instruction-set path provides to the CPU backend.
//
// Every path is the same code (kernels_inl.h) compiled over another vector type, in a translation
// unit with its own compiler flags; such a unit may include only this header, <cstdint> and
// <immintrin.h>, so that no inline function of the standard library is compiled for an instruction
// set that the machine may lack (tests/model/cpu_objects_test.cmake looks for weak symbols).
//
// Operand format. Values are bfloat16 in 16 bits. Matrices B [k, n] are cut into 32 x 32 blocks;
// rows 2i and 2i+1 of a block are interleaved column by column, which is what vdpbf16ps and
// tdpbf16ps consume: block[i][n][2], 2 KiB. A *panel* is the column of blocks of 32 columns, its
// blocks one after the other (k rounded up to 32, the rest zero). A operands are plain rows.
//
// Results: element [i, n] of a product is a function of row i of A and of the panel only, reduced
// over k in a fixed order that depends on neither the number of rows nor i. Denormals may be
// flushed to zero (the AMX and BF16 instructions always do); callers set FTZ and DAZ for the rest.
#pragma once

#include <cstdint>

namespace silt::model::cpu {

using Bf16 = std::uint16_t;

constexpr int kBlock = 32;                       // rows and columns of a packed block
constexpr int kBlockElements = kBlock * kBlock;  // 2 KiB
constexpr int kInt8Columns = 16;                 // of a panel of multiply_int8()
constexpr int kRowPad = 32;          // rows of A and C that product() may touch are rounded up to this
constexpr float kMasked = -1.0e38F;  // a score that exp_row() turns into exactly 0
constexpr int kWordLimit = 8191;     // of what ExactRows::quantise() makes: 14 bits
constexpr float kNever = -1.0e30F;   // a score of ExactRows::attend() that nothing comes of

// What the sentence encoder computes of rows of floats, with the same bits on every path. Lengths are multiples
// of 16.
struct ExactRows {
  // words = x / step, rounded to nearest even; returns step, which maps the largest magnitude to kWordLimit.
  float (*quantise)(const float* x, int n, std::int16_t* words);
  // y[rows][16] = sums[rows][16] (scale steps[row]) + bias
  void (*dequantise)(const std::int32_t* sums, const float* steps, int rows, const float* scale, const float* bias, float* y,
                     long ldy);
  // y = a a_scale + b b_scale
  void (*add_scaled_bytes)(const std::int8_t* a, float a_scale, const std::int8_t* b, float b_scale, int n, float* y);
  // y = (x - mean) / sqrt(variance + epsilon) * gain + bias; y may be x.
  void (*layer_norm)(const float* x, const float* gain, const float* bias, int n, float epsilon, float* y);
  void (*add)(const float* x, int n, float* y);  // y += x
  // The exact GELU, x times the normal distribution function at x, to 2e-7; in place.
  void (*gelu)(float* x, long n);
  // One head of a text: qkv[length] are rows of queries, keys and values of `width` numbers each and point at the
  // head's query; `mixed` rows are `width` apart. `work` holds (head_width + 1) times length rounded up to 16.
  void (*attend)(const float* qkv, int length, int width, int head_width, float* work, float* mixed);
  // out = the sum of the rows, made of length 1
  void (*unit_mean)(const float* rows, int count, int n, float* out);
};

struct Kernels {
  const char* isa;

  // Called on each thread before and after it uses the table (tile configuration).
  void (*enter)();
  void (*leave)();

  // --- products -------------------------------------------------------------------------------
  // c[rows][32] = (accumulate ? c : 0) + a[rows][k] panel; k a multiple of 32, strides in
  // elements. Reads rows of `a`, and may write rows of `c`, up to rows rounded up to kRowPad.
  void (*product)(const Bf16* a, long lda, int rows, const Bf16* panel, int k, float* c, long ldc,
                  bool accumulate);

  // --- 32 x 32 blocks -------------------------------------------------------------------------
  // out = packed(in), in[k][n] with row stride ld.
  void (*pack_block)(const Bf16* in, long ld, Bf16* out);
  // The same from float; the block's columns 0-15 come from `left`, 16-31 from `right`.
  void (*pack_block_f32)(const float* left, const float* right, long ld, Bf16* out);
  // out = packed(transpose of in), in[n][k].
  void (*pack_block_transposed)(const Bf16* in, long ld, Bf16* out);
  // packed(B) -> packed(transpose of B); pair rows 0-7 go to `low`, 8-15 to `high`.
  void (*transpose_packed)(const Bf16* in, Bf16* low, Bf16* high);
  // out[n][k] = in[k][n], plain rows.
  void (*transpose)(const Bf16* in, long ld, Bf16* out, long ldo);

  // --- what follows a product: c[rows][32], `cols` of them (16 or 32) valid -------------------
  void (*store_operand)(const float* c, int rows, int cols, Bf16* y, long ldy);
  void (*store_float)(const float* c, int rows, int cols, float* y, long ldy);
  void (*add_float)(const float* c, int rows, int cols, float* y, long ldy);
  // c holds 16 gate and 16 up columns: act = silu(gate) up; pre_gate and pre_up unless null.
  void (*swiglu)(const float* c, int rows, Bf16* pre_gate, Bf16* pre_up, long ldp, Bf16* act, long lda);
  // c is dact, 32 columns: dgate and dup from the saved gate and up (backend.h, swiglu_backward).
  void (*swiglu_backward)(const float* c, int rows, const Bf16* gate, const Bf16* up, long ldp, Bf16* dgate,
                          Bf16* dup, long ldd);

  // --- rows -----------------------------------------------------------------------------------
  void (*narrow)(const float* in, long n, Bf16* out);
  void (*widen)(const Bf16* in, long n, float* out);
  void (*rms_norm)(const float* h, const float* gain, int n, float epsilon, Bf16* x);
  void (*rms_norm_backward)(const float* h, const float* gain, const float* dx, int n, float epsilon,
                            float* dh);
  // Rotates (in[i], in[half + i]) by the angles of cosine and sine; the inverse for gradients.
  void (*rotate)(const Bf16* in, const float* cosine, const float* sine, int half, Bf16* out);
  void (*rotate_back)(const float* in, const float* cosine, const float* sine, int half, Bf16* out);
  float (*max_row)(const float* s, int n);
  // e[i] = exp(scale (s[i] - reference)) unless e is null; returns the sum of the unrounded values.
  float (*exp_row)(const float* s, int n, float reference, float scale, Bf16* e);
  // c[rows][n] times factor -> y.
  void (*scale_to_operand)(const float* c, int n, float factor, Bf16* y);
  // With P = inverse p: normal = P; ds = scale P (dp - sum(P dp)), the gradient of the scores.
  void (*softmax_backward)(const Bf16* p, float inverse, const float* dp, int n, float scale, Bf16* normal,
                           Bf16* ds);
  void (*scale)(float* x, long n, float factor);
  void (*axpy)(float factor, const float* x, long n, float* y);  // y += factor x
  double (*sum_of_squares)(const float* x, long n);
  // to = w0 + decay (from - w0) - step g
  void (*update)(const float* from, const float* w0, const float* g, long n, float decay, float step,
                 float* to);

  // --- whole numbers: exact, so every path gives the same bits ---------------------------------
  // c[rows][16] = a[rows][k] panel, where panel[k / 2][16][2] holds 16 columns of a matrix, two rows of
  // them interleaved; strides in elements. k is even, and the largest sum of |a| times 127 fits c.
  void (*multiply_int8)(const std::int16_t* a, long lda, int rows, const std::int8_t* panel, int k,
                        std::int32_t* c, long ldc);
  ExactRows exact;

  // --- TTT layers, in single precision; widths are multiples of 16 -----------------------------
  // y[r] = (accumulate ? y[r] : 0) + sum over i of x[r * row_step + i * depth_step] w[i], in order of
  // i, for rows of `cols` numbers.
  void (*multiply)(const float* x, long row_step, long depth_step, int rows, int depth, const float* w,
                   long ldw, int cols, float* y, long ldy, bool accumulate);
  float (*dot)(const float* x, const float* y, int n);
  void (*multiply_elements)(const float* x, long n, float* y);  // y *= x
  void (*sigmoid)(float* x, long n);
  // Tanh-gelu of z, in place; and its slope unless null.
  void (*gelu)(float* z, long n, float* slope);
  void (*rotate_to_float)(const Bf16* in, const float* cosine, const float* sine, int half, float* out);
  // y += LN(x)
  void (*add_layer_norm)(const float* x, const float* scale, const float* shift, int n, float epsilon,
                         float* y);
  void (*layer_norm)(const float* x, const float* scale, const float* shift, int n, float epsilon, Bf16* y);
  // g = gradient of 1/2 |LN(x) - target|^2 with respect to x
  void (*layer_norm_gradient)(const float* x, const float* scale, const float* shift, const float* target,
                              int n, float epsilon, float* g);
};

const Kernels& kernels_baseline();
const Kernels& kernels_avx2();
const Kernels& kernels_avx512();
const Kernels& kernels_avx512bf16();
// Turns a copy of the avx512bf16 table into the AMX path, which differs in product() only.
void install_amx(Kernels& table);

}  // namespace silt::model::cpu
