// The store's word on how long the audit log is: the log lies in a file of its own, and whoever cuts that
// file would have to change the store as well. Safe from any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace silt::store {

struct AuditAnchor {
  std::uint64_t number = 0;  // of the last entry that was written; 0: none
  std::string sha256;        // its hash, as in the log
};

class AuditAnchors {
 public:
  virtual ~AuditAnchors() = default;
  virtual Result<AuditAnchor> audit_anchor() const = 0;
  virtual Status put_audit_anchor(const AuditAnchor& anchor) = 0;  // durable on return
};

}  // namespace silt::store
