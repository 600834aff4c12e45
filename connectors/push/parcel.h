// Parcel: what one peer brought at once, as one delivery for each stream (or more: no delivery is large), and its way
// into the inbox. On the thread of one server.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/inbox.h"
#include "connectors/push/senders.h"

namespace silt::connectors {

class Parcel {
 public:
  // Runs a call on the server's thread, from any.
  using Post = std::function<void(std::function<void()>)>;
  // On the server's thread: all of it is durable, or, when false, it may not be, for siltd is stopping.
  using Stored = std::function<void(bool)>;

  // What they refer to must outlive all calls.
  Parcel(Inbox& inbox, Senders& senders, const Post& post, Senders::AccountPtr sender)
      : inbox_(inbox), senders_(senders), post_(post), sender_(std::move(sender)) {}

  Senders::Account& sender() const { return *sender_; }
  // Where the next record of the stream belongs.
  Delivery& delivery(std::string_view stream);
  // Gives the deliveries ids: the same ones, when the same records are brought again.
  void identify(const std::string& id);

  // False: the inbox is full. What was not taken may be offered again, when it has room, and nothing added before.
  bool offer(const Stored& stored);

 private:
  struct Tally;

  Inbox& inbox_;
  Senders& senders_;
  const Post& post_;
  Senders::AccountPtr sender_;
  std::vector<Delivery> deliveries_;
  std::shared_ptr<Tally> tally_;  // of what is being offered
};

}  // namespace silt::connectors
