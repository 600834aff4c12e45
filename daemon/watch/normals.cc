#include "daemon/watch/normals.h"

#include <algorithm>

namespace silt::watch {
namespace {

bool same(const store::NormalRow& a, const store::NormalRow& b) {
  return a.source == b.source && a.pattern == b.pattern && a.kind == b.kind;
}

}  // namespace

Status Normals::load() {
  if (!loaded_) {
    SILT_ASSIGN(rows_, store_.normals());
    loaded_ = true;
  }
  const std::int64_t now_us = clock_.wall_us();
  const auto over = std::stable_partition(rows_.begin(), rows_.end(), [now_us](const auto& row) { return row.until_us > now_us; });
  if (over == rows_.end()) return Status::ok();
  SILT_TRY(store_.remove_normals({over, rows_.end()}));
  rows_.erase(over, rows_.end());
  return Status::ok();
}

bool Normals::covers(const Change& change) {
  const std::lock_guard lock(mutex_);
  if (!load().is_ok()) return false;
  const store::NormalRow wanted{.source = change.source, .pattern = change.pattern, .kind = static_cast<std::uint32_t>(change.kind)};
  return std::any_of(rows_.begin(), rows_.end(), [&wanted](const auto& row) { return same(row, wanted); });
}

Result<std::vector<store::NormalRow>> Normals::list() {
  const std::lock_guard lock(mutex_);
  SILT_TRY(load());
  return rows_;
}

Status Normals::add(const std::vector<store::NormalRow>& rows) {
  const std::lock_guard lock(mutex_);
  SILT_TRY(load());
  std::vector<store::NormalRow> after = rows_;
  for (const store::NormalRow& row : rows) {
    std::erase_if(after, [&row](const auto& other) { return same(row, other); });
    after.push_back(row);
    const auto count = std::count_if(after.begin(), after.end(), [&row](const auto& other) { return other.source.tenant == row.source.tenant; });
    if (static_cast<std::size_t>(count) > kPerTenantMax)
      return resource_exhausted("the tenant has " + std::to_string(kPerTenantMax) + " things that are normal; remove some: silt normal --list");
  }
  SILT_TRY(store_.put_normals(rows));
  loaded_ = false;  // as the store has them: sources may be gone
  return load();
}

Status Normals::remove(const std::vector<store::NormalRow>& rows) {
  const std::lock_guard lock(mutex_);
  SILT_TRY(store_.remove_normals(rows));
  loaded_ = false;
  return load();
}

void Normals::reload() {
  const std::lock_guard lock(mutex_);
  loaded_ = false;
}

}  // namespace silt::watch
