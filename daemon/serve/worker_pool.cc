#include "daemon/serve/worker_pool.h"

#include <algorithm>
#include <utility>

namespace silt::serve {

WorkerPool::WorkerPool(int threads, std::size_t waiting_max)
    : waiting_max_(waiting_max), running_max_(std::max(1, threads - 1)) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

bool WorkerPool::post(const std::string& caller, std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    Share& share = shares_[caller];
    if (share.waiting.size() >= waiting_max_) return false;
    share.waiting.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

void WorkerPool::stop() {
  std::vector<std::deque<std::function<void()>>> dropped;  // destroyed without the lock
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& [caller, share] : shares_) dropped.push_back(std::exchange(share.waiting, {}));
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

WorkerPool::Shares::iterator WorkerPool::next() {
  auto at = shares_.upper_bound(served_);
  for (std::size_t i = 0; i < shares_.size(); ++i, ++at) {
    if (at == shares_.end()) at = shares_.begin();
    if (!at->second.waiting.empty() && at->second.running < running_max_) return at;
  }
  return shares_.end();
}

void WorkerPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    auto own = shares_.end();
    wake_.wait(lock, [&] { return stopping_ || (own = next()) != shares_.end(); });
    if (stopping_) return;
    Share& share = own->second;
    std::function<void()> job = std::move(share.waiting.front());
    share.waiting.pop_front();
    ++share.running;
    served_ = own->first;
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
    --share.running;
    if (share.running == 0 && share.waiting.empty()) shares_.erase(own);
    wake_.notify_one();  // a job that had to wait for this one's end
  }
}

}  // namespace silt::serve
