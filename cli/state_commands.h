// The commands of `silt state`, and those about a whole store: backup, forget, recall. As those of commands.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/client.h"

namespace silt::cli {

struct StateListOptions {
  std::string tenant = "*";
  std::vector<std::string> sources;
  bool json = false;
};
int run_state_list(Client& client, const StateListOptions& options);

// What all have that change a state.
struct ChangeOptions {
  std::string tenant;
  std::string request_id;
  std::uint64_t expected_version = 0;
  bool yes = false;  // else it only says what would be done
  bool json = false;
};

struct ResetOptions : ChangeOptions {
  std::vector<std::string> sources;
  bool all = false;
  bool fold = false;  // make patterns and index again, too
};
int run_reset(Client& client, const ResetOptions& options);

struct RollbackOptions : ChangeOptions {
  std::string source;
  std::string to;                    // a version or a time; or
  std::vector<std::string> without;  // 120-340, pattern:17
};
int run_rollback(Client& client, const RollbackOptions& options);

struct ForgetOptions : ChangeOptions {
  std::vector<std::string> sources;
  bool all = false;
  std::vector<std::string> records;  // 120-340, pattern:17; or
  std::string text;                  // or
  std::string text_file;             // "-": standard input; or
  bool whole = false;
  bool drop_pinned = false;
};
int run_forget(Client& client, const ForgetOptions& options);

// "120", "120-340" or "pattern:17".
Status add_records(const std::string& what, silt::v1::Without& to);

struct PinOptions : ChangeOptions {
  std::string source;
  std::uint64_t version = 0;  // 0: the state of now
  bool off = false;
};
int run_pin(Client& client, const PinOptions& options);

struct StateDiffOptions {
  std::string tenant;
  std::string source;
  std::uint64_t from = 0;
  std::uint64_t to = 0;  // 0: the newest that is kept
  bool fresh = false;    // compare with a net that has learned nothing
  std::uint32_t limit = 0;
  bool json = false;
};
int run_state_diff(Client& client, const StateDiffOptions& options);

struct BackupOptions {
  std::string directory;
  bool json = false;
};
int run_backup(Client& client, const BackupOptions& options);

struct ExportStateOptions {
  std::string tenant;
  std::string source;
  std::string file;
  std::uint64_t version = 0;  // 0: the state of now
  bool json = false;
};
int run_export_state(Client& client, const ExportStateOptions& options);

struct ImportStateOptions : ChangeOptions {
  std::string source;
  std::string file;
  bool any_tenant = false;
};
int run_import_state(Client& client, const ImportStateOptions& options);

struct RecallOptions {
  std::string tenant;
  std::string source;
  std::string probe;  // a file of lines; "-": standard input
  bool json = false;
};
int run_recall(Client& client, const RecallOptions& options);

}  // namespace silt::cli
