// Mail: what it says, and by whom it is sent.
#include <algorithm>
#include <chrono>
#include <ctime>
#include <utility>

#include "base/escape.h"
#include "connectors/http/credential.h"
#include "connectors/http/mail_client.h"
#include "daemon/outbox/destination.h"

namespace silt::outbox {
namespace {

class Mail final : public Destination {
 public:
  Mail(DestinationOptions options, std::unique_ptr<connectors::MailClient> client) : options_(std::move(options)), client_(std::move(client)) {}

  Sent send(const Message& message) override {
    std::string secret;
    if (!options_.credential.empty()) {
      Result<std::string> read = connectors::read_credential(options_.credential);
      if (!read.is_ok()) return {read.status()};
      secret = std::move(read).value();
    }
    const auto now = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch());
    return {client_->send(options_.from, options_.to, mail_of(message, options_.from, options_.to, now.count()), secret)};
  }
  void cancel() override { client_->cancel(); }

 private:
  const DestinationOptions options_;
  const std::unique_ptr<connectors::MailClient> client_;
};

std::string one_line(std::string_view text) {
  return std::string(text.substr(0, text.find_first_of(std::string_view("\r\n\0", 3))));
}

// RFC 2047: words of at most 75 bytes, that end between characters.
std::string encoded_words(std::string_view text) {
  constexpr std::size_t kBytes = 42;  // 56 in base64, 68 with what is around
  std::string out;
  while (!text.empty()) {
    std::size_t size = std::min(kBytes, text.size());
    while (size < text.size() && size > 1 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
    out += (out.empty() ? "" : "\r\n ") + ("=?utf-8?B?" + base64(text.substr(0, size)) + "?=");
    text.remove_prefix(size);
  }
  return out;
}

bool is_address(const std::string& text) {
  const auto plain = [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != '<' && c != '>' && c != ',' && c != '"' && c != 0x7f; };
  const std::size_t at = text.rfind('@');
  return at != std::string::npos && at > 0 && at + 1 < text.size() && std::all_of(text.begin(), text.end(), plain);
}

}  // namespace

std::string mail_of(const Message& message, const std::string& from, const std::vector<std::string>& to, std::int64_t now_us) {
  constexpr std::size_t kSubjectBytes = 200, kLine = 76;
  std::string all;
  for (const std::string& address : to) all += (all.empty() ? "" : ", ") + one_line(address);
  char date[64];
  const std::time_t time = now_us / 1'000'000;
  std::tm utc{};
  ::gmtime_r(&time, &utc);
  std::strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &utc);
  const std::string host = one_line(from).substr(std::min(from.rfind('@') + 1, from.size()));
  std::string out = "Date: " + std::string(date) + "\r\nFrom: silt <" + one_line(from) + ">\r\nTo: " + all + "\r\nSubject: " +
                    encoded_words(one_line(message.title).substr(0, kSubjectBytes)) + "\r\nMessage-ID: <" + one_line(message.id) + "@" + host +
                    ">\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                    "Content-Transfer-Encoding: base64\r\n\r\n";
  const std::string body = base64(message.text);
  for (std::size_t at = 0; at < body.size(); at += kLine) out += body.substr(at, kLine) + "\r\n";
  return out;
}

Result<std::unique_ptr<Destination>> make_mail_destination(const DestinationOptions& options) {
  SILT_ASSIGN(auto client, connectors::MailClient::create({options.url, options.ca_file, options.proxy}));
  for (const std::string& address : options.to) {
    if (!is_address(address)) return invalid_argument("to: '" + escape_bytes(address) + "' is no address like \"ops@example.org\"");
  }
  if (options.to.empty()) return invalid_argument("to is missing, e.g. to = [\"ops@example.org\"]");
  if (!is_address(options.from)) return invalid_argument("from: '" + escape_bytes(options.from) + "' is no address like \"silt@example.org\"");
  return std::unique_ptr<Destination>(std::make_unique<Mail>(options, std::move(client)));
}

}  // namespace silt::outbox
