#include "connectors/otlp/otlp_connector.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <thread>
#include <utility>

#include "connectors/otlp/servers.h"
#include "connectors/push/listeners.h"

namespace silt::connectors {
namespace {

namespace asio = boost::asio;

class OtlpServers final : public PushServers {
 public:
  OtlpServers(const OtlpOptions& options, Inbox& inbox, const Clock& clock)
      : receiver_(options.receiver, inbox, clock, [this](std::function<void()> call) { asio::post(io_, std::move(call)); }),
        files_(options.tls),
        listeners_(io_, std::chrono::milliseconds(options.listen_again_ms), [this](const Endpoint& place) { return listen(place); }),
        thread_([this] { io_.run(); }) {}
  // The thread runs until gRPC's servers have gone: they wait for their answers.
  ~OtlpServers() override {
    listeners_.stop();
    grpc_.clear();
    io_.stop();
    thread_.join();
  }

  Status open(const OtlpOptions& options) {
    if (!options.tls.certificate.empty()) {
      SILT_ASSIGN(tls_, make_tls(options.tls));
    }
    return listeners_.open(options.listen);
  }

  PushReport report() const override {
    const otlp::Receiver::Report from = receiver_.report();
    PushReport report{from.connections, from.errors, 0, from.last_error};
    report.note_unopened(listeners_.error());
    return report;
  }
  std::vector<Endpoint> endpoints() const override { return listeners_.endpoints(); }

 private:
  Result<Endpoint> listen(const Endpoint& place) {
    const bool is_grpc = place.kind == "grpc";
    auto server = is_grpc ? otlp::serve_grpc(place, files_, receiver_) : otlp::serve_http(io_, place, tls_, receiver_);
    SILT_ASSIGN(auto opened, std::move(server));
    auto& servers = is_grpc ? grpc_ : http_;
    servers.push_back(std::move(opened));
    return servers.back()->endpoint();
  }

  otlp::Receiver receiver_;  // outlives the handlers that `io_` holds
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  const TlsFiles files_;
  std::shared_ptr<asio::ssl::context> tls_;
  std::vector<std::unique_ptr<otlp::Server>> http_, grpc_;
  Listeners listeners_;
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
