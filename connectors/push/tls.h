// TLS of servers: their certificate, and whose clients they trust.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"

namespace boost::asio::ssl {
class context;
}

namespace silt::connectors {

struct TlsFiles {
  std::string certificate;  // PEM, with the chain
  std::string key;          // PEM; empty: in the certificate's file
  std::string ca_file;      // PEM: only clients with a certificate of these are let in; empty: all
};

// TLS 1.2 or later. The message names the file and what is wrong with it.
Result<std::shared_ptr<boost::asio::ssl::context>> make_tls(const TlsFiles& files);

}  // namespace silt::connectors
