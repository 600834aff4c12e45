// The real event loop: inotify wakes a waiting connector, time wakes it without events.
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <future>
#include <thread>

#include "connectors/asio_waiter.h"
#include "tests/connectors/tail_fixture.h"

namespace silt::connectors {
namespace {

class WaiterTest : public TailTest {
 protected:
  ~WaiterTest() override {
    connector.reset();
    asio_waiter.reset();
    work.reset();
    if (io_thread.joinable()) io_thread.join();
  }

  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  std::unique_ptr<Waiter> asio_waiter = make_asio_waiter(io);
  std::thread io_thread{[this] { io.run(); }};
};

TEST_F(WaiterTest, AWriteWakesTheConnector) {
  SystemClock system_clock;
  options.reconcile_ms = 3'600'000;  // only an event can be in time
  auto created = FileConnector::create(options, system_clock, *asio_waiter);
  ASSERT_TRUE(created.is_ok());
  connector = std::move(created).value();
  ASSERT_TRUE(connector->resume({}).is_ok());
  drain();
  for (int i = 0; i < 20; ++i) {
    std::promise<void> woken;
    connector->notify_when_ready([&] { woken.set_value(); });
    append("a.log", lines(1));
    ASSERT_EQ(woken.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready) << i;
    drain();
    ASSERT_EQ(texts().size(), expected.size()) << i;
  }
  expect_all_once_in_order();
}

TEST_F(WaiterTest, TimeWakesWithoutADescriptor) {
  std::promise<void> woken;
  asio_waiter->wait(-1, std::chrono::milliseconds(1), [&] { woken.set_value(); });
  EXPECT_EQ(woken.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
}

TEST_F(WaiterTest, ANewWaitDropsTheOneBefore) {
  std::atomic<int> dropped = 0;
  std::promise<void> woken;
  asio_waiter->wait(-1, std::chrono::milliseconds(50), [&] { ++dropped; });
  asio_waiter->wait(-1, std::chrono::milliseconds(100), [&] { woken.set_value(); });
  EXPECT_EQ(woken.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  EXPECT_EQ(dropped, 0);
}

}  // namespace
}  // namespace silt::connectors
