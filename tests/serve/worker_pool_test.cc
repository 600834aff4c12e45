#include "daemon/serve/worker_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <string>
#include <thread>

namespace silt::serve {
namespace {

TEST(WorkerPool, RefusesBeyondItsQueueAndRunsTheRest) {
  WorkerPool pool(1, 2);
  std::latch running(1);
  std::latch go(1);
  std::latch done(3);
  ASSERT_TRUE(pool.post("a", [&] {
    running.count_down();
    go.wait();
    done.count_down();
  }));
  running.wait();
  EXPECT_TRUE(pool.post("a", [&] { done.count_down(); }));
  EXPECT_TRUE(pool.post("a", [&] { done.count_down(); }));
  EXPECT_FALSE(pool.post("a", [&] { done.count_down(); }));
  go.count_down();
  done.wait();
}

TEST(WorkerPool, StopDropsWaitingJobsAndWaitsForTheRunningOne) {
  WorkerPool pool(1, ~std::size_t{0});  // never full, so that a refusal means that stop() has begun
  std::latch running(1);
  std::atomic<bool> stop_called{false};
  std::atomic<bool> finished{false};
  std::atomic<bool> second_ran{false};
  ASSERT_TRUE(pool.post("a", [&] {
    running.count_down();
    while (!stop_called) std::this_thread::yield();
    finished = true;
  }));
  running.wait();
  ASSERT_TRUE(pool.post("a", [&] { second_ran = true; }));
  std::thread stopper([&] { pool.stop(); });
  while (pool.post("a", [] {})) std::this_thread::yield();
  stop_called = true;
  stopper.join();
  EXPECT_TRUE(finished);
  EXPECT_FALSE(second_ran);
}

// One caller with a long queue: another's job waits for one of them at most, not for all.
TEST(WorkerPool, CallersAreServedInTurn) {
  WorkerPool pool(1, 100);
  std::latch running(1), go(1), done(6);
  std::string order;  // of the only thread
  ASSERT_TRUE(pool.post("a", [&] {
    running.count_down();
    go.wait();
  }));
  running.wait();
  const auto job = [&](const char* name) {
    return [&order, &done, name] {
      order += name;
      done.count_down();
    };
  };
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(pool.post("a", job("a")));
  ASSERT_TRUE(pool.post("b", job("b")));
  ASSERT_TRUE(pool.post("c", job("c")));
  go.count_down();
  done.wait();
  EXPECT_EQ(order, "bcaaaa");
}

TEST(WorkerPool, OneCallerNeverHasAllThreads) {
  WorkerPool pool(3, 100);
  std::latch two(2), go(1), other(1), all(5);
  std::atomic<int> running{0}, most{0};
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(pool.post("a", [&] {
      const int now = ++running;
      most = std::max<int>(most, now);
      if (!two.try_wait()) two.count_down();
      go.wait();
      --running;
      all.count_down();
    }));
  }
  two.wait();
  ASSERT_TRUE(pool.post("b", [&] { other.count_down(); }));
  other.wait();  // while both of the first two are held
  EXPECT_EQ(most, 2);
  go.count_down();
  all.wait();
  EXPECT_EQ(most, 2);
}

TEST(WorkerPool, AFullQueueIsItsCallersOwn) {
  WorkerPool pool(1, 1);
  std::latch running(1), go(1), done(2);
  ASSERT_TRUE(pool.post("a", [&] {
    running.count_down();
    go.wait();
  }));
  running.wait();
  EXPECT_TRUE(pool.post("a", [&] { done.count_down(); }));
  EXPECT_FALSE(pool.post("a", [] {}));
  EXPECT_TRUE(pool.post("b", [&] { done.count_down(); }));
  go.count_down();
  done.wait();
}

}  // namespace
}  // namespace silt::serve
