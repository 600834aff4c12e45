// Webhooks and chats: a POST of JSON.
#include <algorithm>
#include <utility>

#include "connectors/http/credential.h"
#include "connectors/http/http_client.h"
#include "connectors/json.h"
#include "daemon/outbox/destination.h"

namespace silt::outbox {
namespace {

constexpr std::int64_t kConnectMs = 10'000, kAnswerMs = 30'000;
constexpr std::uint64_t kAnswerBytesMax = 1 << 20;

// What the answer means for the message.
Status meaning_of(int status, const std::string& url) {
  if (status >= 200 && status < 300) return Status::ok();
  const std::string text = url + " answered " + std::to_string(status);
  switch (status) {
    case 401:
    case 403: return permission_denied(text + ": check the credential; it is sent again");
    case 404:
    case 405:
    case 410: return not_found(text + ": check url, and of a chat the credential; it is sent again");
    case 408:
    case 425:
    case 429: return unavailable(text + ": it is sent again");
    default: break;
  }
  if (status >= 400 && status < 500) return invalid_argument(text + ": it does not take this message, which is not sent again");
  return unavailable(text + ": it is sent again");
}

class Web final : public Destination {
 public:
  Web(DestinationOptions options, std::unique_ptr<connectors::HttpClient> client)
      : options_(std::move(options)), client_(std::move(client)) {}

  Sent send(const Message& message) override {
    connectors::HttpRequest request;
    request.target = options_.url;
    request.headers = {"Idempotency-Key: " + message.id};
    request.post = options_.shape == Shape::kChat ? "{\"text\":" + connectors::json_quoted(chat_text_of(message)) + "}" : message.json;
    if (!options_.credential.empty()) {
      const Result<std::string> secret = connectors::read_credential(options_.credential);
      if (!secret.is_ok()) return {secret.status()};
      if (options_.shape == Shape::kChat) {
        request.target += *secret;  // of a chat, whoever knows the URL may write
      } else {
        request.headers.push_back("Authorization: Bearer " + *secret);
      }
    }
    const Result<connectors::HttpResponse> response = client_->send(request);
    if (!response.is_ok()) return {response.status()};
    return {meaning_of(response->status, client_->url()), std::max<std::int64_t>(0, response->retry_after_s()) * 1'000'000};
  }
  void cancel() override { client_->cancel(); }

 private:
  const DestinationOptions options_;
  const std::unique_ptr<connectors::HttpClient> client_;
};

}  // namespace

// All of it is one block of code, where neither Slack nor Mattermost looks for mentions and links; what could end the
// block, or is Slack's own mark-up, is written with characters that look alike.
std::string chat_text_of(const Message& message) {
  std::string out = "```\n";
  for (const char c : message.title + "\n" + message.text) {
    switch (c) {
      case '`': out += "\u2019"; break;
      case '<': out += "\u2039"; break;
      case '>': out += "\u203a"; break;
      default: out += c;
    }
  }
  return out + (out.ends_with('\n') ? "```" : "\n```");
}

Result<std::unique_ptr<Destination>> make_web_destination(const DestinationOptions& options) {
  connectors::HttpOptions http;
  SILT_ASSIGN(http.url, connectors::site_of(options.url));  // messages name it, and no path, which may be a secret
  http.ca_file = options.ca_file;
  http.proxy = options.proxy;
  http.connect_ms = kConnectMs;
  http.answer_ms = kAnswerMs;
  http.body_bytes_max = kAnswerBytesMax;
  SILT_ASSIGN(auto client, connectors::HttpClient::create(std::move(http)));
  return std::unique_ptr<Destination>(std::make_unique<Web>(options, std::move(client)));
}

}  // namespace silt::outbox
