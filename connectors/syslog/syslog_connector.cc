#include "connectors/syslog/syslog_connector.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <thread>
#include <utility>

#include "connectors/push/listeners.h"

namespace silt::connectors {
namespace {

namespace asio = boost::asio;

class SyslogServers final : public PushServers {
 public:
  SyslogServers(const SyslogOptions& options, Inbox& inbox, const Clock& clock)
      : collector_(options.collector, inbox, clock, [this](std::function<void()> call) { asio::post(io_, std::move(call)); }),
        options_(options.server),
        listeners_(io_, std::chrono::milliseconds(options.listen_again_ms), [this](const Endpoint& place) { return listen(place); }) {}
  ~SyslogServers() override {
    listeners_.stop();
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Status open(const SyslogOptions& options) {
    if (!options.tls.certificate.empty()) {
      SILT_ASSIGN(tls_, make_tls(options.tls));
    }
    SILT_TRY(listeners_.open(options.listen));
    thread_ = std::thread([this] { io_.run(); });
    return Status::ok();
  }

  PushReport report() const override {
    PushReport report = collector_.report();
    report.note_unopened(listeners_.error());
    return report;
  }
  std::vector<Endpoint> endpoints() const override { return listeners_.endpoints(); }

 private:
  Result<Endpoint> listen(const Endpoint& place) {
    auto server = place.kind == "tcp" || place.kind == "tls"
                      ? listen_streams(io_, place, place.kind == "tls" ? tls_ : nullptr, options_, collector_)
                      : listen_datagrams(io_, place, options_, collector_);
    SILT_ASSIGN(auto opened, std::move(server));
    servers_.push_back(std::move(opened));
    return servers_.back()->endpoint();
  }

  Collector collector_;  // outlives the handlers that `io_` holds
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  const ServerOptions options_;
  std::shared_ptr<asio::ssl::context> tls_;
  std::vector<std::unique_ptr<SyslogServer>> servers_;
  Listeners listeners_;
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
