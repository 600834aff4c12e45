// The CUDA runtime behind Status, and owners of what it hands out.
//
// Every call goes through done(), which turns a failure into kUnavailable (kResourceExhausted when memory is
// short) with the call's text, and which tests make fail at a chosen call.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "base/status.h"

namespace silt::model::cuda {

Status done(cudaError_t error, const char* call);
#define SILT_CUDA(call) SILT_TRY(::silt::model::cuda::done((call), #call))

// For tests: the n-th call from now on fails, and all after it, as when a device is lost. 0: none does.
void fail_at_call(std::uint64_t n);
std::uint64_t calls_made();

// Device memory; freed with its owner.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  static Result<DeviceMemory> allocate(std::size_t bytes);
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(bytes_.get());
  }
  std::size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(std::byte* bytes) const { cudaFree(bytes); }
  };
  std::unique_ptr<std::byte, Free> bytes_;
  std::size_t size_ = 0;
};

// Host memory that the device copies from and to at full speed.
class PinnedMemory {
 public:
  PinnedMemory() = default;
  static Result<PinnedMemory> allocate(std::size_t bytes);
  std::byte* data() const { return bytes_.get(); }
  std::size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(std::byte* bytes) const { cudaFreeHost(bytes); }
  };
  std::unique_ptr<std::byte, Free> bytes_;
  std::size_t size_ = 0;
};

// Owner of a handle of the runtime.
template <class Handle, cudaError_t (*kDestroy)(Handle)>
class Owned {
 public:
  Owned() = default;
  explicit Owned(Handle handle) : handle_(handle) {}
  Owned(Owned&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Owned() {
    if (handle_ != nullptr) kDestroy(handle_);
  }
  Handle get() const { return handle_; }
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  Handle handle_ = nullptr;
};
using Stream = Owned<cudaStream_t, cudaStreamDestroy>;
using Event = Owned<cudaEvent_t, cudaEventDestroy>;
using Graph = Owned<cudaGraphExec_t, cudaGraphExecDestroy>;

Result<Stream> make_stream();
Result<Event> make_event(bool timed = false);

template <class T>
Status copy_to_device(T* to, std::span<const T> from, cudaStream_t stream) {
  SILT_CUDA(cudaMemcpyAsync(to, from.data(), from.size_bytes(), cudaMemcpyHostToDevice, stream));
  return Status::ok();
}
template <class T>
Status copy_to_host(std::span<T> to, const T* from, cudaStream_t stream) {
  SILT_CUDA(cudaMemcpyAsync(to.data(), from, to.size_bytes(), cudaMemcpyDeviceToHost, stream));
  return Status::ok();
}

}  // namespace silt::model::cuda
