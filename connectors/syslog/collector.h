// Collector: from syslog messages to records in an Inbox, on the thread of one server. Each connection, and each
// sender of datagrams, adds its messages to a Posting of its own.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "connectors/inbox.h"
#include "connectors/push/parcel.h"
#include "connectors/push/push_connector.h"
#include "connectors/push/senders.h"
#include "connectors/push/stream_names.h"
#include "connectors/syslog/frames.h"
#include "connectors/syslog/stamp.h"

namespace silt::connectors {

struct CollectorOptions {
  std::string input;              // its name
  bool per_host = true;           // each host is a stream of its own, "INPUT:HOST"
  ZoneOffset zone;                // of stamps that name none
  std::uint32_t hosts_max = 1000; // that have streams of their own; of one sender a quarter
  SenderLimits senders;
};

class Collector {
 public:
  using Post = Parcel::Post;

  // `inbox` and `clock` must outlive it, and what `post` refers to all calls.
  Collector(CollectorOptions options, Inbox& inbox, const Clock& clock, Post post);

  Inbox& inbox() { return inbox_; }
  Senders& senders() { return senders_; }
  const Post& post() const { return post_; }

  // One line, with the remedy.
  void note_error(std::string error);
  void note_lost(std::uint64_t datagrams, std::uint64_t bytes);
  void note_connections(bool refused);
  PushReport report() const;  // any thread

 private:
  friend class Posting;
  Record record_of(const Frame& frame, const Senders::Account& sender);

  const CollectorOptions options_;
  Inbox& inbox_;
  const Clock& clock_;
  const Post post_;
  Senders senders_;
  StreamNames names_;
  Arena scratch_;
  std::vector<Attribute> attributes_;
  mutable std::mutex mutex_;  // of what follows
  PushReport report_;
  std::uint64_t datagrams_lost_ = 0, connections_refused_ = 0;
};

// A parcel of syslog messages.
class Posting {
 public:
  Posting(Collector& collector, Senders::AccountPtr sender)
      : collector_(collector), parcel_(collector.inbox_, collector.senders_, collector.post_, std::move(sender)) {}

  void add(const Frame& frame);
  // A record that says what is missing.
  void add_gap(std::string_view text, std::uint64_t bytes);
  bool offer(const Parcel::Stored& stored) { return parcel_.offer(stored); }

 private:
  Collector& collector_;
  Parcel parcel_;
};

}  // namespace silt::connectors
