// Listeners: the places where an input listens. One that cannot be opened, for its port is taken, say, costs itself: it
// is tried again by the clock while the others serve.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "connectors/push/endpoint.h"

namespace boost::asio {
class io_context;
}

namespace silt::connectors {

class Listeners {
 public:
  // Opens a place and gives where it listens: with the port that was chosen for 0. Called by open(), later by the thread
  // that runs `io`, never twice at a time and not after stop().
  using Open = std::function<Result<Endpoint>(const Endpoint&)>;

  Listeners(boost::asio::io_context& io, std::chrono::milliseconds again, Open open);
  ~Listeners();

  // Once. Fails when none can be opened.
  Status open(const std::vector<Endpoint>& places);
  // Any thread; before what `open` uses goes.
  void stop();
  // Any thread.
  std::vector<Endpoint> endpoints() const;
  std::string error() const;  // of the places that could not be opened, in one line; empty: all serve

 private:
  struct Timer;
  struct Failed {
    Endpoint place;
    std::string why;
  };
  Status try_all(std::vector<Failed> places);
  void try_later();

  const Open open_;
  const std::chrono::milliseconds again_;
  mutable std::mutex mutex_;  // of what follows, and held while a place is opened
  std::unique_ptr<Timer> timer_;
  std::vector<Endpoint> endpoints_;
  std::vector<Failed> failed_;
  bool stopped_ = false;
};

}  // namespace silt::connectors
