#include "daemon/store/keys.h"

namespace silt::store::keys {
namespace {

void append_number(std::string& key, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) key.push_back(static_cast<char>(value >> shift));
}

}  // namespace

std::string of_table(char table) {
  return std::string(1, table);
}

std::string schema() {
  return of_table(kSchema) + "schema";
}

std::string audit_anchor() {
  return of_table(kAuditAnchor) + "audit";
}
std::string numbers() {
  return of_table(kNumbers) + "numbers";
}

std::string of_token(std::string_view id) {
  return of_table(kToken).append(id);
}

std::string of_day_use(std::string_view tenant) {
  return of_table(kDayUse).append(tenant);
}

std::string of_tenant(char table, TenantId tenant) {
  std::string key = of_table(table);
  append_number(key, static_cast<std::uint32_t>(tenant), 4);
  return key;
}

std::string of_source(char table, SourceRef source) {
  std::string key = of_tenant(table, source.tenant);
  append_number(key, static_cast<std::uint32_t>(source.source), 4);
  return key;
}

std::string of_number(char table, SourceRef source, std::uint64_t number) {
  std::string key = of_source(table, source);
  append_number(key, number, 8);
  return key;
}

std::string of_pattern(char table, SourceRef source, PatternId pattern) {
  std::string key = of_source(table, source);
  append_number(key, pattern, 4);
  return key;
}

std::string of_cursor(std::string_view connector, std::string_view cursor_key) {
  std::string key = of_table(kCursor);
  key += connector;
  key.push_back('\0');
  key += cursor_key;
  return key;
}

std::string of_request(TenantId tenant, std::string_view request_id) {
  return of_tenant(kRequest, tenant).append(request_id);
}

std::string of_plan(std::string_view id) {
  return of_table(kForgetPlan) + std::string(id);
}

std::string of_outbox(std::string_view destination) {
  std::string key = of_table(kOutbox).append(destination);
  key.push_back('\0');
  return key;
}

std::string of_outbox(std::string_view destination, std::uint64_t number) {
  std::string key = of_outbox(destination);
  append_number(key, number, 8);
  return key;
}

std::string of_outbox_head(std::string_view destination) {
  return of_table(kOutboxHead).append(destination);
}

std::string after(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(prefix.back() + 1);
  return prefix;
}

std::uint64_t number_at_end(std::string_view key, int bytes) {
  std::uint64_t value = 0;
  for (const char byte : key.substr(key.size() - static_cast<std::size_t>(bytes))) {
    value = value << 8 | static_cast<unsigned char>(byte);
  }
  return value;
}

TenantId tenant_of(std::string_view key) {
  return TenantId{static_cast<std::uint32_t>(number_at_end(key.substr(0, 5), 4))};
}

SourceRef source_of(std::string_view key) {
  return {tenant_of(key),
          SourceId{static_cast<std::uint32_t>(number_at_end(key.substr(0, 9), 4))}};
}

}  // namespace silt::store::keys
