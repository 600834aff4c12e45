// Quotas: how much of siltd a tenant may have, and how much of it it has had. What is refused is counted, and who
// is refused is told when to try again. Safe from any thread.
//
// Whoever sees all tenants (root, siltd's own user) is not held to them: an operator must get through.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "daemon/access/caller.h"

namespace silt::access {

// 0: no limit.
struct Quota {
  std::uint64_t sources_max = 0;
  std::uint64_t bytes_per_day = 0;  // of records' texts; days are UTC's
  std::uint64_t resident_states_max = 0;  // what is more leaves memory first when that is full
  std::uint64_t questions_per_minute = 0;
  bool limits() const { return sources_max + bytes_per_day + resident_states_max + questions_per_minute > 0; }
  friend bool operator==(const Quota&, const Quota&) = default;
};

// Since siltd started, but for what is of today.
struct QuotaUse {
  std::string tenant;
  Quota quota;
  std::uint64_t questions = 0;
  std::uint64_t questions_refused = 0;
  std::uint64_t sources_refused = 0;  // that became part of another
  std::uint64_t bytes_today = 0;
  std::uint64_t pauses = 0;  // of reading, for the bytes of a day
  std::uint64_t states_evicted = 0;  // before those of others, for there were too many
};

// A bucket that holds `capacity`, gives one at a time, and is full again after a minute.
class Bucket {
 public:
  // Microseconds until there is one to take; 0: now. `now_us`: monotonic.
  std::int64_t wait_us(std::uint64_t capacity, std::int64_t now_us) const;
  void take(std::uint64_t capacity, std::int64_t now_us);  // when there is one
  bool is_full(std::int64_t now_us) const { return full_us_ <= now_us; }

 private:
  std::int64_t full_us_ = 0;  // when it will be full
};

class Quotas {
 public:
  static constexpr std::uint64_t kChangesPerMinute = 60;  // of one caller

  explicit Quotas(const Clock& clock) : clock_(clock) {}

  // By tenant; "*": of each that has no quota of its own.
  void configure(std::map<std::string, Quota, std::less<>> quotas);
  Quota of(std::string_view tenant) const;

  // A question to `tenant` ("*": to each limited tenant that the call sees), or a change.
  // kResourceExhausted with a hint when there were too many in the last minute.
  Status take_question(const Call& call, std::string_view tenant);
  Status take_change(const Caller& caller);

  // Whether the tenant may store more today. Asked before something is read for it.
  bool may_read(const std::string& tenant);
  void have_read(const std::string& tenant, std::uint64_t bytes);
  // What it had stored on `day` (since 1970, UTC) before a restart.
  void had_read(const std::string& tenant, std::int64_t day, std::uint64_t bytes);
  // Whether it may have a source more. `count`: those that it has; asked only if that matters.
  bool may_open(const std::string& tenant, const std::function<std::uint64_t()>& count);

  // A state of it left memory because it had more than its share.
  void have_evicted(const std::string& tenant);

  // Of the tenants that are limited, and known by name or by what they did; by name.
  std::vector<QuotaUse> use() const;

 private:
  struct Account {
    QuotaUse use;
    Bucket questions;
    std::int64_t day = 0;
    bool paused = false;
  };
  // With the lock.
  const Quota& quota_of(std::string_view tenant) const;
  Account& account_of(std::string_view tenant);
  Account& today_of(std::string_view tenant);

  const Clock& clock_;
  mutable std::mutex mutex_;  // of what follows
  std::map<std::string, Quota, std::less<>> quotas_;
  std::map<std::string, Account, std::less<>> accounts_;  // by tenant
  std::map<std::string, Bucket> changes_;                 // by caller
};

// kResourceExhausted: "WHAT; try again in 12 s". The hint is part of the message, so that people have it too, and
// doors find it there.
Status try_again_in(const std::string& what, std::int64_t us);
std::optional<std::int64_t> retry_after_ms(const Status& status);

}  // namespace silt::access
