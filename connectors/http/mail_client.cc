#include "connectors/http/mail_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "connectors/http/http_client.h"

namespace silt::connectors {
namespace {

constexpr long kConnectMs = 10'000, kAnswerMs = 60'000;

struct Body {
  std::string text;
  std::size_t sent = 0;
};

std::size_t read_body(char* to, std::size_t size, std::size_t count, void* from) {
  auto& body = *static_cast<Body*>(from);
  const std::size_t part = std::min(size * count, body.text.size() - body.sent);
  std::memcpy(to, body.text.data() + body.sent, part);
  body.sent += part;
  return part;
}

int on_progress(void* cancelled, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return *static_cast<const std::atomic<bool>*>(cancelled) ? 1 : 0;
}

// An answer of 5xx to the mail itself is for ever; to a login or an address it may be mended.
Status meaning_of(CURLcode code, long said, bool has_body_sent, const std::string& url) {
  if (code == CURLE_OK) return Status::ok();
  const std::string text = url + ": " + ::curl_easy_strerror(code) + (said > 0 ? ", SMTP " + std::to_string(said) : "");
  constexpr long kTooLarge = 552, kRefused = 554;
  switch (code) {
    case CURLE_LOGIN_DENIED: return permission_denied(text + ": check the credential, USER:PASSWORD; it is sent again");
    case CURLE_USE_SSL_FAILED: return failed_precondition(text + ": the server offers no TLS; use smtps, or a server on this host");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE: return failed_precondition(text + ": name its authority with ca_file");
    default: break;
  }
  if (has_body_sent && (said == kTooLarge || said == kRefused)) return invalid_argument(text + ": it does not take this mail, which is not sent again");
  if (said >= 500) return failed_precondition(text + ": check from, to and the credential; it is sent again");
  return unavailable(text + ": check the network and the server; it is sent again");
}

}  // namespace

Result<std::unique_ptr<MailClient>> MailClient::create(MailOptions options) {
  SILT_ASSIGN(const bool is_this_host, mail_server_is_here(options.url));
  return std::unique_ptr<MailClient>(new MailClient(std::move(options), is_this_host));
}

Status MailClient::send(const std::string& from, const std::vector<std::string>& to, std::string mail, const std::string& login) {
  if (cancelled_) return {Code::kCancelled, "stopped"};
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(::curl_easy_init(), ::curl_easy_cleanup);
  if (!curl) return unavailable("there is no memory for a mail; it is sent again");
  Body body{std::move(mail)};
  curl_slist* list = nullptr;
  for (const std::string& address : to) list = ::curl_slist_append(list, ("<" + address + ">").c_str());
  const std::unique_ptr<curl_slist, void (*)(curl_slist*)> recipients(list, ::curl_slist_free_all);
  set_up(curl.get(), login);
  ::curl_easy_setopt(curl.get(), CURLOPT_MAIL_FROM, ("<" + from + ">").c_str());
  ::curl_easy_setopt(curl.get(), CURLOPT_MAIL_RCPT, recipients.get());
  ::curl_easy_setopt(curl.get(), CURLOPT_READFUNCTION, read_body);
  ::curl_easy_setopt(curl.get(), CURLOPT_READDATA, &body);
  const CURLcode code = ::curl_easy_perform(curl.get());
  if (cancelled_) return {Code::kCancelled, "stopped"};
  long said = 0;
  ::curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &said);
  return meaning_of(code, said, body.sent > 0, options_.url);
}

void MailClient::set_up(CURL* curl, const std::string& login) const {
  ::curl_easy_setopt(curl, CURLOPT_URL, options_.url.c_str());
  ::curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl, CURLOPT_PROXY, options_.proxy.c_str());
  ::curl_easy_setopt(curl, CURLOPT_NOPROXY, "");  // else the environment's no_proxy counts
  ::curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
  ::curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, kAnswerMs);
  ::curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
  ::curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  ::curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &cancelled_);
  ::curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  if (!options_.ca_file.empty()) ::curl_easy_setopt(curl, CURLOPT_CAINFO, options_.ca_file.c_str());
  ::curl_easy_setopt(curl, CURLOPT_USE_SSL, static_cast<long>(is_this_host_ ? CURLUSESSL_NONE : CURLUSESSL_ALL));
  if (login.empty()) return;
  const std::size_t colon = std::min(login.find(':'), login.size());
  ::curl_easy_setopt(curl, CURLOPT_USERNAME, login.substr(0, colon).c_str());
  ::curl_easy_setopt(curl, CURLOPT_PASSWORD, login.substr(std::min(colon + 1, login.size())).c_str());
}

}  // namespace silt::connectors
