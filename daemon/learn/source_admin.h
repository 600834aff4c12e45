// StoreAdmin: renames and deletes sources of a running daemon. Whoever holds something of the source in
// memory is told to drop it first; what comes in meanwhile begins a new source.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "daemon/learn/control.h"
#include "daemon/store/fold_store.h"
#include "daemon/store/net_store.h"
#include "daemon/store/record_log.h"

namespace silt::learn {

class StoreAdmin final : public SourceAdmin {
 public:
  // Done when it returns: neither fold nor learner holds anything of the source.
  using Drop = std::function<Status(store::SourceRef)>;

  // All must outlive it.
  StoreAdmin(const store::RecordLog& log, const store::FoldStore& folds, const store::NetStore& nets,
             store::SourceStore& sources, const Clock& clock, Drop drop)
      : log_(log), folds_(folds), nets_(nets), sources_(sources), clock_(clock), drop_(std::move(drop)) {}

  Result<RenameResult> rename(store::SourceRef source, std::string new_name,
                              const std::string& request_id) override;
  Result<DeleteResult> remove(store::SourceRef source, bool dry_run, const std::string& request_id) override;
  Result<std::optional<RenameResult>> renamed(const std::string& tenant,
                                              const std::string& request_id) const override;
  Result<std::optional<DeleteResult>> removed(const std::string& tenant,
                                              const std::string& request_id) const override;

 private:
  Result<std::optional<std::string>> stored(const std::string& tenant, const std::string& request_id) const;

  const store::RecordLog& log_;
  const store::FoldStore& folds_;
  const store::NetStore& nets_;
  store::SourceStore& sources_;
  const Clock& clock_;
  const Drop drop_;
};

}  // namespace silt::learn
