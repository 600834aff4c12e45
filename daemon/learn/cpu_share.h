// CpuShare: holds a thread to a share of a core by telling it how long to pause.
//
// Counts the calling thread's CPU time; a compute team of n works in step with it, so its time is
// taken n times. Only delays: nothing that is computed depends on it. One thread uses it.
#pragma once

#include <cstdint>

namespace silt::learn {

class CpuShare {
 public:
  // `share` in cores; 0 means no limit.
  CpuShare(double share, int threads) : share_(share), threads_(threads) {}

  // Microseconds to pause now; 0 when the share is kept.
  std::int64_t pause_us(std::int64_t monotonic_us);
  // The same with the thread's CPU time given, for tests.
  std::int64_t pause_us(std::int64_t monotonic_us, std::int64_t cpu_us);

 private:
  double share_;
  int threads_;
  bool started_ = false;
  std::int64_t last_wall_us_ = 0;
  std::int64_t last_cpu_us_ = 0;
  double balance_us_ = 0;  // CPU time that may still be used; at most a burst
};

}  // namespace silt::learn
