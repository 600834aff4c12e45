#include "daemon/serve/worker_pool.h"

#include <gtest/gtest.h>

#include <latch>

namespace silt::daemon {
namespace {

TEST(WorkerPool, RefusesBeyondItsQueueAndRunsTheRest) {
  WorkerPool pool(1, 2);
  std::latch running(1);
  std::latch go(1);
  std::latch done(3);
  ASSERT_TRUE(pool.post([&] {
    running.count_down();
    go.wait();
    done.count_down();
  }));
  running.wait();
  EXPECT_TRUE(pool.post([&] { done.count_down(); }));
  EXPECT_TRUE(pool.post([&] { done.count_down(); }));
  EXPECT_FALSE(pool.post([&] { done.count_down(); }));
  go.count_down();
  done.wait();
}

TEST(WorkerPool, StopDropsWaitingJobsAndWaitsForTheRunningOne) {
  WorkerPool pool(1, ~std::size_t{0});  // never full, so that a refusal means that stop() has begun
  std::latch running(1);
  std::atomic<bool> stop_called{false};
  std::atomic<bool> finished{false};
  std::atomic<bool> second_ran{false};
  ASSERT_TRUE(pool.post([&] {
    running.count_down();
    while (!stop_called) std::this_thread::yield();
    finished = true;
  }));
  running.wait();
  ASSERT_TRUE(pool.post([&] { second_ran = true; }));
  std::thread stopper([&] { pool.stop(); });
  while (pool.post([] {})) std::this_thread::yield();
  stop_called = true;
  stopper.join();
  EXPECT_TRUE(finished);
  EXPECT_FALSE(second_ran);
}

}  // namespace
}  // namespace silt::daemon
