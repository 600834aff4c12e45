#include "connectors/http/http_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <csignal>
#include <mutex>

namespace silt::connectors {
namespace {

constexpr int kRedirectsMax = 5;
constexpr std::size_t kHeaderBytesMax = 64 * 1024;  // of one answer

struct Received {
  HttpResponse response;
  std::uint64_t body_bytes_max = 0;
  std::size_t header_bytes = 0;
  bool too_large = false;
};

std::size_t on_body(char* data, std::size_t, std::size_t size, void* to) {
  auto& received = *static_cast<Received*>(to);
  received.too_large = received.response.body.size() + size > received.body_bytes_max;
  if (received.too_large) return 0;
  received.response.body.append(data, size);
  return size;
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* to) {
  auto& received = *static_cast<Received*>(to);
  received.header_bytes += size;
  if (received.header_bytes > kHeaderBytesMax) return 0;
  std::string_view line(data, size);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  std::string name(line.substr(0, colon));
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  std::string_view value = line.substr(colon + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  received.response.headers[name] = std::string(value);
  return size;
}

// A name like "127.example.org" is that of any host.
bool is_this_host(const std::string& host) {
  in_addr address{};
  return host == "localhost" || host == "[::1]" || (host.starts_with("127.") && ::inet_pton(AF_INET, host.c_str(), &address) == 1);
}

struct Url {
  std::string scheme, host, port;
};

bool split(const std::string& text, Url& out) {
  CURLU* url = ::curl_url();
  const auto part = [&](CURLUPart which, unsigned flags, std::string& to) {
    char* value = nullptr;
    if (::curl_url_get(url, which, &value, flags) != CURLUE_OK) return false;
    to = value;
    ::curl_free(value);
    return true;
  };
  std::string user;
  const bool ok = ::curl_url_set(url, CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
                  !part(CURLUPART_USER, 0, user) && part(CURLUPART_SCHEME, 0, out.scheme) &&
                  part(CURLUPART_HOST, 0, out.host) && part(CURLUPART_PORT, CURLU_DEFAULT_PORT, out.port);
  ::curl_url_cleanup(url);
  return ok && !out.host.empty();
}

void global_init() {
  static std::once_flag once;
  std::call_once(once, [] {
    ::curl_global_init(CURL_GLOBAL_DEFAULT);
    // OpenSSL writes to a server that has gone; with CURLOPT_NOSIGNAL, which threads need, libcurl leaves the signal
    // to us, and it would end the process.
    std::signal(SIGPIPE, SIG_IGN);
  });
}

}  // namespace

struct HttpClient::Handles {
  CURL* easy = ::curl_easy_init();
  CURLM* multi = ::curl_multi_init();
  std::atomic<bool> cancelled{false};
  ~Handles() {
    ::curl_multi_cleanup(multi);
    ::curl_easy_cleanup(easy);
  }
};

std::string_view HttpResponse::header(std::string_view name) const {
  const auto found = headers.find(std::string(name));
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

std::int64_t HttpResponse::date_us() const {
  const std::string date(header("date"));
  const auto seconds = date.empty() ? -1 : ::curl_getdate(date.c_str(), nullptr);
  return seconds < 0 ? 0 : static_cast<std::int64_t>(seconds) * 1'000'000;
}

std::int64_t HttpResponse::retry_after_s() const {
  constexpr std::int64_t kSecondsMax = 3'600;
  const std::string_view text = header("retry-after");
  std::int64_t seconds = -1;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool whole = failed == std::errc() && end == text.data() + text.size();
  return whole && seconds >= 0 ? std::min(seconds, kSecondsMax) : -1;
}

std::string url_escape(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return out;
}

Result<std::string> site_of(const std::string& url) {
  global_init();
  Url parts;
  if (!split(url, parts) || (parts.scheme != "https" && parts.scheme != "http"))
    return invalid_argument("must be like \"https://tracker.example.org\", without user and password");
  if (parts.scheme == "http" && !is_this_host(parts.host))
    return invalid_argument("http would send the credential in the clear; use https");
  return parts.scheme + "://" + parts.host + ":" + parts.port;
}

Result<bool> mail_server_is_here(const std::string& url) {
  global_init();
  Url parts;
  if (!split(url, parts) || (parts.scheme != "smtps" && parts.scheme != "smtp"))
    return invalid_argument("must be like \"smtps://mail.example.org\" or \"smtp://localhost:25\", without user and password");
  return is_this_host(parts.host);
}

Result<std::unique_ptr<HttpClient>> HttpClient::create(HttpOptions options) {
  SILT_TRY(site_of(options.url).status());
  while (options.url.ends_with('/')) options.url.pop_back();
  return std::unique_ptr<HttpClient>(new HttpClient(std::move(options)));
}

HttpClient::HttpClient(HttpOptions options) : options_(std::move(options)), handles_(std::make_unique<Handles>()) {}

HttpClient::~HttpClient() = default;

void HttpClient::cancel() {
  handles_->cancelled = true;
  ::curl_multi_wakeup(handles_->multi);
}

bool HttpClient::of_this_site(const std::string& url) const {
  const auto own = site_of(options_.url), other = site_of(url);
  return own.is_ok() && other.is_ok() && *own == *other;
}

Result<HttpResponse> HttpClient::send(const HttpRequest& request) {
  std::string url = request.target.starts_with('/') ? options_.url + request.target : request.target;
  for (int hops = 0; hops <= kRedirectsMax; ++hops) {
    if (!of_this_site(url)) {
      return failed_precondition(options_.url + " leads to another site, which gets no credential: check the URL");
    }
    SILT_ASSIGN(HttpResponse response, send_once(request, url));
    const bool redirect = response.status == 301 || response.status == 302 || response.status == 307 || response.status == 308;
    if (!redirect || response.header("location").empty()) return response;
    const std::string location(response.header("location"));
    url = location.starts_with('/') ? site_of(options_.url).value() + location : location;
  }
  return unavailable(options_.url + ": more than 5 redirects: check the URL");
}

Result<HttpResponse> HttpClient::send_once(const HttpRequest& request, const std::string& url) {
  CURL* const easy = handles_->easy;
  ::curl_easy_reset(easy);  // connections stay open
  Received received;
  received.body_bytes_max = options_.body_bytes_max;
  curl_slist* headers = ::curl_slist_append(nullptr, "Accept: application/json");
  for (const std::string& header : request.headers) headers = ::curl_slist_append(headers, header.c_str());
  if (!request.post.empty()) headers = ::curl_slist_append(headers, "Content-Type: application/json");
  ::curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  ::curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  ::curl_easy_setopt(easy, CURLOPT_USERAGENT, "silt");
  ::curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  ::curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  ::curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  ::curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_ms));
  ::curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.answer_ms));
  ::curl_easy_setopt(easy, CURLOPT_PROXY, options_.proxy.c_str());
  ::curl_easy_setopt(easy, CURLOPT_NOPROXY, "");  // else the environment's no_proxy counts
  if (!options_.ca_file.empty()) ::curl_easy_setopt(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
  ::curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  ::curl_easy_setopt(easy, CURLOPT_WRITEDATA, &received);
  ::curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  ::curl_easy_setopt(easy, CURLOPT_HEADERDATA, &received);
  if (!request.post.empty()) {
    ::curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.post.size()));
    ::curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.post.c_str());
  }
  ::curl_multi_add_handle(handles_->multi, easy);
  int running = 1;
  while (running > 0 && !handles_->cancelled) {
    if (::curl_multi_perform(handles_->multi, &running) != CURLM_OK) break;
    if (running > 0) ::curl_multi_poll(handles_->multi, nullptr, 0, 1000, nullptr);
  }
  CURLcode result = CURLE_ABORTED_BY_CALLBACK;
  int left = 0;
  while (const CURLMsg* message = ::curl_multi_info_read(handles_->multi, &left)) {
    if (message->msg == CURLMSG_DONE) result = message->data.result;
  }
  ::curl_multi_remove_handle(handles_->multi, easy);
  ::curl_slist_free_all(headers);
  if (handles_->cancelled) return Status(Code::kCancelled, "stopped");
  if (received.too_large) {
    return resource_exhausted(options_.url + ": an answer of more than " + std::to_string(options_.body_bytes_max >> 20) +
                              " MiB is not read");
  }
  if (result != CURLE_OK) {
    const bool certificate = result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE;
    return unavailable(options_.url + ": " + ::curl_easy_strerror(result) +
                       (certificate ? ": name its authority with ca_file" : ": check the network and the server; it is tried again"));
  }
  long status = 0;
  ::curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  received.response.status = static_cast<int>(status);
  return std::move(received.response);
}

}  // namespace silt::connectors
