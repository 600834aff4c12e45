// AuditLog: who changed something, or tried to: an append-only file of one line an entry, each with a hash
// that covers it and the entry before it. A changed, missing or inserted line is found by reading, a cut
// end by what the store remembers (store/audit_anchor.h).
//
// Safe from any thread. It knows names and counts, never texts of records. Its lines are described in
// docs/formats.md.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "daemon/store/audit_anchor.h"

namespace silt::access {

struct AuditEntry {
  std::uint64_t number = 0;  // from 1; given by append(), as time and hash
  std::int64_t time_us = 0;
  std::string caller;
  std::string action;
  std::string tenant;
  std::string object;
  std::string request_id;
  std::string outcome;  // "begun", then "OK" or the failure's code
  std::string detail;
  std::string sha256;
};

struct AuditReading {
  std::vector<AuditEntry> entries;  // that can be read, oldest first
  std::uint64_t verified = 0;       // before the first damage
  std::string damage;               // the first, in words; empty: the log is whole
};

// What the lines of a log say, held against each other and against `anchor`.
AuditReading read_audit(std::string_view lines, const store::AuditAnchor& anchor);

class AuditLog {
 public:
  static constexpr std::int64_t kRefusalsEveryUs = 1'000'000;

  // `anchors` and `clock` must outlive it. A log that is damaged is gone on with, and stays so.
  static Result<std::unique_ptr<AuditLog>> open(std::string path, store::AuditAnchors& anchors, const Clock& clock);
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  // Durable on return. A failure is final, too: nothing more is written.
  Status append(AuditEntry entry);
  // Of what was refused before anything was looked at: at most one a second of a caller, with how many.
  Status append_refused(AuditEntry entry);
  Result<AuditReading> read() const;

 private:
  struct Refusals {
    std::int64_t last_us = 0;
    std::uint64_t unsaid = 0;
  };
  AuditLog(std::string path, store::AuditAnchors& anchors, const Clock& clock)
      : path_(std::move(path)), anchors_(anchors), clock_(clock) {}
  Status start();
  Status write(AuditEntry entry);  // with the lock
  Status check_file() const;

  const std::string path_;
  store::AuditAnchors& anchors_;
  const Clock& clock_;
  mutable std::mutex mutex_;  // of what follows
  int file_ = -1;
  std::int64_t size_ = 0;  // of the file
  store::AuditAnchor last_;
  Status failed_;
  std::map<std::string, Refusals> refusals_;
};

}  // namespace silt::access
