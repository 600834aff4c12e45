// StateArchive: takes what a source's net has learned out of siltd as a file, and puts such a file in its place.
// Safe from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"
#include "daemon/learn/control.h"
#include "daemon/learn/state_admin.h"
#include "daemon/learn/state_file.h"
#include "daemon/store/net_store.h"

namespace silt::learn {

struct ExportedState {
  StateFile about;    // without the blob
  std::string bytes;  // the file
};

struct ImportedState {
  StateFile from;  // without the blob
  bool converted = false;  // another backend learned it
  ImportResult result;
};

class StateArchive {
 public:
  // All must outlive it. `weights`: fingerprint of the weight file in use. `crosses`: states of another backend are
  // converted where both store the same. With a signer exports are signed, and only what it signed is imported.
  StateArchive(const StateAdmin& states, const store::NetStore& nets, LearnControl& control, std::string weights,
               bool crosses, std::optional<StateSigner> signer)
      : states_(states), nets_(nets), control_(control), weights_(std::move(weights)), crosses_(crosses), signer_(std::move(signer)) {}

  // `version` 0: the state of now, which is stored.
  Result<ExportedState> export_state(const store::SourceInfo& source, std::uint64_t version) const;
  // `request` without blob and version. kFailedPrecondition: weights, backend or, unless `any_tenant`, tenant do not
  // fit; else as decode_state_file() and LearnControl say.
  Result<ImportedState> import_state(const store::SourceInfo& source, std::string_view file, bool any_tenant,
                                     ImportRequest request) const;
  bool signs() const { return signer_.has_value(); }

 private:
  const StateSigner* signer() const { return signer_ ? &*signer_ : nullptr; }

  const StateAdmin& states_;
  const store::NetStore& nets_;
  LearnControl& control_;
  const std::string weights_;
  const bool crosses_;
  const std::optional<StateSigner> signer_;
};

}  // namespace silt::learn
