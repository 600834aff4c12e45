// The Waiter of the daemon: waits on an Asio loop that someone else runs.
#pragma once

#include <memory>

#include "connectors/waiter.h"

namespace boost::asio {
class io_context;
}

namespace silt::connectors {

// `io` must outlive the waiter. One waiter for each connector.
std::unique_ptr<Waiter> make_asio_waiter(boost::asio::io_context& io);

}  // namespace silt::connectors
