// Server: the doors of siltd: gRPC on two unix sockets, one for questions and one for who administers, HTTP on a third
// one and, if they are asked for, HTTP on a loopback address, and gRPC on TCP with TLS 1.3 and client certificates.
//
// Reactions only post; four pools do the work (method.h), each with a queue per caller. Who is calling comes from
// the kernel (SO_PEERCRED), a client certificate or a token, never from the request: access/callers.h says who
// may do what in which tenants, and each attempt to change something is audited.
// start() and stop() are called by one thread. stop() finishes every live call with UNAVAILABLE and
// returns within three seconds if the dependencies honour `cancelled` and a stopped learner
// refuses resets; they must outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "daemon/access/audit_log.h"
#include "daemon/access/callers.h"
#include "daemon/access/quotas.h"
#include "daemon/access/tls_context.h"
#include "daemon/access/tokens.h"
#include "daemon/answer/answer.h"
#include "daemon/intake/feeds.h"
#include "daemon/learn/control.h"
#include "daemon/learn/forgetter.h"
#include "daemon/learn/state_admin.h"
#include "daemon/learn/state_archive.h"
#include "daemon/store/backup.h"
#include "daemon/store/evidence_store.h"
#include "daemon/store/fold_store.h"
#include "daemon/store/net_store.h"
#include "daemon/store/record_log.h"
#include "daemon/serve/health.h"
#include "daemon/watch/board.h"
#include "daemon/watch/normals.h"
#include "proto/silt/v1/admin.pb.h"

namespace silt::serve {

struct ServerDependencies {
  answer::Answerer& answerer;
  const store::RecordLog& log;
  const store::NetStore& nets;
  const store::FoldStore& folds;
  learn::SourceAdmin& admin;
  learn::StateAdmin& states;
  learn::Forgetter& forgetter;
  learn::StateArchive& archive;
  access::AuditLog& audit;
  access::Tokens& tokens;
  access::Callers& callers;  // which start() and reload() configure
  intake::Feeds& feeds;
  access::Quotas& quotas;
  // Both are called on threads of the server, and may be empty. The status holds what callers may know that
  // see these tenants.
  std::function<void(const access::Tenants&, silt::v1::GetStatusResponse&)> fill_status = {};
  // What else the store knows of a source: places.
  std::function<void(store::SourceRef, silt::v1::Source&)> fill_stored = {};
  // Must not wait; may be empty.
  std::function<Health()> health = {};
  // Of the whole store, into a directory that is not there.
  std::function<Result<store::BackupReport>(const std::string& directory)> backup = {};
  // Null: nothing is watched.
  const store::EvidenceStore* evidence = nullptr;
  const watch::Board* board = nullptr;
  watch::Normals* normals = nullptr;
};

struct ServerOptions {
  std::string socket = "/run/silt/query.sock";
  std::string admin_socket = "/run/silt/admin.sock";
  std::string http_socket;           // empty: none; so the next two
  std::string http_listen;           // a loopback address and a port
  std::string listen;                // "host:port" for gRPC over TLS
  access::TlsFiles tls;              // of it
  std::uint32_t socket_mode = 0660;  // of all
  access::AccessOptions access;
  int reader_threads = 3;
  std::uint32_t queue_max = 64;  // calls of one caller that wait for a thread; more are refused
  std::size_t unread_bytes_max = 32 << 20;  // of replies that one caller has not read; further calls are refused
  // Who is at the other end of a unix socket; tests tell users apart that are one.
  std::function<Result<access::Peer>(int connection)> peer_of = {};
  std::uint32_t users_max = 16;  // callers connected at a time; one more closes the longest silent
};

class Server {
 public:
  // Listening on return. Fails with a one-line remedy when the socket cannot be made safely.
  static Result<std::unique_ptr<Server>> start(const ServerDependencies& dependencies,
                                               const ServerOptions& options);
  virtual ~Server() = default;  // stops
  virtual void stop() = 0;      // a second call does nothing
  virtual std::uint16_t http_port() const = 0;  // of http_listen; 0: none
  // Rights are in force with each next call, of connections that are open, too; certificates, read anew from
  // their files, with each next connection. A failure, with a remedy, changes nothing.
  virtual Status reload(const access::AccessOptions& access) = 0;
  virtual std::uint16_t port() const = 0;  // that TLS listens on; 0: it does not
};

}  // namespace silt::serve
