#include "daemon/inputs.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "daemon/descriptors.h"
#include "daemon/journal_copies.h"
#include "daemon/make_connector.h"
#include "daemon/stream_inputs.h"

namespace silt::daemon {
namespace {

// The same connector would be made of both.
bool read_alike(const SourceConfig& a, SourceConfig b) {
  b.mode = a.mode;
  if (!is_stream_input(a)) b.time_zone = a.time_zone;
  b.keep_days = a.keep_days;
  b.keep_mib = a.keep_mib;
  return a == b;
}

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ",") + name;
  return out.empty() ? "none" : out;
}

}  // namespace

Inputs::Inputs(const Config& config, std::uint64_t descriptor_limit, const Clock& clock, MakeWaiter make_waiter, intake::Feeds& feeds)
    : store_(config.store),
      time_zone_(config.learn.time_zone),
      record_bytes_max_(config.intake.record_bytes_max),
      descriptor_limit_(descriptor_limit),
      clock_(clock),
      make_waiter_(std::move(make_waiter)),
      feeds_(feeds) {
  for (const SourceConfig& source : config.sources) sources_[source.name] = source;
  find_copies(config.sources);
}

// A tenant that reads this host's journal reads no files that a syslog daemon makes of the same messages.
void Inputs::find_copies(const std::vector<SourceConfig>& sources) {
  copies_.clear();
  for (const SourceConfig& source : sources) {
    if (source.type != "journald" || !source.directory.empty() || copies_.contains(source.tenant)) continue;
    const std::vector<std::string>& files = copies_[source.tenant] = journal_copies();
    if (files.empty()) continue;
    log::info("journal_preferred", {{"source", source.name},
                                    {"files_not_read", listed(files)},
                                    {"why", "rsyslog writes them from what the journal has"},
                                    {"remedy", "to read the files instead, remove this source"}});
  }
}

Status Inputs::start(intake::Intake& intake) {
  for (const auto& [name, source] : sources_) SILT_TRY(add(source, intake));
  return Status::ok();
}

Status Inputs::add(const SourceConfig& source, intake::Intake& intake) const {
  const std::shared_ptr<connectors::Waiter> waiter = make_waiter_();
  const auto copies = copies_.find(source.tenant);
  auto connector = make_connector(source, {.clock = clock_,
                                           .waiter = *waiter,
                                           .never_enter = {store_.path},
                                           .never_read = copies == copies_.end() ? std::vector<std::string>() : copies->second,
                                           .time_zone = time_zone_,
                                           .open_files_max = share_descriptors(descriptor_limit_, sources_.size()).each_input,
                                           .record_bytes_max = record_bytes_max_,
                                           .feeds = feeds_});
  if (!connector.is_ok()) return connector.status().with_context("source " + source.name);
  intake.remove(source.name);
  intake.add({source.tenant, source.name, source.type, waiter}, std::move(connector).value());
  return Status::ok();
}

bool Inputs::change(const SourceConfig& from, const SourceConfig& to, intake::Intake& intake) const {
  if (from.mode != to.mode) {
    log::warning("reload_incomplete", {{"source", to.name},
                                       {"not_applied", "source.mode of states in memory"},
                                       {"remedy", "it applies when they are loaded again; restart siltd for now"}});
  }
  if (from != to && read_alike(from, to)) return true;
  const Status added = add(to, intake);
  if (!added.is_ok())
    log::error("reload_failed", {{"error", added.message()}, {"effect", "this input stays as it was"}});
  return added.is_ok();
}

void Inputs::reload(const std::vector<SourceConfig>& wanted, intake::Intake& intake) {
  std::map<std::string, SourceConfig> next;
  std::vector<std::string> added, changed, removed;
  const auto copies_before = copies_;
  find_copies(wanted);
  for (const SourceConfig& source : wanted) {
    const auto known = sources_.find(source.name);
    if (known == sources_.end()) {
      const Status done = add(source, intake);
      if (!done.is_ok()) {
        log::error("reload_failed", {{"error", done.message()}, {"effect", "this input is not read"}});
        continue;
      }
      added.push_back(source.name);
      next[source.name] = source;
    } else if (known->second == source && !(source.type == "file" && copies_ != copies_before)) {
      next[source.name] = source;
    } else if (change(known->second, source, intake)) {
      changed.push_back(source.name);
      next[source.name] = source;
    } else {
      next[source.name] = known->second;
    }
  }
  for (const auto& [name, source] : sources_) {
    const auto named = [&](const SourceConfig& each) { return each.name == name; };
    if (std::any_of(wanted.begin(), wanted.end(), named)) continue;
    intake.remove(name);
    removed.push_back(name);
  }
  const std::lock_guard lock(mutex_);
  sources_ = std::move(next);
  log::info("inputs_reloaded",
            {{"added", listed(added)}, {"changed", listed(changed)}, {"removed", listed(removed)}});
}

bool Inputs::all_of(const std::function<bool(const SourceConfig&)>& is) const {
  const std::lock_guard lock(mutex_);
  return std::all_of(sources_.begin(), sources_.end(), [&](const auto& entry) { return is(entry.second); });
}

std::string Inputs::tenant(const std::string& input) const {
  const std::lock_guard lock(mutex_);
  const auto found = sources_.find(input);
  return found == sources_.end() ? std::string() : found->second.tenant;
}

bool Inputs::is_read(const std::string& input) const {
  const std::lock_guard lock(mutex_);
  return sources_.contains(input);
}

std::string Inputs::time_zone(const std::string& input) const {
  const std::lock_guard lock(mutex_);
  const auto found = sources_.find(input);
  return found == sources_.end() ? std::string() : found->second.time_zone;
}

fold::SourceMode Inputs::mode(const std::string& input) const {
  const std::lock_guard lock(mutex_);
  const auto found = sources_.find(input);
  if (found == sources_.end() || found->second.mode == "learn") return fold::SourceMode::kLearn;
  return found->second.mode == "count" ? fold::SourceMode::kCount : fold::SourceMode::kScore;
}

learn::Retention Inputs::retention(const std::string& input) const {
  constexpr std::int64_t kDayS = 86'400;
  const std::lock_guard lock(mutex_);
  const auto found = sources_.find(input);
  const SourceConfig source = found == sources_.end() ? SourceConfig() : found->second;
  const std::int64_t days = source.keep_days < 0 ? store_.keep_days : source.keep_days;
  const std::uint64_t mib = source.keep_mib < 0 ? store_.keep_mib : static_cast<std::uint64_t>(source.keep_mib);
  return {days * kDayS, mib << 20};
}

}  // namespace silt::daemon
