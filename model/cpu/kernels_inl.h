// The kernel table of the path being compiled: include after a simd_*.h and a blocks_*.h.
#pragma once

#include "model/cpu/exact_rows_inl.h"
#include "model/cpu/int8_inl.h"
#include "model/cpu/product_inl.h"
#include "model/cpu/rows_inl.h"
#include "model/cpu/ttt_inl.h"

namespace silt::model::cpu {
namespace {

constexpr Kernels make_kernels(const char* isa) {
  return Kernels{
      .isa = isa,
      .enter = nothing,
      .leave = nothing,
      .product = product,
      .pack_block = pack_block,
      .pack_block_f32 = pack_block_f32,
      .pack_block_transposed = pack_block_transposed,
      .transpose_packed = transpose_packed,
      .transpose = transpose,
      .store_operand = store_operand,
      .store_float = store_float,
      .add_float = add_float,
      .swiglu = swiglu,
      .swiglu_backward = swiglu_backward,
      .narrow = narrow,
      .widen = widen,
      .rms_norm = rms_norm,
      .rms_norm_backward = rms_norm_backward,
      .rotate = rotate,
      .rotate_back = rotate_back,
      .max_row = max_row,
      .exp_row = exp_row,
      .scale_to_operand = scale_to_operand,
      .softmax_backward = softmax_backward,
      .scale = scale,
      .axpy = axpy,
      .sum_of_squares = sum_of_squares,
      .update = update,
      .multiply_int8 = multiply_int8,
      .exact = exact::kRows,
      .multiply = multiply,
      .dot = dot_rows,
      .multiply_elements = multiply_elements,
      .sigmoid = sigmoid_elements,
      .gelu = gelu,
      .rotate_to_float = rotate_to_float,
      .add_layer_norm = add_layer_norm,
      .layer_norm = layer_norm,
      .layer_norm_gradient = layer_norm_gradient,
  };
}

}  // namespace
}  // namespace silt::model::cpu
