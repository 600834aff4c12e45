#include "connectors/push/tls.h"

#include <boost/asio/ssl/context.hpp>

namespace silt::connectors {

namespace ssl = boost::asio::ssl;

Result<std::shared_ptr<ssl::context>> make_tls(const TlsFiles& files) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  context->set_options(ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 | ssl::context::no_compression);
  boost::system::error_code failed;
  context->use_certificate_chain_file(files.certificate, failed);
  if (failed) return invalid_argument("certificate " + files.certificate + ": " + failed.message() + "; it must be PEM and readable by siltd");
  const std::string& key = files.key.empty() ? files.certificate : files.key;
  context->use_private_key_file(key, ssl::context::pem, failed);
  if (failed) return invalid_argument("key " + key + ": " + failed.message() + "; it must be PEM, readable by siltd, and the certificate's");
  if (files.ca_file.empty()) return context;
  context->load_verify_file(files.ca_file, failed);
  if (failed) return invalid_argument("ca_file " + files.ca_file + ": " + failed.message() + "; it must be PEM and readable by siltd");
  context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  return context;
}

}  // namespace silt::connectors
