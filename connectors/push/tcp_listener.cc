#include "connectors/push/tcp_listener.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <utility>

namespace silt::connectors {

namespace asio = boost::asio;
using asio::ip::tcp;
using Failed = boost::system::error_code;

namespace {

constexpr std::chrono::milliseconds kAcceptAgain{100};  // after the process ran out of descriptors
constexpr int kBacklog = 512;

std::string name_of(asio::ip::address address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  return address.to_string();
}

// A peer that vanished without a word is found out within two minutes.
void keep_alive(int fd) {
  const int on = 1, idle_s = 60, each_s = 15, tries = 4;
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &each_s, sizeof each_s);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof tries);
}

}  // namespace

struct TcpListener::Impl {
  Impl(asio::io_context& io, Endpoint at, Senders& their_senders, Calls their_calls)
      : endpoint(std::move(at)), senders(their_senders), calls(std::move(their_calls)), acceptor(io), again(io) {}

  Status open() {
    const tcp::endpoint at(asio::ip::make_address(endpoint.address), endpoint.port);
    Failed failed;
    acceptor.open(at.protocol(), failed);
    if (!failed) acceptor.set_option(tcp::acceptor::reuse_address(true), failed);
    if (!failed) acceptor.bind(at, failed);
    if (!failed) acceptor.listen(kBacklog, failed);
    if (failed) return listen_failed(endpoint, failed.value());
    close_on_exec(acceptor.native_handle());
    endpoint.port = acceptor.local_endpoint().port();
    accept();
    return Status::ok();
  }

  void accept() {
    acceptor.async_accept([this](const Failed& failed, tcp::socket socket) {
      if (failed == asio::error::operation_aborted) return;
      if (!failed) {
        admit(std::move(socket));
        return accept();
      }
      calls.failed("cannot accept connections: " + failed.message() + "; raise LimitNOFILE, or lower connections_max");
      again.expires_after(kAcceptAgain);
      again.async_wait([this](const Failed& ended) {
        if (!ended) accept();
      });
    });
  }

  void admit(tcp::socket socket) {
    Failed failed;
    const tcp::endpoint peer = socket.remote_endpoint(failed);
    if (failed) return;  // it has gone
    const Senders::AccountPtr sender = senders.account(name_of(peer.address()));
    const bool welcome = senders.connect(*sender);
    calls.counted(!welcome);
    if (!welcome) return;
    socket.non_blocking(true, failed);
    close_on_exec(socket.native_handle());
    keep_alive(socket.native_handle());
    const int connection = socket.release(failed);
    if (!failed) calls.welcome(connection, sender);
  }

  Endpoint endpoint;
  Senders& senders;
  const Calls calls;
  tcp::acceptor acceptor;
  asio::steady_timer again;
};

TcpListener::TcpListener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TcpListener::~TcpListener() = default;

Result<std::unique_ptr<TcpListener>> TcpListener::open(asio::io_context& io, const Endpoint& endpoint, Senders& senders, Calls calls) {
  auto impl = std::make_unique<Impl>(io, endpoint, senders, std::move(calls));
  SILT_TRY(impl->open());
  return std::unique_ptr<TcpListener>(new TcpListener(std::move(impl)));
}

const Endpoint& TcpListener::endpoint() const {
  return impl_->endpoint;
}

}  // namespace silt::connectors
