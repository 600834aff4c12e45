// Inputs: what the configuration says of inputs, as it is now and as a reload changes it.
//
// start() and reload() from one thread; mode() and retention() from any.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "connectors/waiter.h"
#include "daemon/config.h"
#include "daemon/fold/policy.h"
#include "daemon/intake/feeds.h"
#include "daemon/intake/intake.h"
#include "daemon/learn/fold_loop.h"

namespace silt::daemon {

class Inputs {
 public:
  // Clock and feeds must outlive it. `descriptor_limit`: of the process, for what each input may keep open.
  using MakeWaiter = std::function<std::unique_ptr<connectors::Waiter>()>;
  Inputs(const Config& config, std::uint64_t descriptor_limit, const Clock& clock, MakeWaiter make_waiter, intake::Feeds& feeds);

  // Gives intake an input for each [[source]]; fails at the first that cannot be made.
  Status start(intake::Intake& intake);
  // Adds, removes and changes inputs by their names, and logs what it did. One that cannot be made stays as
  // it was. Records and states of a removed input stay.
  void reload(const std::vector<SourceConfig>& wanted, intake::Intake& intake);

  bool all_of(const std::function<bool(const SourceConfig&)>& is) const;
  std::string tenant(const std::string& input) const;
  bool is_read(const std::string& input) const;

  // Of sources that this input brought.
  fold::SourceMode mode(const std::string& input) const;
  std::string time_zone(const std::string& input) const;  // empty: it names none
  learn::Retention retention(const std::string& input) const;

 private:
  Status add(const SourceConfig& source, intake::Intake& intake) const;
  void find_copies(const std::vector<SourceConfig>& sources);
  bool change(const SourceConfig& from, const SourceConfig& to, intake::Intake& intake) const;

  const StoreConfig store_;
  const std::string time_zone_;  // of sources that name none
  const std::uint32_t record_bytes_max_;
  const std::uint64_t descriptor_limit_;
  const Clock& clock_;
  const MakeWaiter make_waiter_;
  std::map<std::string, std::vector<std::string>> copies_;  // by tenant: files whose lines its journald source has
  intake::Feeds& feeds_;
  mutable std::mutex mutex_;  // of what follows
  std::map<std::string, SourceConfig> sources_;  // by name
};

}  // namespace silt::daemon
