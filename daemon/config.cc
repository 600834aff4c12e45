#include "daemon/config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string_view>

#include "daemon/config_checks.h"

namespace silt::daemon {
namespace {

using Choices = std::initializer_list<std::string_view>;

// Each section is described once; the description both reads and prints it.
template <class Visitor>
void describe(Visitor& v, StoreConfig& c) {
  v.text("path", c.path);
  v.number("write_buffer_mib", c.write_buffer_mib, 1, 1024);
  v.number("block_cache_mib", c.block_cache_mib, 1, 65536);
  v.number("free_mib_min", c.free_mib_min, 0, 1'000'000);
  v.number("keep_days", c.keep_days, 0, 36'500);
  v.number("keep_mib", c.keep_mib, 0, 1'000'000'000);
}

template <class Visitor>
void describe(Visitor& v, ModelConfigSection& c) {
  v.text("weights", c.weights);
  v.text("backend", c.backend);
  v.number("threads", c.threads, 1, 64);
  v.number("devices", c.devices, 1, 64);
  v.choice("on_device_loss", c.on_device_loss, {"cpu", "exit"});
}

template <class Visitor>
void describe(Visitor& v, LearnConfig& c) {
  v.real("cpu_share", c.cpu_share, 0, 64);
  v.number("learn_tokens_per_s", c.learn_tokens_per_s, 0, 1'000'000);
  v.number("burst_tokens", c.burst_tokens, 0, 1'000'000'000'000);
  v.number("new_pattern_learn_count", c.new_pattern_learn_count, 0, 1'000'000);
  v.flag("frozen_scores", c.frozen_scores);
  v.number("commit_ms", c.commit_ms, 10, 60'000);
  v.number("replay_steps_max", c.replay_steps_max, 1, 100'000);
  v.number("blob_age_s", c.blob_age_s, 1, 86'400);
  v.number("resident_mib_max", c.resident_mib_max, 1, 1'000'000);
  v.number("replay_ms_max", c.replay_ms_max, 0, 600'000);
  v.number("backlog_mib_max", c.backlog_mib_max, 1, 1'000'000);
  v.number("versions_kept", c.versions_kept, 2, 64);
  v.choice("on_digest_mismatch", c.on_digest_mismatch, {"relearn", "stop"});
  v.choice("on_other_backend", c.on_other_backend, {"relearn", "convert"});
  v.text("state_key", c.state_key);
  v.text("time_zone", c.time_zone);
}

template <class Visitor>
void describe(Visitor& v, IntakeConfig& c) {
  v.number("group_ms", c.group_ms, 0, 60'000);
  v.number("record_bytes_max", c.record_bytes_max, 64, 16 << 20);
  v.number("batch_bytes_max", c.batch_bytes_max, 4096, 64 << 20);
}

template <class Visitor>
void describe(Visitor& v, ServeConfig& c) {
  v.text("socket", c.socket);
  v.text("admin_socket", c.admin_socket);
  v.choice("socket_mode", c.socket_mode, {"0600", "0660", "0666"});
  v.flag("http", c.http);
  v.text("http_socket", c.http_socket);
  v.text("http_listen", c.http_listen);
  v.text("change_group", c.change_group);
  v.text("listen", c.listen);
  v.text("certificate", c.certificate);
  v.text("key", c.key);
  v.text("client_ca", c.client_ca);
  v.number("reader_threads", c.reader_threads, 1, 64);
  v.number("queue_max", c.queue_max, 1, 100'000);
}

template <class Visitor>
void describe(Visitor& v, AnswerConfig& c) {
  v.flag("encoder", c.encoder);
  v.text("encoder_weights", c.encoder_weights);
}

template <class Visitor>
void describe(Visitor& v, AssistantConfig& c) {
  v.text("url", c.url);
  v.text("model", c.model);
  v.text("credential", c.credential);
  v.text("ca_file", c.ca_file);
  v.text("proxy", c.proxy);
  v.number("time_max_ms", c.time_max_ms, 100, 60'000);
}

template <class Visitor>
void describe(Visitor& v, TelemetryConfig& c) {
  v.choice("log_level", c.log_level, {"debug", "info", "warning", "error"});
}

template <class Visitor>
void describe(Visitor& v, AccessConfig& c) {
  v.text("user", c.user);
  v.text("group", c.group);
  v.text("certificate", c.certificate);
  v.list("tenants", c.tenants);
  v.list("rights", c.rights);
}

template <class Visitor>
void describe(Visitor& v, QuotaConfig& c) {
  v.text("tenant", c.tenant);
  v.number("sources_max", c.sources_max, 0, 1'000'000);
  v.number("mib_per_day", c.mib_per_day, 0, 1'000'000'000);
  v.number("resident_states_max", c.resident_states_max, 0, 1'000'000);
  v.number("questions_per_minute", c.questions_per_minute, 0, 1'000'000);
}

template <class Visitor>
void describe(Visitor& v, AlertConfig& c) {
  v.text("name", c.name);
  v.text("tenant", c.tenant);
  v.choice("type", c.type, {"webhook", "chat", "mail"});
  v.text("url", c.url);
  v.text("credential", c.credential);
  v.list("to", c.to);
  v.text("from", c.from);
  v.text("ca_file", c.ca_file);
  v.text("proxy", c.proxy);
  v.flag("incidents", c.incidents);
  v.real("score_min", c.score_min, 0, 1000);
  v.number("incidents_per_day", c.incidents_per_day, 1, 10'000);
  v.number("gather_ms", c.gather_ms, 0, 600'000);
  v.text("digest", c.digest);
}

template <class Visitor>
void describe(Visitor& v, SourceConfig& c) {
  v.text("name", c.name);
  v.text("tenant", c.tenant);
  v.choice("type", c.type,
           {"file", "containers", "documents", "mail", "rt", "redmine", "jira", "github", "journald", "syslog", "otlp", "feed",
            "archives"});
  v.list("include", c.include);
  v.list("exclude", c.exclude);
  v.list("link_targets", c.link_targets);
  v.choice("start", c.start, {"beginning", "end"});
  v.choice("mode", c.mode, {"learn", "score", "count"});
  v.flag("per_file", c.per_file);
  v.choice("lines", c.lines, {"join", "single"});
  v.text("record_start", c.record_start);
  v.text("record_continue", c.record_continue);
  v.number("flush_ms", c.flush_ms, 0, 60'000);
  v.text("time_zone", c.time_zone);
  v.number("reconcile_ms", c.reconcile_ms, 10, 3'600'000);
  v.number("keep_days", c.keep_days, -1, 36'500);
  v.number("keep_mib", c.keep_mib, -1, 1'000'000'000);
  v.text("url", c.url);
  v.text("credential", c.credential);
  v.list("queues", c.queues);
  v.text("ca_file", c.ca_file);
  v.text("proxy", c.proxy);
  v.number("poll_ms", c.poll_ms, 100, 86'400'000);
  v.number("sweep_ms", c.sweep_ms, 1'000, 86'400'000);
  v.text("directory", c.directory);
  v.text("namespace", c.name_space);
  v.list("listen", c.listen);
  v.text("certificate", c.certificate);
  v.text("key", c.key);
  v.number("connections_max", c.connections_max, 1, 60'000);
  v.number("sender_kib_per_s", c.sender_kib_per_s, 0, 10'000'000);
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

std::string nearest(std::string_view key, const std::set<std::string, std::less<>>& known) {
  const auto closer = [&](const std::string& a, const std::string& b) {
    return edit_distance(key, a) < edit_distance(key, b);
  };
  const auto best = std::min_element(known.begin(), known.end(), closer);
  return best == known.end() ? std::string() : *best;
}

std::string join(Choices choices) {
  std::string out;
  for (const std::string_view choice : choices) out += (out.empty() ? "" : ", ") + std::string(choice);
  return out;
}

// Reads one section; the first problem is kept.
class SectionReader {
 public:
  SectionReader(const toml::table& table, std::string file, std::string section)
      : table_(table), file_(std::move(file)), section_(std::move(section)) {}

  void text(std::string_view key, std::string& out) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    if (const auto value = node->value_exact<std::string>()) {
      out = *value;
    } else {
      fail(*node, key, "must be a string");
    }
  }

  void choice(std::string_view key, std::string& out, Choices choices) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    text(key, out);
    if (std::find(choices.begin(), choices.end(), out) == choices.end()) {
      fail(*node, key, "must be one of " + join(choices));
    }
  }

  template <class T>
  void number(std::string_view key, T& out, std::int64_t least, std::int64_t greatest) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const auto value = node->value_exact<std::int64_t>();
    if (!value || *value < least || *value > greatest) {
      fail(*node, key,
           "must be a whole number from " + std::to_string(least) + " to " + std::to_string(greatest));
    } else {
      out = static_cast<T>(*value);
    }
  }

  void real(std::string_view key, double& out, double least, double greatest) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const auto value = node->is_number() ? node->value<double>() : std::nullopt;
    if (!value || !(*value >= least && *value <= greatest)) {
      fail(*node, key,
           "must be a number from " + std::to_string(static_cast<int>(least)) + " to " +
               std::to_string(static_cast<int>(greatest)));
    } else {
      out = *value;
    }
  }

  void flag(std::string_view key, bool& out) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    if (const auto value = node->value_exact<bool>()) {
      out = *value;
    } else {
      fail(*node, key, "must be true or false");
    }
  }

  void list(std::string_view key, std::vector<std::string>& out) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const toml::array* items = node->as_array();
    out.clear();
    for (std::size_t i = 0; items != nullptr && i < items->size(); ++i) {
      if (const auto value = items->get(i)->value_exact<std::string>()) out.push_back(*value);
    }
    if (items == nullptr || out.size() != items->size()) fail(*node, key, "must be a list of strings");
  }

  // After all keys were asked for: the rest is unknown.
  Status finish() {
    for (const auto& [key, node] : table_) {
      if (known_.contains(key.str())) continue;
      fail(node, key.str(), "unknown key; did you mean " + nearest(key.str(), known_) + "?");
    }
    return status_;
  }

 private:
  const toml::node* find(std::string_view key) {
    known_.emplace(key);
    return table_.get(key);
  }
  void fail(const toml::node& node, std::string_view key, const std::string& what) {
    if (!status_.is_ok()) return;
    status_ = invalid_argument(file_ + ":" + std::to_string(node.source().begin.line) + ": " + section_ +
                               "." + std::string(key) + ": " + what);
  }

  const toml::table& table_;
  std::string file_, section_;
  std::set<std::string, std::less<>> known_;
  Status status_;
};

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    char escaped[8];
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      std::snprintf(escaped, sizeof escaped, "\\u%04X", byte);
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

class SectionPrinter {
 public:
  explicit SectionPrinter(std::string& out) : out_(out) {}
  void text(std::string_view key, const std::string& value) { line(key, quoted(value)); }
  void choice(std::string_view key, const std::string& value, Choices) { line(key, quoted(value)); }
  template <class T>
  void number(std::string_view key, T value, std::int64_t, std::int64_t) {
    line(key, std::to_string(value));
  }
  void real(std::string_view key, double value, double, double) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.6g", value);
    line(key, std::string_view(digits).find_first_of(".e") == std::string_view::npos
                  ? std::string(digits) + ".0"
                  : digits);
  }
  void flag(std::string_view key, bool value) { line(key, value ? "true" : "false"); }
  void list(std::string_view key, const std::vector<std::string>& values) {
    std::string items;
    for (const std::string& value : values) items += (items.empty() ? "" : ", ") + quoted(value);
    line(key, "[" + items + "]");
  }

 private:
  void line(std::string_view key, std::string_view value) {
    out_.append(key).append(" = ").append(value).append("\n");
  }
  std::string& out_;
};

template <class Section>
Status read_section(const toml::table& root, const std::string& file, const std::string& name, Section& out) {
  const toml::node* node = root.get(name);
  if (node == nullptr) return Status::ok();
  const toml::table* table = node->as_table();
  if (table == nullptr) {
    return invalid_argument(file + ":" + std::to_string(node->source().begin.line) + ": " + name +
                            " must be a section, [" + name + "]");
  }
  SectionReader reader(*table, file, name);
  describe(reader, out);
  return reader.finish();
}

Status read_source(const toml::node& node, const std::string& file, Config& config) {
  const std::string where = file + ":" + std::to_string(node.source().begin.line) + ": ";
  const toml::table* table = node.as_table();
  if (table == nullptr) return invalid_argument(where + "source must be a section, [[source]]");
  SourceConfig source;
  SectionReader reader(*table, file, "source");
  describe(reader, source);
  SILT_TRY(reader.finish());
  if (source.type == "containers" && source.include.empty())
    source.include = {"/var/log/pods/*/*/*.log*", "/var/lib/docker/containers/*/*-json.log*"};
  if (source.name.empty()) return invalid_argument(where + "source.name is missing, e.g. name = \"host\"");
  if (source.name.find_first_of(std::string_view(":*?[]\0", 6)) != std::string::npos) {
    return invalid_argument(where + "source.name: must not contain : * ? [ ]");
  }
  if (const Status checked = check_type(source); !checked.is_ok())
    return invalid_argument(where + "source." + checked.message());
  source.line.place = where.substr(0, where.size() - 2);
  if (const Status named = check_patterns(source); !named.is_ok())
    return invalid_argument(where + "source: " + named.message());
  if (const Status checked = check_records(source); !checked.is_ok())
    return invalid_argument(where + "source." + checked.message());
  const auto same_name = [&](const SourceConfig& other) { return other.name == source.name; };
  if (std::any_of(config.sources.begin(), config.sources.end(), same_name)) {
    return invalid_argument(where + "source.name: " + quoted(source.name) + " is used twice");
  }
  config.sources.push_back(std::move(source));
  return Status::ok();
}

Status read_access(const toml::node& node, const std::string& file, Config& config) {
  const std::string where = file + ":" + std::to_string(node.source().begin.line) + ": access";
  const toml::table* table = node.as_table();
  if (table == nullptr) return invalid_argument(where + " must be a section, [[access]]");
  AccessConfig access;
  SectionReader reader(*table, file, "access");
  describe(reader, access);
  SILT_TRY(reader.finish());
  if (const Status checked = check_access(access); !checked.is_ok())
    return invalid_argument(where + ": " + checked.message());
  access.line.place = where.substr(0, where.rfind(':'));
  config.access.push_back(std::move(access));
  return Status::ok();
}

Status read_quota(const toml::node& node, const std::string& file, Config& config) {
  const std::string where = file + ":" + std::to_string(node.source().begin.line) + ": quota";
  const toml::table* table = node.as_table();
  if (table == nullptr) return invalid_argument(where + " must be a section, [[quota]]");
  QuotaConfig quota;
  SectionReader reader(*table, file, "quota");
  describe(reader, quota);
  SILT_TRY(reader.finish());
  if (quota.tenant.empty()) return invalid_argument(where + ".tenant is missing: a name, or \"*\" for each without a quota of its own");
  const auto same = [&](const QuotaConfig& other) { return other.tenant == quota.tenant; };
  if (std::any_of(config.quotas.begin(), config.quotas.end(), same))
    return invalid_argument(where + ".tenant: " + quoted(quota.tenant) + " has a quota already");
  config.quotas.push_back(std::move(quota));
  return Status::ok();
}

Status read_alert(const toml::node& node, const std::string& file, Config& config) {
  const std::string where = file + ":" + std::to_string(node.source().begin.line) + ": alert";
  const toml::table* table = node.as_table();
  if (table == nullptr) return invalid_argument(where + " must be a section, [[alert]]");
  AlertConfig alert;
  SectionReader reader(*table, file, "alert");
  describe(reader, alert);
  SILT_TRY(reader.finish());
  if (const Status checked = check_alert(alert, config); !checked.is_ok()) return invalid_argument(where + "." + checked.message());
  alert.line.place = where.substr(0, where.rfind(':'));
  config.alerts.push_back(std::move(alert));
  return Status::ok();
}

using ReadOne = Status (*)(const toml::node& node, const std::string& file, Config& config);

// Sections of which there may be several.
Status read_each(const toml::table& root, const std::string& file, const char* name, ReadOne read, Config& config) {
  const toml::node* node = root.get(name);
  if (node == nullptr) return Status::ok();
  const toml::array* sections = node->as_array();
  if (sections == nullptr) return read(*node, file, config);
  for (const toml::node& section : *sections) SILT_TRY(read(section, file, config));
  return Status::ok();
}

}  // namespace

Result<Config> Config::parse(const std::string& text, const std::string& name) {
  const toml::parse_result parsed = toml::parse(text, name);
  if (!parsed) {
    return invalid_argument(name + ":" + std::to_string(parsed.error().source().begin.line) + ": " +
                            std::string(parsed.error().description()));
  }
  const toml::table& root = parsed.table();
  const std::set<std::string, std::less<>> known = {"store", "model",  "learn",     "intake",
                                                    "serve", "answer", "assistant", "telemetry", "access", "quota", "alert", "source"};
  for (const auto& [key, node] : root) {
    if (known.contains(key.str())) continue;
    return invalid_argument(name + ":" + std::to_string(key.source().begin.line) + ": " +
                            std::string(key.str()) + ": unknown section; did you mean " +
                            nearest(key.str(), known) + "?");
  }
  Config config;
  SILT_TRY(read_section(root, name, "store", config.store));
  SILT_TRY(read_section(root, name, "model", config.model));
  SILT_TRY(read_section(root, name, "learn", config.learn));
  SILT_TRY(read_section(root, name, "intake", config.intake));
  SILT_TRY(read_section(root, name, "serve", config.serve));
  SILT_TRY(check_serve(config.serve).with_context(name));
  SILT_TRY(read_section(root, name, "answer", config.answer));
  SILT_TRY(read_section(root, name, "assistant", config.assistant));
  SILT_TRY(check_assistant(config.assistant).with_context(name));
  SILT_TRY(read_section(root, name, "telemetry", config.telemetry));
  SILT_TRY(read_each(root, name, "access", read_access, config));
  SILT_TRY(read_each(root, name, "quota", read_quota, config));
  SILT_TRY(read_each(root, name, "alert", read_alert, config));
  SILT_TRY(read_each(root, name, "source", read_source, config));
  if (config.learn.time_zone != "local") {
    const auto zone = parse_zone(config.learn.time_zone);
    if (!zone.is_ok()) return zone.status().with_context(name + ": learn.time_zone");
  }
  return config;
}

Result<Config> Config::load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return errno_status("read the configuration " + path, errno);
  std::ostringstream text;
  text << file.rdbuf();
  SILT_ASSIGN(Config config, parse(text.str(), path));
  config.file = path;
  return config;
}

std::vector<std::string> changed_keys(const Config& before, const Config& after) {
  struct Flat {
    std::set<std::string> lines;               // "learn.cpu_share = 0.5"
    std::map<std::string, std::string> lists;  // of [[source]] and the like, by name, all sections of that name
  };
  const auto flatten = [](const Config& config) {
    Flat flat;
    const std::string text = config.to_toml();
    const std::size_t lists = std::min(text.find("[["), text.size());
    for (std::size_t at = lists; at < text.size();) {
      const std::size_t next = std::min(text.find("[[", at + 2), text.size());
      flat.lists[text.substr(at + 2, text.find("]]", at) - at - 2)] += text.substr(at, next - at);
      at = next;
    }
    std::istringstream sections(text.substr(0, lists));
    std::string section;
    for (std::string line; std::getline(sections, line);) {
      if (line.starts_with("[")) {
        section = line.substr(1, line.size() - 2);
      } else if (!line.empty()) {
        flat.lines.insert(section + "." + line);
      }
    }
    return flat;
  };
  const Flat old_keys = flatten(before), new_keys = flatten(after);
  std::vector<std::string> differing, keys;
  std::set_difference(new_keys.lines.begin(), new_keys.lines.end(), old_keys.lines.begin(),
                      old_keys.lines.end(), std::back_inserter(differing));
  for (const std::string& line : differing) keys.push_back(line.substr(0, line.find(" = ")));
  for (const std::string name : {"access", "quota", "alert", "source"}) {
    const auto of = [&](const Flat& flat) { return flat.lists.contains(name) ? flat.lists.at(name) : ""; };
    if (of(old_keys) != of(new_keys)) keys.push_back(name);
  }
  return keys;
}

std::string Config::to_toml() const {
  std::string out;
  SectionPrinter printer(out);
  Config copy = *this;  // descriptions take references
  out += "[store]\n";
  describe(printer, copy.store);
  out += "\n[model]\n";
  describe(printer, copy.model);
  out += "\n[learn]\n";
  describe(printer, copy.learn);
  out += "\n[intake]\n";
  describe(printer, copy.intake);
  out += "\n[serve]\n";
  describe(printer, copy.serve);
  out += "\n[answer]\n";
  describe(printer, copy.answer);
  out += "\n[assistant]\n";
  describe(printer, copy.assistant);
  out += "\n[telemetry]\n";
  describe(printer, copy.telemetry);
  for (AccessConfig& rule : copy.access) {
    out += "\n[[access]]\n";
    describe(printer, rule);
  }
  for (QuotaConfig& quota : copy.quotas) {
    out += "\n[[quota]]\n";
    describe(printer, quota);
  }
  for (AlertConfig& alert : copy.alerts) {
    out += "\n[[alert]]\n";
    describe(printer, alert);
  }
  for (SourceConfig& source : copy.sources) {
    out += "\n[[source]]\n";
    describe(printer, source);
  }
  return out;
}

Result<std::int32_t> parse_zone(const std::string& zone) {
  if (zone == "utc") return 0;
  int hours = 0, minutes = 0, used = 0;
  char sign = 0;
  if (std::sscanf(zone.c_str(), "%c%2d:%2d%n", &sign, &hours, &minutes, &used) == 3 &&
      used == static_cast<int>(zone.size()) && (sign == '+' || sign == '-') && hours >= 0 && hours <= 14 &&
      minutes >= 0 && minutes < 60) {
    return (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
  }
  return invalid_argument("must be local, utc or like +02:00");
}

}  // namespace silt::daemon
