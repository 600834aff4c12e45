// HttpClient: one site over HTTP(S), by libcurl: certificates verified, one connection kept and used again,
// compressed bodies, bounded sizes and times. Redirects are followed within the site only: the
// credential never reaches another host.
//
// Used by one thread; cancel() from any. The process ignores SIGPIPE from the first one on. Errors name the site and a remedy, never the credential.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace silt::connectors {

struct HttpOptions {
  std::string url;      // of the site, "https://tracker.example.org/rt"; http only for this host itself
  std::string ca_file;  // authorities that are trusted instead of the system's; empty: those
  std::string proxy;    // empty: none; the environment is not asked
  std::int64_t connect_ms = 10'000;
  std::int64_t answer_ms = 60'000;  // of one request as a whole
  std::uint64_t body_bytes_max = 32 << 20;
};

struct HttpRequest {
  std::string target;  // below the site, "/issues.json?limit=1"; or a whole URL of the site
  std::vector<std::string> headers;
  std::string post;  // a JSON body; empty: GET
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // lower-case names; of several the last
  std::string body;

  std::string_view header(std::string_view name) const;
  // The server's clock, microseconds since 1970; 0: it does not say.
  std::int64_t date_us() const;
  // Retry-After in seconds, at most an hour; -1: it asks for none, or with a date.
  std::int64_t retry_after_s() const;
};

class HttpClient {
 public:
  // kInvalidArgument: no such URL, or http to another host.
  static Result<std::unique_ptr<HttpClient>> create(HttpOptions options);
  ~HttpClient();

  // Whatever the status is. kUnavailable: no answer; kResourceExhausted: larger than the limit; kCancelled.
  Result<HttpResponse> send(const HttpRequest& request);
  // Ends the request under way, and all later ones.
  void cancel();

  const std::string& url() const { return options_.url; }

 private:
  explicit HttpClient(HttpOptions options);
  struct Handles;
  bool of_this_site(const std::string& url) const;
  Result<HttpResponse> send_once(const HttpRequest& request, const std::string& url);

  HttpOptions options_;
  std::unique_ptr<Handles> handles_;
};

// One value of a query or a path: all but letters, digits and -._~ is escaped.
std::string url_escape(std::string_view text);

// "https://tracker.example.org:8443"; kInvalidArgument: not of that form, or http to another host than this.
Result<std::string> site_of(const std::string& url);

// Of a mail server, "smtps://mail.example.org" or "smtp://localhost:25": whether it is this host. kInvalidArgument: it is no
// such URL.
Result<bool> mail_server_is_here(const std::string& url);

}  // namespace silt::connectors
