// MailClient: a mail server over SMTP, by libcurl. To another host than this over TLS only: a log's text and a password are
// not for the network to read.
//
// Used by one thread; cancel() from any. Errors name the server and a remedy, never the login.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"

namespace silt::connectors {

struct MailOptions {
  std::string url;      // "smtps://mail.example.org", "smtp://localhost:25"
  std::string ca_file;  // authorities that are trusted instead of the system's; empty: those
  std::string proxy;    // empty: none; the environment is not asked
};

class MailClient {
 public:
  // kInvalidArgument: no such URL.
  static Result<std::unique_ptr<MailClient>> create(MailOptions options);

  // `mail`: headers and body, RFC 5322. Addresses hold no spaces and brackets. `login`: "user:password", or empty.
  // kInvalidArgument: the server will never take this mail. Else it may later.
  Status send(const std::string& from, const std::vector<std::string>& to, std::string mail, const std::string& login);
  void cancel() { cancelled_ = true; }  // what is under way, within a second, and all later ones

 private:
  MailClient(MailOptions options, bool is_this_host) : options_(std::move(options)), is_this_host_(is_this_host) {}
  void set_up(void* curl, const std::string& login) const;

  const MailOptions options_;
  const bool is_this_host_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace silt::connectors
