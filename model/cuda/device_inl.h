// What the kernels share: bfloat16, tiles in shared memory, tensor-core fragments. For .cu files only.
//
// A tile has rows of 64 (or 128) bfloat16 in chunks of 16 bytes; chunk c of row r lies at c ^ (r & 7), so that
// the eight rows of a fragment are in different banks. Fragments are those of mma.m16n8k16: thread t of a warp
// holds, of a 16 x 8 float tile, elements (t / 4, 2 (t % 4)), (.., +1), (t / 4 + 8, ..), (.., +1).
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "model/cuda/kernels.h"

namespace silt::model::cuda {

// Kernels are launched before the one in front of them has ended, where the device can do that, so that the way to
// their first instruction costs nothing. Each begins with this: what comes before it in the stream is done, and what
// comes behind may get ready.
__device__ __forceinline__ void wait_for_turn() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
  asm volatile("griddepcontrol.launch_dependents;" :::);
#endif
}

inline bool launches_early() {
  static const bool can = [] {
    int device = 0, major = 0;
    return cudaGetDevice(&device) == cudaSuccess &&
           cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) == cudaSuccess && major >= 9;
  }();
  return can;
}

template <class... Parameters, class... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, int threads, int shared_bytes, cudaStream_t stream,
                   Arguments... arguments) {
  cudaLaunchAttribute early = {};
  early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  early.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = dim3(static_cast<unsigned>(threads));
  config.dynamicSmemBytes = static_cast<std::size_t>(shared_bytes);
  config.stream = stream;
  config.attrs = &early;
  config.numAttrs = launches_early() ? 1 : 0;
  if (shared_bytes > 48 << 10) {
    const cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes);
    if (error != cudaSuccess) return error;
  }
  return cudaLaunchKernelEx(&config, kernel, Parameters(arguments)...);
}

__device__ __forceinline__ float to_float(Half bits) {
  return __uint_as_float(static_cast<unsigned>(bits) << 16);
}
__device__ __forceinline__ Half to_half(float value) {
  return __bfloat16_as_ushort(__float2bfloat16_rn(value));
}
// Two values in one register, `low` in the lower half.
__device__ __forceinline__ unsigned pack2(float low, float high) {
  const __nv_bfloat162 both = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<const unsigned*>(&both);
}
__device__ __forceinline__ float low_of(unsigned two) { return __uint_as_float(two << 16); }
__device__ __forceinline__ float high_of(unsigned two) { return __uint_as_float(two & 0xffff0000u); }

__device__ __forceinline__ unsigned shared_address(const void* pointer) {
  return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}
__device__ __forceinline__ void copy_async_16(unsigned to, const void* from) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;\n" ::"r"(to), "l"(from));
}
__device__ __forceinline__ void commit_copies() { asm volatile("cp.async.commit_group;\n" ::); }
template <int kPending>
__device__ __forceinline__ void wait_copies() {
  asm volatile("cp.async.wait_group %0;\n" ::"n"(kPending));
}

__device__ __forceinline__ void load_fragments(unsigned (&r)[4], unsigned address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];\n"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address));
}
__device__ __forceinline__ void load_fragments_turned(unsigned (&r)[4], unsigned address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];\n"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address));
}
// c += a b
__device__ __forceinline__ void multiply_add(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};\n"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Where chunk `chunk` of row `row` lies in a tile whose rows have kChunks chunks.
template <int kChunks>
__device__ __forceinline__ unsigned tile_address(unsigned tile, int row, int chunk) {
  return tile + static_cast<unsigned>((row * kChunks + (chunk ^ (row & 7))) * 16);
}

// Within a tile that begins at a multiple of 128 bytes, moving by an even number of chunks is an exclusive or with
// 16 bytes a chunk: so a warp computes its addresses once a tile.
__device__ __forceinline__ unsigned chunks_on(unsigned address, int even_chunks) {
  return address ^ static_cast<unsigned>(even_chunks * 16);
}

// Rows of 64 bfloat16, which lie `stride` apart in device memory, into a tile: thread by thread the same chunk of every
// kThreads / 8th row.
template <int kThreads, int kRows>
__device__ __forceinline__ void copy_tile_async(unsigned tile, const Half* from, std::size_t stride) {
  static_assert(kThreads % 64 == 0 && kRows * 8 % kThreads == 0);
  const int row = threadIdx.x / 8, chunk = threadIdx.x % 8;
  const unsigned to = tile_address<8>(tile, row, chunk);
  const Half* const mine = from + row * stride + chunk * 8;
#pragma unroll
  for (int i = 0; i < kRows * 8 / kThreads; ++i) {
    copy_async_16(to + i * (kThreads / 8) * 128, mine + i * (kThreads / 8) * stride);
  }
}

// The sum over a warp, in a fixed order, in every thread.
__device__ __forceinline__ float warp_sum(float value) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
  return value;
}
__device__ __forceinline__ float warp_max(float value) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, step));
  return value;
}

}  // namespace silt::model::cuda
