// Who is calling, what they may do, and which tenants they see. A door makes the Caller from what the
// kernel or a credential says of the peer; nothing of it comes from a request.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>

namespace silt::access {

enum class Right : std::uint8_t {
  kAsk,     // questions, lists, status
  kChange,  // reset, rename, delete
  kAudit,   // what callers have done
  kFeed,    // push records
};

class Rights {
 public:
  constexpr Rights() = default;
  constexpr Rights(std::initializer_list<Right> rights) {
    for (const Right right : rights) bits_ |= bit(right);
  }
  static constexpr Rights all() { return {Right::kAsk, Right::kChange, Right::kAudit, Right::kFeed}; }
  constexpr bool has(Right right) const { return (bits_ & bit(right)) != 0; }
  friend constexpr bool operator==(Rights, Rights) = default;

 private:
  static constexpr std::uint32_t bit(Right right) { return 1U << static_cast<unsigned>(right); }
  std::uint32_t bits_ = 0;
};

class Tenants {
 public:
  Tenants() = default;  // none
  explicit Tenants(std::set<std::string, std::less<>> names) : names_(std::move(names)) {}
  static Tenants all() {
    Tenants every;
    every.all_ = true;
    return every;
  }
  bool sees(std::string_view tenant) const { return all_ || names_.contains(tenant); }
  friend bool operator==(const Tenants&, const Tenants&) = default;

 private:
  bool all_ = false;
  std::set<std::string, std::less<>> names_;
};

struct Caller {
  std::string name;  // "uid:1000": shown in the audit log, and whose share of a queue a call takes
  Tenants tenants;
  Rights rights;
  friend bool operator==(const Caller&, const Caller&) = default;
};

using TimePoint = std::chrono::system_clock::time_point;

// One call, for as long as it is worked on.
struct Call {
  const Caller& caller;
  const std::atomic<bool>& cancelled;
  TimePoint deadline = TimePoint::max();
};

}  // namespace silt::access
