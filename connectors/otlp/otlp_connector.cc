#include "connectors/otlp/otlp_connector.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <thread>
#include <utility>

#include "connectors/otlp/servers.h"

namespace silt::connectors {
namespace {

namespace asio = boost::asio;

class OtlpServers final : public PushServers {
 public:
  OtlpServers(const OtlpOptions& options, Inbox& inbox, const Clock& clock)
      : receiver_(options.receiver, inbox, clock, [this](std::function<void()> call) { asio::post(io_, std::move(call)); }),
        thread_([this] { io_.run(); }) {}
  // The thread runs until gRPC's servers have gone: they wait for their answers.
  ~OtlpServers() override {
    grpc_.clear();
    io_.stop();
    thread_.join();
  }

  Status open(const OtlpOptions& options) {
    std::shared_ptr<asio::ssl::context> tls;
    if (!options.tls.certificate.empty()) {
      SILT_ASSIGN(tls, make_tls(options.tls));
    }
    for (const Endpoint& each : options.listen) {
      const bool is_grpc = each.kind == "grpc";
      auto server = is_grpc ? otlp::serve_grpc(each, options.tls, receiver_) : otlp::serve_http(io_, each, tls, receiver_);
      SILT_ASSIGN(auto opened, std::move(server));
      endpoints_.push_back(opened->endpoint());
      (is_grpc ? grpc_ : http_).push_back(std::move(opened));
    }
    return Status::ok();
  }

  PushReport report() const override {
    const otlp::Receiver::Report report = receiver_.report();
    return {report.connections, report.errors, 0, report.last_error};
  }
  std::vector<Endpoint> endpoints() const override { return endpoints_; }

 private:
  otlp::Receiver receiver_;  // outlives the handlers that `io_` holds
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  std::vector<std::unique_ptr<otlp::Server>> http_, grpc_;
  std::vector<Endpoint> endpoints_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<PushConnector> make_otlp_connector(OtlpOptions options, const Clock& clock) {
  const InboxOptions inbox = options.inbox;
  return std::make_unique<PushConnector>(inbox, clock, [options = std::move(options), &clock](Inbox& into) -> Result<std::unique_ptr<PushServers>> {
    auto servers = std::make_unique<OtlpServers>(options, into, clock);
    SILT_TRY(servers->open(options));
    return std::unique_ptr<PushServers>(std::move(servers));
  });
}

}  // namespace silt::connectors
