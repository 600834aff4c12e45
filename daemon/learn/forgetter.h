// Forgetter: takes records out of everything that siltd keeps: journal, patterns, states and their versions, caches,
// and at last the files themselves, so that the bytes are on none of them and the net is one that never read them.
//
// Safe from any thread; one forgetting at a time. A plan is stored before anything is done, and carried on with by
// resume() after a crash. What comes in later is not of it: whoever forgets a text stops its writer first.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "daemon/learn/control.h"
#include "daemon/learn/forget_certificate.h"
#include "daemon/store/fold_store.h"
#include "daemon/store/forget_store.h"
#include "daemon/store/net_store.h"
#include "daemon/store/record_log.h"

namespace silt::learn {

struct ForgetTarget {
  ForgetKind kind = ForgetKind::kRecords;
  std::string tenant;                      // name
  std::vector<store::SourceInfo> sources;  // of the tenant: where it is looked for, or what goes
  std::vector<store::SeqRange> ranges;     // kRecords, of the one source
  std::vector<store::PatternId> patterns;  // kPatterns, of the one source
  std::string text;                        // kText: in texts, attributes and places of records
};

struct ForgetCall {
  std::string request_id;  // the same id is carried out once and answered with the same certificate, for a day
  bool dry_run = false;    // the certificate then says what would go
  const std::atomic<bool>& cancelled;  // before it is begun
  bool drop_pinned = false;  // else it is not begun when a pinned version would go
};

class Forgetter {
 public:
  static constexpr std::size_t kTextBytesMin = 4;  // a shorter text is in everything

  struct Parts {
    const store::RecordLog& log;
    const store::FoldStore& folds;
    const store::NetStore& nets;
    store::ForgetStore& files;
    LearnControl& control;
    SourceAdmin& admin;
    const Clock& clock;
    // Whether an input of that name is read: then its cursors stay.
    std::function<bool(const std::string& connector)> is_read = [](const std::string&) { return true; };
  };

  // All parts must outlive it.
  explicit Forgetter(Parts parts) : parts_(std::move(parts)) {}

  // kFailedPrecondition: a pinned version would go. kUnavailable: another one is under way. Whatever fails later is gone on with at the next start, or by the same
  // request again.
  Result<ForgetCertificate> forget(const ForgetTarget& target, const ForgetCall& call);
  // Of what was forgotten under this id. kNotFound: nothing, or it is not finished.
  Result<ForgetCertificate> certificate(const std::string& tenant, const std::string& request_id) const;
  // Carries on with what a crash or stop interrupted, and tells each certificate.
  Status resume(const std::function<void(const ForgetCertificate&)>& done);

 private:
  struct Searched {
    std::vector<store::SeqRange> found;
    std::vector<store::SeqRange> unreadable;
    std::string journal_sha256;
  };
  using Matches = std::function<bool(const store::RecordView&)>;

  Result<ForgetCertificate> plan(const ForgetTarget& target, const ForgetCall& call) const;
  Status plan_records(const ForgetTarget& target, const ForgetCall& call, ForgetCertificate& plan) const;
  Result<Searched> search(store::SourceRef source, const Matches& matches, const std::atomic<bool>* cancelled) const;
  Result<ForgetCertificate> carry_out(const std::string& id, ForgetCertificate plan, const std::string& text);
  Status forget_source(ForgottenSource& source);
  Status forget_what_outlives(const ForgetCertificate& plan);
  Status verify(ForgetCertificate& certificate, const std::string& text) const;

  const Parts parts_;
  std::mutex busy_;
};

}  // namespace silt::learn
