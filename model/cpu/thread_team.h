// ThreadTeam: a fixed number of threads that run one function together, again and again.
//
// The calling thread is member 0, so a team of one creates no thread. Between calls the others
// look for work for some ten microseconds (calls of a step follow each other closely) and then
// sleep; the caller waits for stragglers in the same way. A team belongs to one thread at a time.
//
// While a member runs the function, denormals are flushed to zero on it (FTZ and DAZ of MXCSR), so
// that every path treats them alike; the caller's own setting is restored afterwards.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

namespace silt::model::cpu {

class ThreadTeam {
 public:
  explicit ThreadTeam(int size);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int size() const { return size_; }

  // Calls function(member) on every member and returns when all have returned.
  template <class Function>
  void run(Function&& function) {
    run_erased([](void* context,
                  int member) { (*static_cast<std::remove_reference_t<Function>*>(context))(member); },
               const_cast<void*>(static_cast<const void*>(&function)));
  }

 private:
  using Erased = void (*)(void* context, int member);

  void run_erased(Erased function, void* context);
  void member_loop(int member);

  const int size_;
  Erased function_ = nullptr;
  void* context_ = nullptr;
  alignas(64) std::atomic<unsigned> round_{0};  // a new value announces work
  alignas(64) std::atomic<int> running_{0};     // members other than the caller still at it
  alignas(64) std::atomic<bool> stopping_{false};
  std::vector<std::jthread> members_;
};

// The share [first, last) of `count` items that belongs to `member`.
struct Share {
  int first, last;
};
inline Share share_of(int count, int member, int size) {
  return {static_cast<int>(static_cast<long>(count) * member / size),
          static_cast<int>(static_cast<long>(count) * (member + 1) / size)};
}

}  // namespace silt::model::cpu
