#include "connectors/syslog/syslog_connector.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <thread>
#include <utility>

namespace silt::connectors {
namespace {

namespace asio = boost::asio;

class SyslogServers final : public PushServers {
 public:
  SyslogServers(const SyslogOptions& options, Inbox& inbox, const Clock& clock)
      : collector_(options.collector, inbox, clock, [this](std::function<void()> call) { asio::post(io_, std::move(call)); }) {}
  ~SyslogServers() override {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Status open(const SyslogOptions& options) {
    std::shared_ptr<asio::ssl::context> tls;
    if (!options.tls.certificate.empty()) {
      SILT_ASSIGN(tls, make_tls(options.tls));
    }
    for (const Endpoint& each : options.listen) {
      auto server = each.kind == "tcp" || each.kind == "tls"
                        ? listen_streams(io_, each, each.kind == "tls" ? tls : nullptr, options.server, collector_)
                        : listen_datagrams(io_, each, options.server, collector_);
      SILT_ASSIGN(auto opened, std::move(server));
      servers_.push_back(std::move(opened));
    }
    thread_ = std::thread([this] { io_.run(); });
    return Status::ok();
  }

  PushReport report() const override { return collector_.report(); }

  std::vector<Endpoint> endpoints() const override {
    std::vector<Endpoint> out;
    for (const auto& server : servers_) out.push_back(server->endpoint());
    return out;
  }

 private:
  Collector collector_;  // outlives the handlers that `io_` holds
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  std::vector<std::unique_ptr<SyslogServer>> servers_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<PushConnector> make_syslog_connector(SyslogOptions options, const Clock& clock) {
  const InboxOptions inbox = options.inbox;
  return std::make_unique<PushConnector>(inbox, clock, [options = std::move(options), &clock](Inbox& into) -> Result<std::unique_ptr<PushServers>> {
    auto servers = std::make_unique<SyslogServers>(options, into, clock);
    SILT_TRY(servers->open(options));
    return std::unique_ptr<PushServers>(std::move(servers));
  });
}

}  // namespace silt::connectors
