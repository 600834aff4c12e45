#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/generic/datagram_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/local/datagram_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <vector>

#include "connectors/syslog/server.h"

namespace silt::connectors {
namespace {

namespace asio = boost::asio;
using Socket = asio::generic::datagram_protocol::socket;

constexpr std::size_t kBatch = 32;  // datagrams of one system call
constexpr int kReceiveBufferBytes = 8 << 20;  // asked for; the kernel grants net.core.rmem_max at most
constexpr std::string_view kLocal = "local";
constexpr std::chrono::seconds kGapEvery{1};

// Room for a batch of datagrams with what the kernel says beside them.
class Mailbag {
 public:
  explicit Mailbag(std::size_t datagram_bytes_max) : bytes_(kBatch * datagram_bytes_max), each_(datagram_bytes_max) {}

  // How many came; 0: none are there.
  std::size_t receive(int fd) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts_[i] = {bytes_.data() + i * each_, each_};
      headers_[i].msg_hdr = {&from_[i], sizeof from_[i], &parts_[i], 1, control_[i].data(), control_[i].size(), 0};
    }
    const int count = ::recvmmsg(fd, headers_.data(), kBatch, MSG_DONTWAIT | MSG_TRUNC, nullptr);
    return count < 0 ? 0 : static_cast<std::size_t>(count);
  }
  std::string_view text(std::size_t i) const { return {bytes_.data() + i * each_, std::min<std::size_t>(each_, headers_[i].msg_len)}; }
  std::uint64_t bytes_cut(std::size_t i) const { return headers_[i].msg_len > each_ ? headers_[i].msg_len - each_ : 0; }

  std::string sender(std::size_t i) const {
    if (from_[i].ss_family != AF_INET && from_[i].ss_family != AF_INET6) return std::string(kLocal);
    asio::ip::udp::endpoint endpoint;
    std::memcpy(endpoint.data(), &from_[i], std::min<std::size_t>(endpoint.capacity(), headers_[i].msg_hdr.msg_namelen));
    asio::ip::address address = endpoint.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped()) address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    return address.to_string();
  }
  // How many the socket has dropped since it was opened, when the kernel tells.
  std::uint32_t dropped(std::size_t i, std::uint32_t known) {
    for (cmsghdr* each = CMSG_FIRSTHDR(&headers_[i].msg_hdr); each != nullptr; each = CMSG_NXTHDR(&headers_[i].msg_hdr, each)) {
      if (each->cmsg_level == SOL_SOCKET && each->cmsg_type == SO_RXQ_OVFL) std::memcpy(&known, CMSG_DATA(each), sizeof known);
    }
    return known;
  }

 private:
  std::vector<char> bytes_;
  const std::size_t each_;
  std::array<mmsghdr, kBatch> headers_{};
  std::array<iovec, kBatch> parts_{};
  std::array<sockaddr_storage, kBatch> from_{};
  alignas(cmsghdr) std::array<std::array<char, 64>, kBatch> control_{};
};

class DatagramServer final : public SyslogServer {
 public:
  DatagramServer(asio::io_context& io, Endpoint endpoint, const ServerOptions& options, Collector& collector)
      : endpoint_(std::move(endpoint)), collector_(collector), socket_(io), gap_due_(io),
        bag_(options.message_bytes_max), own_(collector.senders().account(std::string(kLocal))) {}

  ~DatagramServer() override {
    struct stat found{};  // a successor may listen there already
    const bool ours = ::lstat(endpoint_.address.c_str(), &found) == 0 && found.st_ino == inode_;
    if (inode_ != 0 && ours) ::unlink(endpoint_.address.c_str());
  }

  Status open() {
    const int error = endpoint_.is_unix() ? bind_unix() : bind_udp();
    if (error != 0) return listen_failed(endpoint_, error);
    const int fd = socket_.native_handle(), on = 1;
    close_on_exec(fd);
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBufferBytes, sizeof kReceiveBufferBytes);
    ::setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
    wait();
    return Status::ok();
  }

  const Endpoint& endpoint() const override { return endpoint_; }

 private:
  int bind_udp() {
    const asio::ip::udp::endpoint at(asio::ip::make_address(endpoint_.address), endpoint_.port);
    boost::system::error_code failed;
    asio::ip::udp::socket bound(socket_.get_executor());
    bound.open(at.protocol(), failed);
    if (!failed) bound.bind(at, failed);
    if (failed) return failed.value();
    endpoint_.port = bound.local_endpoint().port();
    socket_ = Socket(std::move(bound));
    return 0;
  }

  int bind_unix() {
    struct stat found{};
    if (::lstat(endpoint_.address.c_str(), &found) == 0 && S_ISSOCK(found.st_mode)) ::unlink(endpoint_.address.c_str());
    boost::system::error_code failed;
    asio::local::datagram_protocol::socket bound(socket_.get_executor());
    bound.open(asio::local::datagram_protocol(), failed);
    if (!failed) bound.bind(asio::local::datagram_protocol::endpoint(endpoint_.address), failed);
    if (failed) return failed.value();
    ::chmod(endpoint_.address.c_str(), 0666);  // whoever reaches its folder may log
    if (::lstat(endpoint_.address.c_str(), &found) == 0) inode_ = found.st_ino;
    socket_ = Socket(std::move(bound));
    return 0;
  }

  void wait() {
    socket_.async_wait(Socket::wait_read, [this](const boost::system::error_code& failed) {
      if (!failed) read();
    });
  }

  // A batch a turn, so that no socket starves the others.
  void read() {
    const std::size_t count = bag_.receive(socket_.native_handle());
    for (std::size_t i = 0; i < count; ++i) {
      dropped_ = bag_.dropped(i, dropped_);
      const Senders::AccountPtr sender = collector_.senders().account(bag_.sender(i));
      const bool in_time = collector_.senders().spend(*sender, bag_.text(i).size()) == 0;
      if (!endpoint_.is_unix() && !(in_time && collector_.senders().has_share(*sender))) {
        lose(1, bag_.text(i).size());
        continue;
      }
      auto& posting = postings_.try_emplace(sender.get(), collector_, sender).first->second;
      posting.add({bag_.text(i), bag_.bytes_cut(i), false, {}, 0});
    }
    if (dropped_ != dropped_told_) lose(dropped_ - std::exchange(dropped_told_, dropped_), 0);
    post();
  }

  void post() {
    if (!offer_all()) {
      return collector_.inbox().when_room([this, post = collector_.post()] { post([this] { this->post(); }); });
    }
    if (endpoint_.is_unix() && !collector_.senders().has_share(*own_)) {
      return collector_.senders().when_share(*own_, [this] { wait(); });
    }
    wait();
  }

  bool offer_all() {
    while (!postings_.empty() && postings_.begin()->second.offer([](bool) {})) postings_.erase(postings_.begin());
    return postings_.empty();
  }

  void lose(std::uint64_t datagrams, std::uint64_t bytes) {
    if (lost_ == 0) tell_later();
    lost_ += datagrams;
    lost_bytes_ += bytes;
    collector_.note_lost(datagrams, bytes);
  }

  // By the clock, for a flood may end and no datagram come after it.
  void tell_later() {
    gap_due_.expires_after(kGapEvery);
    gap_due_.async_wait([this](const boost::system::error_code& failed) {
      if (!failed) tell_losses();
    });
  }

  void tell_losses() {
    if (lost_ != 0) {
      const std::string text = std::to_string(std::exchange(lost_, 0)) + " datagrams were lost: they came faster than they could be stored";
      postings_.try_emplace(own_.get(), collector_, own_).first->second.add_gap(text, std::exchange(lost_bytes_, 0));
    }
    if (!offer_all()) tell_later();
  }

  Endpoint endpoint_;
  Collector& collector_;
  Socket socket_;
  asio::steady_timer gap_due_;
  ino_t inode_ = 0;  // of the socket's file
  Mailbag bag_;
  const Senders::AccountPtr own_;
  std::map<Senders::Account*, Posting> postings_;
  std::uint32_t dropped_ = 0, dropped_told_ = 0;  // by the kernel
  std::uint64_t lost_ = 0, lost_bytes_ = 0;       // not yet said in a gap record
};

}  // namespace

Result<std::unique_ptr<SyslogServer>> listen_datagrams(asio::io_context& io, const Endpoint& endpoint,
                                                       const ServerOptions& options, Collector& collector) {
  auto server = std::make_unique<DatagramServer>(io, endpoint, options, collector);
  SILT_TRY(server->open());
  return std::unique_ptr<SyslogServer>(std::move(server));
}

}  // namespace silt::connectors
