#include "daemon/outbox/destination.h"

namespace silt::outbox {

std::string_view shape_name(Shape shape) {
  switch (shape) {
    case Shape::kWebhook: return "webhook";
    case Shape::kChat: return "chat";
    case Shape::kMail: return "mail";
  }
  return "";
}

Result<std::unique_ptr<Destination>> make_destination(const DestinationOptions& options) {
  return options.shape == Shape::kMail ? make_mail_destination(options) : make_web_destination(options);
}

}  // namespace silt::outbox
