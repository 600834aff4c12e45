#include "daemon/answer/conversations.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <random>

namespace silt::answer {
namespace {

std::string new_token() {
  std::random_device random;
  std::string out;
  for (int i = 0; i < 4; ++i) {
    std::array<char, 9> part{};
    std::snprintf(part.data(), part.size(), "%08x", random());
    out += part.data();
  }
  return out;
}

}  // namespace

void Conversations::forget_old() {
  const std::int64_t now_us = clock_.monotonic_us();
  while (!entries_.empty() && (entries_.size() > kMost || entries_.back().used_us + kLifeUs < now_us)) entries_.pop_back();
}

Conversations::Place Conversations::place_of(std::string_view caller, std::string_view tenant, std::string_view token) {
  return std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.token == token && entry.caller == caller && entry.tenant == tenant;
  });
}

std::optional<Query> Conversations::find(std::string_view caller, std::string_view tenant, std::string_view token) {
  const std::scoped_lock lock(mutex_);
  forget_old();
  const Place found = place_of(caller, tenant, token);
  if (token.empty() || found == entries_.end()) return std::nullopt;
  return found->query;
}

std::string Conversations::keep(std::string_view caller, std::string_view tenant, std::string_view token, const Query& query) {
  const std::scoped_lock lock(mutex_);
  Entry entry{std::string(token), std::string(caller), std::string(tenant), clock_.monotonic_us(), query};
  if (const Place found = place_of(caller, tenant, token); !token.empty() && found != entries_.end()) entries_.erase(found);
  else entry.token = new_token();
  entries_.push_front(std::move(entry));
  std::size_t of_caller = 0;
  std::erase_if(entries_, [&](const Entry& each) { return each.caller == caller && ++of_caller > kPerCaller; });
  forget_old();
  return entries_.front().token;
}

}  // namespace silt::answer
