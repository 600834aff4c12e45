#include "daemon/access/quotas.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/escape.h"
#include "base/log.h"

namespace silt::access {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kMinuteUs = 60 * kSecondUs;
constexpr std::int64_t kDayUs = 86'400 * kSecondUs;
constexpr std::size_t kCallersRemembered = 1024;
constexpr std::string_view kHint = "; try again in ";
constexpr std::string_view kSeconds = " s";

std::int64_t each(std::uint64_t capacity) {
  return std::max<std::int64_t>(kMinuteUs / static_cast<std::int64_t>(capacity), 1);
}

}  // namespace

std::int64_t Bucket::wait_us(std::uint64_t capacity, std::int64_t now_us) const {
  const std::int64_t each_us = each(capacity);
  return std::max<std::int64_t>(std::max(full_us_, now_us) + each_us - now_us - each_us * static_cast<std::int64_t>(capacity), 0);
}

void Bucket::take(std::uint64_t capacity, std::int64_t now_us) {
  full_us_ = std::max(full_us_, now_us) + each(capacity);
}

void Quotas::configure(std::map<std::string, Quota, std::less<>> quotas) {
  const std::lock_guard lock(mutex_);
  quotas_ = std::move(quotas);
  for (const auto& [tenant, quota] : quotas_) {
    if (tenant != "*") account_of(tenant);
  }
}

const Quota& Quotas::quota_of(std::string_view tenant) const {
  static const Quota kNone;
  auto found = quotas_.find(tenant);
  if (found == quotas_.end()) found = quotas_.find(std::string_view("*"));
  return found == quotas_.end() ? kNone : found->second;
}

Quota Quotas::of(std::string_view tenant) const {
  const std::lock_guard lock(mutex_);
  return quota_of(tenant);
}

Quotas::Account& Quotas::account_of(std::string_view tenant) {
  const auto found = accounts_.find(tenant);
  if (found != accounts_.end()) return found->second;
  Account& account = accounts_[std::string(tenant)];
  account.use.tenant = tenant;
  return account;
}

Quotas::Account& Quotas::today_of(std::string_view tenant) {
  Account& account = account_of(tenant);
  const std::int64_t day = clock_.wall_us() / kDayUs;
  if (std::exchange(account.day, day) != day) account.use.bytes_today = 0;
  return account;
}

Status Quotas::take_question(const Call& call, std::string_view tenant) {
  if (call.tenants().every()) return Status::ok();
  const std::lock_guard lock(mutex_);
  const std::int64_t now_us = clock_.monotonic_us();
  if (tenant != "*" && call.tenants().sees(tenant)) account_of(tenant);  // what is not seen will be refused as such
  std::vector<Account*> asked;
  for (auto& [name, account] : accounts_) {
    const std::uint64_t allowed = quota_of(name).questions_per_minute;
    if (allowed == 0 || (tenant != "*" && tenant != name) || !call.tenants().sees(name)) continue;
    asked.push_back(&account);
    const std::int64_t wait_us = account.questions.wait_us(allowed, now_us);
    if (wait_us == 0) continue;
    ++account.use.questions_refused;
    return try_again_in("tenant '" + escape_bytes(name) + "' has asked its " + std::to_string(allowed) + " questions a minute", wait_us);
  }
  for (Account* const account : asked) {
    account->questions.take(quota_of(account->use.tenant).questions_per_minute, now_us);
    ++account->use.questions;
  }
  return Status::ok();
}

Status Quotas::take_change(const Caller& caller) {
  if (caller.tenants(Right::kChange).every()) return Status::ok();
  const std::lock_guard lock(mutex_);
  const std::int64_t now_us = clock_.monotonic_us();
  if (changes_.size() >= kCallersRemembered) std::erase_if(changes_, [&](const auto& entry) { return entry.second.is_full(now_us); });
  Bucket& bucket = changes_[caller.name];
  if (const std::int64_t wait_us = bucket.wait_us(kChangesPerMinute, now_us); wait_us > 0)
    return try_again_in(caller.name + " has made its " + std::to_string(kChangesPerMinute) + " changes a minute", wait_us);
  bucket.take(kChangesPerMinute, now_us);
  return Status::ok();
}

bool Quotas::may_read(const std::string& tenant) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t allowed = quota_of(tenant).bytes_per_day;
  Account& account = today_of(tenant);
  const bool may = allowed == 0 || account.use.bytes_today < allowed;
  if (std::exchange(account.paused, !may) == !may) return may;
  if (may) {
    log::info("quota_has_room", {{"tenant", tenant}});
  } else {
    ++account.use.pauses;
    log::warning("quota_used", {{"tenant", tenant},
                                {"bytes_per_day", allowed},
                                {"effect", "its inputs are not read until 00:00 UTC; nothing is lost while its logs are kept"},
                                {"remedy", "raise quota.mib_per_day, or read less"}});
  }
  return may;
}

void Quotas::have_read(const std::string& tenant, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  today_of(tenant).use.bytes_today += bytes;
}

void Quotas::had_read(const std::string& tenant, std::int64_t day, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  Account& account = account_of(tenant);
  account.day = day;
  account.use.bytes_today = bytes;
}

bool Quotas::may_open(const std::string& tenant, const std::function<std::uint64_t()>& count) {
  const std::uint64_t allowed = of(tenant).sources_max;
  if (allowed == 0 || count() < allowed) return true;
  const std::lock_guard lock(mutex_);
  Account& account = account_of(tenant);
  if (account.use.sources_refused++ == 0) {
    log::warning("quota_used", {{"tenant", tenant},
                                {"sources_max", allowed},
                                {"effect", "what would be more sources becomes part of one, NAME:others"},
                                {"remedy", "raise quota.sources_max, or name sources by fewer captures"}});
  }
  return false;
}

void Quotas::have_evicted(const std::string& tenant) {
  const std::lock_guard lock(mutex_);
  ++account_of(tenant).use.states_evicted;
}

std::vector<QuotaUse> Quotas::use() const {
  const std::lock_guard lock(mutex_);
  std::vector<QuotaUse> out;
  for (const auto& [tenant, account] : accounts_) {
    const Quota& quota = quota_of(tenant);
    if (!quota.limits()) continue;
    out.push_back(account.use);
    out.back().quota = quota;
  }
  return out;
}

Status try_again_in(const std::string& what, std::int64_t us) {
  const std::int64_t seconds = std::max<std::int64_t>((us + kSecondUs - 1) / kSecondUs, 1);
  return resource_exhausted(what + std::string(kHint) + std::to_string(seconds) + std::string(kSeconds));
}

std::optional<std::int64_t> retry_after_ms(const Status& status) {
  const std::string& message = status.message();
  const std::size_t at = message.rfind(kHint);
  if (status.code() != Code::kResourceExhausted || at == std::string::npos) return std::nullopt;
  std::int64_t seconds = 0;
  const auto [end, failed] = std::from_chars(message.data() + at + kHint.size(), message.data() + message.size(), seconds);
  return failed == std::errc() && std::string_view(end) == kSeconds ? std::optional(seconds * 1000) : std::nullopt;
}

}  // namespace silt::access
