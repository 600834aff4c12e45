#include "model/cuda/runtime.h"

#include <atomic>
#include <string>

namespace silt::model::cuda {
namespace {

std::atomic<std::uint64_t> calls{0};
std::atomic<std::uint64_t> failing_from{0};

}  // namespace

Status done(cudaError_t error, const char* call) {
  const std::uint64_t number = ++calls;
  const std::uint64_t failing = failing_from.load();
  if (failing != 0 && number >= failing)
    return unavailable(std::string("the GPU was lost (a test's doing) in ") + call);
  if (error == cudaSuccess) return Status::ok();
  const std::string text =
      std::string("CUDA: ") + cudaGetErrorString(error) + " (" + cudaGetErrorName(error) + ") in " + call;
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // is no lasting failure
    return resource_exhausted(text);
  }
  return unavailable(text);
}

void fail_at_call(std::uint64_t n) { failing_from = n == 0 ? 0 : calls + n; }
std::uint64_t calls_made() { return calls; }

Result<DeviceMemory> DeviceMemory::allocate(std::size_t bytes) {
  void* pointer = nullptr;
  SILT_CUDA(cudaMalloc(&pointer, bytes));
  DeviceMemory memory;
  memory.bytes_.reset(static_cast<std::byte*>(pointer));
  memory.size_ = bytes;
  return memory;
}

Result<PinnedMemory> PinnedMemory::allocate(std::size_t bytes) {
  void* pointer = nullptr;
  SILT_CUDA(cudaMallocHost(&pointer, bytes));
  PinnedMemory memory;
  memory.bytes_.reset(static_cast<std::byte*>(pointer));
  memory.size_ = bytes;
  return memory;
}

Result<Stream> make_stream() {
  cudaStream_t stream = nullptr;
  SILT_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return Stream(stream);
}

Result<Event> make_event(bool timed) {
  cudaEvent_t event = nullptr;
  SILT_CUDA(cudaEventCreateWithFlags(&event, timed ? cudaEventDefault : cudaEventDisableTiming));
  return Event(event);
}

}  // namespace silt::model::cuda
