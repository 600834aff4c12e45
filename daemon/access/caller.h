// Who is calling, and what they may do in which tenants. A door makes the Caller from what the kernel or a
// credential says of the peer; nothing of it comes from a request.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace silt::access {

enum class Right : std::uint8_t {
  kAsk,     // questions, lists, status
  kChange,  // reset, roll back, rename, delete
  kAudit,   // what callers have done
  kFeed,    // push records
};
inline constexpr std::size_t kRights = 4;

class Rights {
 public:
  constexpr Rights() = default;
  constexpr Rights(std::initializer_list<Right> rights) {
    for (const Right right : rights) bits_ |= bit(right);
  }
  constexpr void add(Right right) { bits_ |= bit(right); }
  static constexpr Rights all() { return {Right::kAsk, Right::kChange, Right::kAudit, Right::kFeed}; }
  constexpr bool has(Right right) const { return (bits_ & bit(right)) != 0; }
  constexpr std::uint32_t bits() const { return bits_; }
  static constexpr Rights of_bits(std::uint32_t bits) {  // those that are none are left out
    Rights rights;
    rights.bits_ = bits & all().bits_;
    return rights;
  }
  friend constexpr bool operator==(Rights, Rights) = default;

 private:
  static constexpr std::uint32_t bit(Right right) { return 1U << static_cast<unsigned>(right); }
  std::uint32_t bits_ = 0;
};

// Of the words ask, change, audit, feed; nothing when one is another, or there is none.
std::optional<Rights> rights_of(std::span<const std::string> names);
std::vector<std::string> names_of(Rights rights);

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
  bool every() const { return all_; }
  bool none() const { return !all_ && names_.empty(); }
  // The one tenant that these are; nothing when they are none, several or all.
  std::optional<std::string> only() const {
    return all_ || names_.size() != 1 ? std::nullopt : std::optional(*names_.begin());
  }
  void add(const Tenants& others) {
    all_ = all_ || others.all_;
    names_.insert(others.names_.begin(), others.names_.end());
  }
  friend bool operator==(const Tenants&, const Tenants&) = default;

 private:
  bool all_ = false;
  std::set<std::string, std::less<>> names_;
};

class Caller {
 public:
  // `name`, "uid:1000", is shown in the audit log, and is whose share of a queue a call takes.
  explicit Caller(std::string shown) : name(std::move(shown)) {}
  Caller(std::string shown, const Tenants& tenants, Rights rights) : name(std::move(shown)) {
    grant(tenants, rights);
  }

  // In addition to what was granted before.
  void grant(const Tenants& tenants, Rights rights) {
    for (std::size_t i = 0; i < kRights; ++i) {
      if (rights.has(static_cast<Right>(i))) tenants_[i].add(tenants);
    }
  }
  // Where the caller has the right.
  const Tenants& tenants(Right right) const { return tenants_[static_cast<std::size_t>(right)]; }
  bool has(Right right) const { return !tenants(right).none(); }
  Rights rights_in(std::string_view tenant) const {
    Rights rights;
    for (std::size_t i = 0; i < kRights; ++i) {
      if (tenants_[i].sees(tenant)) rights.add(static_cast<Right>(i));
    }
    return rights;
  }
  friend bool operator==(const Caller&, const Caller&) = default;

  std::string name;
  bool by_token = false;  // a token cannot make others

 private:
  std::array<Tenants, kRights> tenants_;
};

using TimePoint = std::chrono::system_clock::time_point;

// One call, for as long as it is worked on.
struct Call {
  const Caller& caller;
  const std::atomic<bool>& cancelled;
  TimePoint deadline = TimePoint::max();
  Right right = Right::kAsk;  // that the method needs: only tenants where the caller has it are seen

  const Tenants& tenants() const { return caller.tenants(right); }
};

}  // namespace silt::access
