// Senders: what each peer of a server may take of it: connections, bytes that wait for the journal, bytes a second.
// One peer that floods is slowed or refused before it costs the others anything.
//
// Used by one thread. A peer is an address; the table is bounded: peers beyond it share one account.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace silt::connectors {

struct SenderLimits {
  std::uint32_t connections_max = 1000;           // of all; of one sender a quarter
  std::uint64_t waiting_bytes_max = 4 << 20;      // of one sender
  std::uint64_t bytes_per_s_max = 0;              // of one sender; 0: no limit
  std::uint32_t senders_max = 4096;               // that have accounts of their own
};

class Senders {
 public:
  struct Account {
    std::string name;
    std::uint64_t waiting_bytes = 0;  // offered and not stored yet
    std::uint32_t connections = 0;
    std::uint32_t streams = 0;  // that it was the first to bring
    std::int64_t budget_bytes = 0;
    std::int64_t budget_us = 0;  // as of when
    std::vector<std::function<void()>> held_back;
  };
  using AccountPtr = std::shared_ptr<Account>;

  Senders(SenderLimits limits, const Clock& clock) : limits_(limits), clock_(clock) {}

  AccountPtr account(const std::string& address);

  // Counts one more connection, unless there are too many.
  bool connect(Account& account);
  void disconnect(Account& account);
  std::uint32_t connections() const { return connections_; }

  // Bytes that wait for the journal from now on, and no longer.
  void hold(Account& account, std::uint64_t bytes) { account.waiting_bytes += bytes; }
  void release(Account& account, std::uint64_t bytes);
  bool has_share(const Account& account) const { return account.waiting_bytes < limits_.waiting_bytes_max; }
  // Calls `go_on` once, when half of the sender's share is free.
  void when_share(Account& account, std::function<void()> go_on) { account.held_back.push_back(std::move(go_on)); }
  // Counts bytes against the sender's rate. Returns for how many milliseconds it must pause, 0: not at all.
  std::int64_t spend(Account& account, std::uint64_t bytes);

 private:
  void sweep();

  const SenderLimits limits_;
  const Clock& clock_;
  std::unordered_map<std::string, AccountPtr> accounts_;
  std::uint32_t connections_ = 0;
};

}  // namespace silt::connectors
