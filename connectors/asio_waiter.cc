#include "connectors/asio_waiter.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <mutex>
#include <utility>

namespace silt::connectors {
namespace {

namespace asio = boost::asio;

// One wait. Its handlers run on the strand, so whichever comes first takes `done_` and cancels the
// other; drop() may come from any thread.
class Wait : public std::enable_shared_from_this<Wait> {
 public:
  Wait(asio::io_context& io, std::function<void()> done)
      : strand_(asio::make_strand(io)), descriptor_(strand_), timer_(strand_), done_(std::move(done)) {}

  void start(int own_fd, std::chrono::milliseconds timeout) {
    asio::post(strand_, [self = shared_from_this(), own_fd, timeout] { self->arm(own_fd, timeout); });
  }

  void drop() {
    take();
    asio::post(strand_, [self = shared_from_this()] { self->cancel(); });
  }

 private:
  void arm(int own_fd, std::chrono::milliseconds timeout) {
    boost::system::error_code error;
    if (own_fd >= 0) descriptor_.assign(own_fd, error);
    if (own_fd >= 0 && error) ::close(own_fd);  // the timer alone will do
    if (descriptor_.is_open()) {
      descriptor_.async_wait(asio::posix::descriptor_base::wait_read,
                             [self = shared_from_this()](const auto&) { self->fire(); });
    }
    timer_.expires_after(timeout);
    timer_.async_wait([self = shared_from_this()](const auto&) { self->fire(); });
  }

  void fire() {
    if (auto done = take()) done();
    cancel();
  }

  void cancel() {
    boost::system::error_code ignored;
    descriptor_.close(ignored);
    timer_.cancel();
  }

  std::function<void()> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(done_, nullptr);
  }

  asio::strand<asio::io_context::executor_type> strand_;
  asio::posix::basic_stream_descriptor<asio::strand<asio::io_context::executor_type>> descriptor_;
  asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>,
                             asio::strand<asio::io_context::executor_type>>
      timer_;
  std::mutex mutex_;
  std::function<void()> done_;
};

class AsioWaiter final : public Waiter {
 public:
  explicit AsioWaiter(asio::io_context& io) : io_(io) {}
  ~AsioWaiter() override { replace(nullptr); }

  void wait(int fd, std::chrono::milliseconds timeout, std::function<void()> done) override {
    // A duplicate, so that closing or re-waiting on the caller's fd never meets the reactor.
    const int own_fd = fd >= 0 ? ::fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    auto next = std::make_shared<Wait>(io_, std::move(done));
    replace(next);
    next->start(own_fd, timeout);
  }

 private:
  void replace(std::shared_ptr<Wait> next) {
    {
      const std::lock_guard lock(mutex_);
      std::swap(current_, next);
    }
    if (next) next->drop();
  }

  asio::io_context& io_;
  std::mutex mutex_;
  std::shared_ptr<Wait> current_;
};

}  // namespace

std::unique_ptr<Waiter> make_asio_waiter(boost::asio::io_context& io) {
  return std::make_unique<AsioWaiter>(io);
}

}  // namespace silt::connectors
