#include "daemon/access/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <new>
#include <utility>

namespace silt::access {
namespace {

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

Status bad_file(const char* key, const std::string& path) {
  const unsigned long error = ERR_peek_last_error();
  const char* reason = error != 0 ? ERR_reason_error_string(error) : nullptr;
  ERR_clear_error();
  return invalid_argument(std::string(key) + ": " + path + " cannot be used: " + (reason != nullptr ? reason : "it fits not"));
}

// What clients ask for, as ALPN writes it: a byte with the length in front.
struct Alpn {
  explicit Alpn(std::string_view name) : wire(1, static_cast<char>(name.size())) { wire += name; }
  std::string wire;
};

int select_protocol(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* asked, unsigned asked_size, void* own) {
  const std::string& wire = static_cast<const Alpn*>(own)->wire;
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, size, reinterpret_cast<const unsigned char*>(wire.data()),
                                          static_cast<unsigned>(wire.size()), asked, asked_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

std::string text_of(const ASN1_STRING* name) {
  if (name == nullptr) return {};
  std::string text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name)), static_cast<std::size_t>(ASN1_STRING_length(name)));
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  return printable ? text : std::string();
}

std::string alternative_name(const X509* certificate, int type) {
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == type) return text_of(type == GEN_URI ? name->d.uniformResourceIdentifier : name->d.dNSName);
  }
  return {};
}

std::string common_name(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  return at < 0 ? std::string() : text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

}  // namespace

Result<std::shared_ptr<ssl_ctx_st>> tls_context(const TlsFiles& files, std::string_view protocol) {
  // The protocol lives as long as the context that refers to it.
  const auto alpn = std::make_shared<Alpn>(protocol);
  const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), [alpn](SSL_CTX* own) { SSL_CTX_free(own); });
  if (!context) throw std::bad_alloc();
  SSL_CTX* const raw = context.get();
  if (SSL_CTX_use_certificate_chain_file(raw, files.certificate.c_str()) != 1) return bad_file("serve.certificate", files.certificate);
  SSL_CTX_set_default_passwd_cb(raw, [](char*, int, int, void*) { return 0; });
  if (SSL_CTX_use_PrivateKey_file(raw, files.key.c_str(), SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(raw) != 1)
    return bad_file("serve.key", files.key);
  if (SSL_CTX_load_verify_locations(raw, files.client_ca.c_str(), nullptr) != 1) return bad_file("serve.client_ca", files.client_ca);
  SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_alpn_select_cb(raw, &select_protocol, alpn.get());
  return context;
}

std::string certificate_name(const ssl_st* connection) {
  const X509* certificate = SSL_get0_peer_certificate(connection);
  if (certificate == nullptr) return {};
  for (const int type : {GEN_URI, GEN_DNS}) {
    if (std::string name = alternative_name(certificate, type); !name.empty()) return name;
  }
  return common_name(certificate);
}

}  // namespace silt::access
