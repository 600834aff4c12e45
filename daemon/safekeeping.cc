#include "daemon/safekeeping.h"

#include <utility>

#include "base/log.h"
#include "daemon/access/signing_key.h"

namespace silt::daemon {

Result<std::optional<learn::StateSigner>> state_signer(const std::string& key_path) {
  if (key_path.empty()) return std::optional<learn::StateSigner>();
  auto key = access::SigningKey::load(key_path);
  if (!key.is_ok()) return invalid_argument("learn.state_key: " + key.status().message());
  return std::optional(learn::StateSigner{
      [key = *key](std::string_view bytes) { return key.sign(bytes); },
      [key = *key](std::string_view bytes, std::string_view signature) { return key.verifies(bytes, signature); }});
}

void Safekeeping::audit(access::AuditEntry entry) const {
  entry.caller = "siltd";
  const Status written = audit_.append(std::move(entry));
  if (!written.is_ok()) log::error("audit_log_failed", {{"error", written.message()}});
}

void Safekeeping::recognize_old() const {
  const auto told = store::read_told(store::told_path(store_.path()));
  if (!told.is_ok()) return log::warning("told_damaged", {{"error", told.status().message()}, {"action", "it is written anew"}});
  const std::vector<std::string> unknown = store::unknown_of_told(*told, store::told_of(store_));
  if (unknown.empty()) return;
  for (const std::string& source : unknown) log::error("store_is_older", {{"source", source}});
  access::AuditEntry entry;
  entry.action = "StoreIsOlder";
  entry.object = std::to_string(unknown.size()) + " sources";
  entry.outcome = code_name(Code::kDataLoss);
  entry.detail = unknown.front();
  audit(std::move(entry));
}

void Safekeeping::tell() {
  std::vector<store::Told> now = store::told_of(store_);
  if (now == told_) return;
  const Status written = store::write_told(store::told_path(store_.path()), now);
  if (!written.is_ok()) log::warning("told_failed", {{"error", written.message()}, {"effect", "an older store is not recognised"}});
  told_ = std::move(now);
}

void Safekeeping::resume(learn::Forgetter& forgetter) const {
  const Status resumed = forgetter.resume([this](const learn::ForgetCertificate& certificate) {
    access::AuditEntry entry;
    entry.action = "Forget";
    entry.tenant = certificate.tenant;
    entry.request_id = certificate.request_id;
    entry.outcome = code_name(Code::kOk);
    entry.detail = certificate.is_complete() ? "carried on after a restart" : "carried on after a restart; not complete";
    audit(std::move(entry));
  });
  const bool stopping = resumed.code() == Code::kCancelled || resumed.code() == Code::kUnavailable;
  if (!resumed.is_ok() && !stopping)
    log::error("forgetting_failed", {{"error", resumed.message()}, {"action", "tried again at the next start"}});
}

Result<store::BackupReport> Safekeeping::back_up(const std::string& directory) const {
  return store::make_backup(store_, directory, {kAuditFile}, clock_.wall_us());
}

}  // namespace silt::daemon
