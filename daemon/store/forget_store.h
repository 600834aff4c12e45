// ForgetStore: what makes forgetting final. A plan outlives a crash in the middle of it, and afterwards no file of
// the store holds what was removed. Safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/store/net_store.h"

namespace silt::store {

// What was begun and is not finished. The bytes are its maker's (daemon/learn/forget_certificate.h).
struct ForgetPlan {
  std::string id;
  std::string bytes;
};

struct Scrubbed {
  std::uint64_t files_replaced = 0;
  std::vector<std::string> files_left;  // a reader that does not end holds them; they go with it
};

class ForgetStore {
 public:
  virtual ~ForgetStore() = default;

  virtual Status put_plan(const ForgetPlan& plan) = 0;
  virtual Result<std::vector<ForgetPlan>> plans() const = 0;
  // The plan goes, and what it came to is stored, in one batch. Results are kept for a day.
  virtual Status finish_plan(const std::string& id, const std::string& result, std::int64_t now_us) = 0;
  virtual Result<std::optional<std::string>> plan_result(const std::string& id) const = 0;

  // What requests of a tenant were answered and how much it has had today, and where a connector stood: rows that
  // outlive their sources.
  virtual Status forget_tenant(TenantId id, const std::string& tenant) = 0;
  virtual Status forget_cursors(const std::string& connector) = 0;

  // kResourceExhausted: scrub() needs more space than is free.
  virtual Status check_room_to_scrub() const = 0;
  // Writes all that there is into new files and lets the old ones go: tables, blobs and log. Takes as long as
  // copying the store. kCancelled after end_scrubs().
  virtual Result<Scrubbed> scrub() = 0;
  virtual void end_scrubs() = 0;  // for a stop: none goes on, or begins

  // Files of the store's folder that hold these bytes as they are.
  virtual Result<std::vector<std::string>> files_with(std::string_view bytes) const = 0;
};

}  // namespace silt::store
