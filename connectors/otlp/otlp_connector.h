// Receives logs by OTLP over gRPC and HTTP (protobuf and JSON, gzip), as the SDKs and the collector of
// OpenTelemetry send them.
//
// A LogRecord becomes a record: its body, its time, and as attributes severity, trace_id, span_id and the attributes of
// record, resource and scope; each service is a stream, "INPUT:SERVICE". A request is answered after its records were
// stored. It is known by its bytes: one that comes again, for its answer was lost, is answered and dropped. While there
// is no room peers are told to try again (UNAVAILABLE with a RetryInfo, 503 with Retry-After).
#pragma once

#include <memory>
#include <vector>

#include "base/clock.h"
#include "connectors/inbox.h"
#include "connectors/otlp/receiver.h"
#include "connectors/push/endpoint.h"
#include "connectors/push/push_connector.h"
#include "connectors/push/tls.h"

namespace silt::connectors {

struct OtlpOptions {
  std::vector<Endpoint> listen;  // of kOtlpKinds
  TlsFiles tls;                  // with a certificate, all servers speak TLS
  otlp::ReceiverOptions receiver;
  InboxOptions inbox;
  std::int64_t listen_again_ms = 10'000;  // after which a place that cannot be opened is tried again
};

// `clock` must outlive it.
std::unique_ptr<PushConnector> make_otlp_connector(OtlpOptions options, const Clock& clock);

}  // namespace silt::connectors
