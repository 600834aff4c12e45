#include "daemon/assistant/remote_assistant.h"

#include <google/protobuf/util/json_util.h>

#include <utility>

#include "base/utf8.h"
#include "connectors/http/credential.h"
#include "connectors/http/http_client.h"
#include "connectors/json.h"
#include "daemon/assistant/texts.h"

namespace silt::assistant {
namespace {

using connectors::json_quoted;

constexpr std::uint64_t kReplyBytesMax = 1 << 20;
constexpr std::size_t kTextBytesMax = 400;  // of a pattern or a record

// Log bytes may be anything; JSON is UTF-8.
std::string quoted(std::string_view text) {
  return json_quoted(to_utf8(std::string(text.substr(0, kTextBytesMax))));
}

template <class Items>
std::string list_of(const Items& items) {
  std::string out = "[";
  for (const auto& item : items) out += (out.size() > 1 ? ", " : "") + quoted(item);
  return out + "]";
}

std::string message_of(const answer::Assistant::PlanTask& task) {
  std::string out = "{\"question\": " + quoted(task.question) + ", \"now\": " + quoted(task.now) + ", \"sources\": [";
  for (std::size_t i = 0; i < task.sources.size(); ++i) {
    const auto& source = task.sources[i];
    out += std::string(i > 0 ? ", " : "") + "{\"name\": " + quoted(source.name) + ", \"lines\": " + list_of(source.patterns) + ", \"slots\": " + list_of(source.slots) + "}";
  }
  return out + "]}";
}

std::string message_of(const answer::Assistant::TellTask& task) {
  return "{\"question\": " + quoted(task.question) + ", \"answer\": " + json_quoted(to_utf8(task.answer)) + ", \"records\": " + list_of(task.evidence) + "}";
}

class RemoteAssistant final : public answer::Assistant {
 public:
  explicit RemoteAssistant(RemoteOptions options) : options_(std::move(options)) {}

  Result<silt::v1::Query> plan(const PlanTask& task) override {
    const std::string format = ", \"response_format\": {\"type\": \"json_schema\", \"json_schema\": {\"name\": \"Query\", \"schema\": " + std::string(kQuerySchema) + "}}";
    SILT_ASSIGN(const std::string said, ask(kPlanPrompt, message_of(task), format));
    silt::v1::Query out;
    const auto parsed = google::protobuf::util::JsonStringToMessage(said, &out);
    if (!parsed.ok()) return invalid_argument("its plan is no query of the schema");
    return out;
  }

  Result<std::string> tell(const TellTask& task) override { return ask(kTellPrompt, message_of(task), ""); }

 private:
  // A connection of its own: questions are answered side by side.
  Result<std::string> ask(std::string_view prompt, const std::string& message, const std::string& format) const {
    SILT_ASSIGN(const auto client, connectors::HttpClient::create({.url = options_.url,
                                                                   .ca_file = options_.ca_file,
                                                                   .proxy = options_.proxy,
                                                                   .connect_ms = options_.time_max_ms,
                                                                   .answer_ms = options_.time_max_ms,
                                                                   .body_bytes_max = kReplyBytesMax}));
    connectors::HttpRequest request;
    request.target = "/chat/completions";
    if (!options_.credential.empty()) {
      SILT_ASSIGN(const std::string key, connectors::read_credential(options_.credential));
      request.headers.push_back("Authorization: Bearer " + key);
    }
    request.post = "{\"model\": " + json_quoted(options_.model) + ", \"temperature\": 0, \"max_tokens\": 600, \"messages\": [{\"role\": \"system\", \"content\": " +
                   json_quoted(prompt) + "}, {\"role\": \"user\", \"content\": " + json_quoted(message) + "}]" + format + "}";
    SILT_ASSIGN(const connectors::HttpResponse response, client->send(request));
    if (response.status != 200) return unavailable(options_.url + " answered with status " + std::to_string(response.status));
    SILT_ASSIGN(const connectors::JsonDocument document, connectors::JsonDocument::parse(response.body));
    const std::string_view said = document.root()["choices"].at(0)["message"]["content"].text();
    if (said.empty()) return unavailable(options_.url + ": its answer has no choices[0].message.content");
    return std::string(said);
  }

  const RemoteOptions options_;
};

}  // namespace

Result<std::unique_ptr<answer::Assistant>> make_remote_assistant(RemoteOptions options) {
  SILT_TRY(connectors::site_of(options.url).status());
  return std::unique_ptr<answer::Assistant>(std::make_unique<RemoteAssistant>(std::move(options)));
}

}  // namespace silt::assistant
