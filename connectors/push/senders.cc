#include "connectors/push/senders.h"

#include <algorithm>

namespace silt::connectors {
namespace {

constexpr std::uint32_t kConnectionsPart = 4;  // of all connections, that one sender may have
constexpr std::int64_t kSecondUs = 1'000'000;

}  // namespace

Senders::AccountPtr Senders::account(const std::string& address) {
  if (const auto known = accounts_.find(address); known != accounts_.end()) return known->second;
  if (accounts_.size() >= limits_.senders_max) sweep();
  const std::string name = accounts_.size() < limits_.senders_max ? address : "others";
  AccountPtr& account = accounts_[name];
  if (!account) {
    account = std::make_shared<Account>();
    account->name = name;
    account->budget_bytes = static_cast<std::int64_t>(limits_.bytes_per_s_max);
    account->budget_us = clock_.monotonic_us();
  }
  return account;
}

// Forgets those that nothing refers to and that have brought no stream.
void Senders::sweep() {
  std::erase_if(accounts_, [](const auto& entry) { return entry.second.use_count() == 1 && entry.second->streams == 0; });
}

bool Senders::connect(Account& account) {
  const std::uint32_t own_max = std::max(1U, limits_.connections_max / kConnectionsPart);
  if (connections_ >= limits_.connections_max || account.connections >= own_max) return false;
  ++connections_;
  ++account.connections;
  return true;
}

void Senders::disconnect(Account& account) {
  --connections_;
  --account.connections;
}

void Senders::release(Account& account, std::uint64_t bytes) {
  account.waiting_bytes -= bytes;
  if (account.waiting_bytes > limits_.waiting_bytes_max / 2) return;
  for (const auto& go_on : std::exchange(account.held_back, {})) go_on();
}

// A bucket that holds what a second brings; it may be overdrawn by what comes at once.
std::int64_t Senders::spend(Account& account, std::uint64_t bytes) {
  if (limits_.bytes_per_s_max == 0) return 0;
  const auto rate = static_cast<std::int64_t>(limits_.bytes_per_s_max);
  const std::int64_t now_us = clock_.monotonic_us();
  const std::int64_t passed_us = std::min(now_us - account.budget_us, 3600 * kSecondUs);
  account.budget_bytes = std::min(rate, account.budget_bytes + rate * (passed_us / 1000) / 1000);
  account.budget_us += passed_us / 1000 * 1000;
  account.budget_bytes -= static_cast<std::int64_t>(bytes);
  return account.budget_bytes >= 0 ? 0 : 1 + -account.budget_bytes * 1000 / rate;
}

}  // namespace silt::connectors
