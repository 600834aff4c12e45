// Safekeeping: what siltd does so that its store can be trusted: it says what others were told of and recognises a store
// that is older, carries on with forgetting that was interrupted, makes backups, and signs what leaves.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "daemon/access/audit_log.h"
#include "daemon/learn/forgetter.h"
#include "daemon/learn/state_file.h"
#include "daemon/store/backup.h"
#include "daemon/store/rocks_store.h"
#include "daemon/store/told.h"

namespace silt::daemon {

inline constexpr char kAuditFile[] = "AUDIT";  // in the store's folder

// With the key in this file; nothing when none is named.
Result<std::optional<learn::StateSigner>> state_signer(const std::string& key_path);

// One thread calls tell(), any the others.
class Safekeeping {
 public:
  // All must outlive it.
  Safekeeping(const store::RocksStore& store, access::AuditLog& audit, const Clock& clock)
      : store_(store), audit_(audit), clock_(clock) {}

  // A store from before what others were told: from a backup, say. What is missing is read from the logs again, as far
  // as they are there; that nobody takes it for what they knew, it is logged and audited.
  void recognize_old() const;
  // Writes down what others can know by now.
  void tell();
  // Each certificate is audited; a failure of the store itself ends siltd by other ways.
  void resume(learn::Forgetter& forgetter) const;
  Result<store::BackupReport> back_up(const std::string& directory) const;

 private:
  void audit(access::AuditEntry entry) const;

  const store::RocksStore& store_;
  access::AuditLog& audit_;
  const Clock& clock_;
  std::vector<store::Told> told_;  // as it was written last
};

}  // namespace silt::daemon
