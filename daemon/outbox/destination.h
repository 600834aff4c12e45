// Destination: where alerts and digests of one tenant go: a webhook, a chat, a mailbox. send() by one thread; cancel() from
// any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"

namespace silt::outbox {

enum class Shape : std::uint8_t {
  kWebhook,  // JSON with every field (silt.v1.Alert); the credential is a bearer token
  kChat,     // {"text": ...}, as Slack and Mattermost take; the credential is the rest of the URL
  kMail,     // SMTP; the credential is USER:PASSWORD
};

std::string_view shape_name(Shape shape);  // "webhook"

struct DestinationOptions {
  std::string name;
  std::string tenant = "default";
  Shape shape = Shape::kWebhook;
  std::string url;              // https, or http to this host; smtp or smtps
  std::vector<std::string> to;  // of mail
  std::string from;             // of mail
  std::string credential;       // a file, or the name of a systemd credential; read at each attempt. Empty: none
  std::string ca_file;          // authorities instead of the system's
  std::string proxy;
  bool alerts = true;
  double score_min = 3.5;             // of an incident
  std::uint32_t alerts_per_day = 20;  // UTC; further ones are counted
  std::int64_t gather_us = 20'000'000;  // that an alert waits for what belongs to it
  std::int32_t digest_minute = -1;    // of the day, in the host's zone; -1: no digest
};

// What is told, in the forms that shapes want.
struct Message {
  std::string id;     // the same each time that it is sent: who gets it twice can tell
  std::string title;  // one line, without text of logs
  std::string text;   // lines; what comes from logs is escaped
  std::string json;   // silt.v1.Alert
};

struct Sent {
  Status status;  // kInvalidArgument: it will never be taken as it is. Anything else: try again later
  std::int64_t retry_after_us = 0;  // as the destination asks; 0: it does not
};

class Destination {
 public:
  virtual ~Destination() = default;
  // Messages of failures name the place and a remedy, and never the credential.
  virtual Sent send(const Message& message) = 0;
  virtual void cancel() = 0;  // ends what is under way, and all later ones
};

// kInvalidArgument: its URL or addresses are none.
Result<std::unique_ptr<Destination>> make_destination(const DestinationOptions& options);

// Each does a part of make_destination().
Result<std::unique_ptr<Destination>> make_web_destination(const DestinationOptions& options);
Result<std::unique_ptr<Destination>> make_mail_destination(const DestinationOptions& options);

// RFC 5322: a mail with its headers, in UTF-8. Nothing of the message can begin another header or line of SMTP.
std::string mail_of(const Message& message, const std::string& from, const std::vector<std::string>& to, std::int64_t now_us);
// A chat's text: no mention, link or mark-up takes effect.
std::string chat_text_of(const Message& message);

}  // namespace silt::outbox
