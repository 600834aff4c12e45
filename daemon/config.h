// Config: what /etc/silt/siltd.toml says, checked.
//
// Four lines are enough: a [[source]] with name and include. Every value has its unit in its name, a
// default and a range; a key that is not known is an error that names file, line and the nearest
// known key. No environment variable changes anything.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace silt::daemon {

struct StoreConfig {
  std::string path = "/var/lib/silt";
  std::uint32_t write_buffer_mib = 8;
  std::uint32_t block_cache_mib = 16;
  std::uint32_t free_mib_min = 256;  // below it nothing more is read
};

struct ModelConfigSection {
  std::string weights;  // empty: share/silt/silt-23m.safetensors beside bin/
  std::string backend = "auto";
  std::uint32_t threads = 1;
};

struct LearnConfig {
  double cpu_share = 0.5;  // cores; 0: no limit
  std::uint64_t learn_tokens_per_s = 1500;
  std::uint64_t burst_tokens = 4'000'000;
  std::uint32_t new_pattern_learn_count = 8;
  bool frozen_scores = true;
  std::uint32_t commit_ms = 1000;
  std::uint32_t replay_steps_max = 128;
  std::uint32_t blob_age_s = 600;
  std::uint32_t resident_states_max = 32;
  std::uint32_t backlog_mib_max = 1024;        // of a source
  std::string on_digest_mismatch = "relearn";  // or stop
  std::string time_zone = "local";             // of times that name none: local, utc or +hh:mm
};

struct IntakeConfig {
  std::uint32_t group_ms = 200;
  std::uint32_t record_bytes_max = 64 * 1024;
  std::uint32_t batch_bytes_max = 256 * 1024;
};

struct ServeConfig {
  std::string socket = "/run/silt/query.sock";
  std::string socket_mode = "0660";
  std::uint32_t reader_threads = 2;
  std::uint32_t queue_max = 64;
};

struct TelemetryConfig {
  std::string log_level = "info";
};

struct SourceConfig {
  // Scope of its cursors and start of its sources' names; with captures ("web-{stem}", see StreamName)
  // their whole names.
  std::string name;
  std::string tenant = "default";
  std::string type = "file";
  std::vector<std::string> include;
  std::vector<std::string> exclude;  // empty: compressed and binary files
  std::vector<std::string> link_targets;  // folders out of those of include that links may lead to
  std::string start = "beginning";   // or end: of files that exist when they are first seen
  std::string mode = "learn";        // or score, count
  bool per_file = true;              // each file is a source of its own, NAME:PATH, unless the name has captures
  std::uint32_t reconcile_ms = 10'000;
};

struct Config {
  StoreConfig store;
  ModelConfigSection model;
  LearnConfig learn;
  IntakeConfig intake;
  ServeConfig serve;
  TelemetryConfig telemetry;
  std::vector<SourceConfig> sources;

  // kInvalidArgument or kNotFound; the message is one line, "FILE:LINE: ...".
  static Result<Config> load(const std::string& path);
  static Result<Config> parse(const std::string& text, const std::string& name);
  // The whole configuration in effect, as TOML that parses to itself.
  std::string to_toml() const;
};

// Seconds east of UTC that "+02:00" or "utc" say. "local" is not for this function.
Result<std::int32_t> parse_zone(const std::string& zone);

}  // namespace silt::daemon
