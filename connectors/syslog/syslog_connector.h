// Receives syslog of RFC 5424 and RFC 3164 over UDP, TCP, TLS and unix datagrams, and RELP over TCP
// and TLS.
//
// A message becomes a record: its text without the head; host, app, pid, severity, facility, msgid, structured data
// as attributes; each host is a stream, "INPUT:HOST". A message of RELP is answered after it was stored, so a peer that
// queues loses none. Plain TCP and TLS have no answers: what was on its way when siltd dies is lost to both ends.
// While the journal has no room, nothing is read: peers wait, and datagrams that the kernel drops are counted and said
// in a gap record.
//
// One thread serves all sockets.
#pragma once

#include <memory>
#include <vector>

#include "base/clock.h"
#include "connectors/inbox.h"
#include "connectors/push/endpoint.h"
#include "connectors/push/push_connector.h"
#include "connectors/push/tls.h"
#include "connectors/syslog/collector.h"
#include "connectors/syslog/server.h"

namespace silt::connectors {

struct SyslogOptions {
  std::vector<Endpoint> listen;  // of kSyslogKinds
  TlsFiles tls;
  CollectorOptions collector;
  ServerOptions server;
  InboxOptions inbox;
  std::int64_t listen_again_ms = 10'000;  // after which a place that cannot be opened is tried again
};

// `clock` must outlive it.
std::unique_ptr<PushConnector> make_syslog_connector(SyslogOptions options, const Clock& clock);

}  // namespace silt::connectors
