// The TLS of a door: version 1.3 alone, with a client certificate that the door's own authorities have signed.
// Sessions are not resumed: each connection proves anew who it is.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

struct ssl_ctx_st;
struct ssl_st;

namespace silt::access {

struct TlsFiles {
  std::string certificate;  // chain, PEM
  std::string key;          // PEM, without a passphrase
  std::string client_ca;    // who must have signed the clients' certificates, PEM
};

// `protocol`: what clients must ask for by ALPN, "h2"; at most 255 bytes. The message names the file that does
// not do.
Result<std::shared_ptr<ssl_ctx_st>> tls_context(const TlsFiles& files, std::string_view protocol);

// Of the verified client at the other end: the first URI of its certificate's subjectAltName, else the first DNS
// name, else the common name. Empty when there is none that is printable ASCII.
std::string certificate_name(const ssl_st* connection);

}  // namespace silt::access
