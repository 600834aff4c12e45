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
  // Of each source that says nothing else; 0: no limit.
  std::uint32_t keep_days = 0;
  std::uint64_t keep_mib = 0;
};

struct ModelConfigSection {
  std::string weights;  // empty: share/silt/silt-23m.safetensors beside bin/
  std::string backend = "auto";
  std::uint32_t threads = 1;
  std::uint32_t devices = 1;            // GPUs, with backend cuda
  std::string on_device_loss = "cpu";  // or exit
};

struct LearnConfig {
  double cpu_share = 0.5;  // cores; 0: no limit
  std::uint64_t learn_tokens_per_s = 1500;
  std::uint64_t burst_tokens = 4'000'000;
  std::uint32_t new_pattern_learn_count = 8;
  bool frozen_scores = true;
  std::uint32_t commit_ms = 1000;
  std::uint32_t replay_steps_max = 1024;
  std::uint32_t blob_age_s = 600;
  std::uint32_t resident_mib_max = 512;  // of all states in memory
  std::uint32_t replay_ms_max = 2000;    // what costs less to replay is not stored
  std::uint32_t backlog_mib_max = 1024;        // of a source
  std::string on_digest_mismatch = "relearn";  // or stop
  std::string on_other_backend = "relearn";    // or convert
  std::uint32_t versions_kept = 6;             // of a source's states, besides pinned ones
  std::string state_key;                       // Ed25519, PEM: signs exports, and imports must be signed by it
  std::string time_zone = "local";             // of times that name none: local, utc or +hh:mm
};

struct IntakeConfig {
  std::uint32_t group_ms = 200;
  std::uint32_t record_bytes_max = 64 * 1024;
  std::uint32_t batch_bytes_max = 1024 * 1024;
};

struct ServeConfig {
  std::string socket = "/run/silt/query.sock";
  std::string socket_mode = "0660";
  std::string admin_socket;          // empty: admin.sock beside `socket`
  bool http = true;                  // JSON, metrics and the web page
  std::string http_socket;           // empty: http.sock beside `socket`
  std::string http_listen;           // a loopback address and a port, "127.0.0.1:8484"; empty: none
  std::string change_group;          // whose members may change things in tenant default; empty: root only
  std::string listen;                // "host:port" for callers over TLS; empty: none
  std::string certificate;           // of it: files, or the key's name as a systemd credential
  std::string key;
  std::string client_ca;             // who must have signed the callers' certificates
  std::uint32_t reader_threads = 3;  // of which one caller has all but one at most
  std::uint32_t queue_max = 64;      // waiting calls of one caller
};

struct AnswerConfig {
  bool encoder = true;          // questions find patterns by meaning, too
  std::string encoder_weights;  // empty: minilm-l6.safetensors beside the model's weights
};

// A language model elsewhere that may plan and word (docs/assistant.md). Without a url there is none.
struct AssistantConfig {
  std::string url;         // of an endpoint like OpenAI's, "http://127.0.0.1:8080/v1"
  std::string model;
  std::string credential;  // a file of mode 0600 with the key in it, or a systemd credential; empty: none is sent
  std::string ca_file;
  std::string proxy;
  std::uint32_t time_max_ms = 5'000;  // of each of its two calls for a question
};

struct TelemetryConfig {
  std::string log_level = "info";
};

// Where something stands in the configuration; no part of what it says.
struct ConfigLine {
  std::string place;  // "siltd.toml:12"
  friend bool operator==(const ConfigLine&, const ConfigLine&) { return true; }
};

// Who may do what in which tenants. With none, whoever gets through the socket may ask in `default`.
struct AccessConfig {
  std::string user;  // or group, by name or number
  std::string group;
  std::string certificate;  // or: who has a client certificate of this name
  std::vector<std::string> tenants = {"default"};  // "*": all
  std::vector<std::string> rights = {"ask"};       // ask, change, audit, feed
  ConfigLine line;
};

// How much a tenant may have; 0: no limit.
struct QuotaConfig {
  std::string tenant;  // "*": each that has no quota of its own
  std::uint64_t sources_max = 0;
  std::uint64_t mib_per_day = 0;
  std::uint64_t resident_states_max = 0;
  std::uint64_t questions_per_minute = 0;
};

// Where alerts and the digest of a tenant are sent (docs/alerts.md).
struct AlertConfig {
  std::string name;
  std::string tenant = "default";
  std::string type = "webhook";  // or chat, mail
  std::string url;
  std::string credential;        // a file of mode 0600 or a systemd credential: a token; the URL's rest; USER:PASSWORD
  std::vector<std::string> to;   // of mail
  std::string from;              // empty: silt@HOST
  std::string ca_file;
  std::string proxy;
  bool incidents = true;
  double score_min = 3.5;
  std::uint32_t incidents_per_day = 20;
  std::uint32_t gather_ms = 20'000;  // that an incident waits for what belongs to it
  std::string digest;            // "08:00", daily, in [learn]'s zone; empty: none
  ConfigLine line;
};

struct SourceConfig {
  // Scope of its cursors and start of its sources' names; with captures ("web-{stem}", see StreamName)
  // their whole names.
  std::string name;
  std::string tenant = "default";
  // containers, archives, documents, mail; a ticket queue: rt, redmine, jira, github; journald; a server: syslog, otlp; or feed
  std::string type = "file";
  std::vector<std::string> include;  // of containers, empty: where kubelet and Docker write
  std::vector<std::string> exclude;  // empty: compressed and binary files
  std::vector<std::string> link_targets;  // folders out of those of include that links may lead to
  std::string start = "beginning";   // or end: of files that exist when they are first seen, or of the journal
  std::string mode = "learn";        // or score, count
  // Each file is a source of its own, NAME:PATH, unless the name has captures; so is each unit of the journal, each
  // host of a server.
  bool per_file = true;
  // Which lines are one record: join, by the usual rules, or single; or by an RE2 expression for lines that
  // begin a record or that continue one. The last lines of a file wait flush_ms for more.
  std::string lines = "join";
  std::string record_start;
  std::string record_continue;
  std::uint32_t flush_ms = 1'000;
  std::string time_zone;  // of times that name none; empty: as [learn] says
  std::uint32_t reconcile_ms = 10'000;
  std::int64_t keep_days = -1;  // of journal; 0: no limit, -1: as [store] says
  std::int64_t keep_mib = -1;   // on disk
  // Of ticket queues: where the tracker is, the file or systemd credential with its key, and what to read of it.
  std::string url;
  std::string credential;
  std::vector<std::string> queues;  // queues, projects, a repository; empty: all that the credential may see
  std::string ca_file;              // authorities instead of the system's; of a server: of its clients
  std::string proxy;
  std::uint32_t poll_ms = 5'000;
  std::uint32_t sweep_ms = 600'000;
  // Of journald: a folder of journal files instead of this host's own journal; whose, "*": all.
  std::string directory;
  std::string name_space;
  // Of servers: "tcp:514", "udp:ADDRESS:514" (see connectors/push/endpoint.h), and what they allow their peers.
  std::vector<std::string> listen;
  std::string certificate;
  std::string key;
  std::uint32_t connections_max = 1000;
  std::uint32_t sender_kib_per_s = 0;  // of one sender; 0: no limit
  ConfigLine line;
  friend bool operator==(const SourceConfig&, const SourceConfig&) = default;
};

struct Config {
  StoreConfig store;
  ModelConfigSection model;
  LearnConfig learn;
  IntakeConfig intake;
  ServeConfig serve;
  AnswerConfig answer;
  AssistantConfig assistant;
  TelemetryConfig telemetry;
  std::vector<AccessConfig> access;
  std::vector<QuotaConfig> quotas;
  std::vector<AlertConfig> alerts;
  std::vector<SourceConfig> sources;
  std::string file;  // where it was read from; empty: from a text

  // kInvalidArgument or kNotFound; the message is one line, "FILE:LINE: ...".
  static Result<Config> load(const std::string& path);
  static Result<Config> parse(const std::string& text, const std::string& name);
  // The whole configuration in effect, as TOML that parses to itself.
  std::string to_toml() const;
};

// The keys that differ, each once: "learn.cpu_share", "source".
std::vector<std::string> changed_keys(const Config& before, const Config& after);

// Of "08:00"; negative: it is none.
std::int32_t minute_of_day(const std::string& time);

// Seconds east of UTC that "+02:00" or "utc" say. "local" is not for this function.
Result<std::int32_t> parse_zone(const std::string& zone);

}  // namespace silt::daemon
