// siltd: reads logs, learns them, answers questions. See daemon/app.h for what it is made of.
#include <getopt.h>
#include <google/protobuf/stubs/logging.h>
#include <malloc.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "connectors/file/far_read.h"
#include "daemon/app.h"
#include "daemon/config.h"
#include "daemon/make_access.h"
#include "daemon/make_connector.h"
#include "daemon/make_outbox.h"
#include "daemon/safekeeping.h"
#include "daemon/store/backup.h"
#include "daemon/store_tools.h"
#include "daemon/telemetry/log_sink.h"

namespace {

constexpr int kUsage = 64;

constexpr char kHelp[] =
    "siltd - tails logs, learns them and answers questions about them\n"
    "usage: siltd [--config FILE] [--check-config]\n"
    "       siltd --export STORE [--source NAME]\n"
    "       siltd --verify-backup DIR\n"
    "       siltd [--config FILE] --restore DIR [--told FILE]\n"
    "  -c, --config FILE    configuration (default /etc/silt/siltd.toml)\n"
    "      --check-config   print the configuration in effect and exit\n"
    "      --export STORE   print each record of a store as a line of JSON; siltd may be running\n"
    "      --source NAME    of this source only\n"
    "      --verify-backup DIR   read a backup as a whole and exit\n"
    "      --restore DIR    verify a backup, copy it to store.path, which must not be there, and exit\n"
    "      --told FILE      with --restore: TOLD of the store that it replaces, so that what is lost is said\n"
    "      --version        print the version and exit\n"
    "      --help           print this and exit\n";

struct Arguments {
  std::string config = "/etc/silt/siltd.toml";
  bool check_config = false;
  std::string store_digest;
  std::string export_store;
  std::string source;
  std::string verify_backup;
  std::string restore;
  std::string told;
};

// Nothing: go on with the arguments. Otherwise: the exit code.
std::optional<int> parse(int argc, char** argv, Arguments& out) {
  enum { kCheckConfig = 256, kVersion, kHelpOption, kStoreDigest, kExport, kSource, kVerifyBackup, kRestore, kTold };
  static const option kOptions[] = {{"config", required_argument, nullptr, 'c'},
                                    {"check-config", no_argument, nullptr, kCheckConfig},
                                    {"version", no_argument, nullptr, kVersion},
                                    {"help", no_argument, nullptr, kHelpOption},
                                    {"export", required_argument, nullptr, kExport},
                                    {"source", required_argument, nullptr, kSource},
                                    {"verify-backup", required_argument, nullptr, kVerifyBackup},
                                    {"restore", required_argument, nullptr, kRestore},
                                    {"told", required_argument, nullptr, kTold},
                                    {"store-digest", required_argument, nullptr, kStoreDigest},
                                    {nullptr, 0, nullptr, 0}};
  for (int option = 0; (option = ::getopt_long(argc, argv, "c:", kOptions, nullptr)) != -1;) {
    switch (option) {
      case 'c': out.config = optarg; break;
      case kCheckConfig: out.check_config = true; break;
      case kExport: out.export_store = optarg; break;
      case kSource: out.source = optarg; break;
      case kVerifyBackup: out.verify_backup = optarg; break;
      case kRestore: out.restore = optarg; break;
      case kTold: out.told = optarg; break;
      case kStoreDigest: out.store_digest = optarg; break;
      case kVersion: 
        std::printf("siltd %s, %s\n", silt::daemon::version().c_str(), silt::daemon::built_backends().c_str());
        return 0;
      case kHelpOption: std::fputs(kHelp, stdout); return 0;
      default: std::fputs(kHelp, stderr); return kUsage;
    }
  }
  if (optind < argc) {
    std::fprintf(stderr, "siltd: unexpected argument \"%s\"\n%s", argv[optind], kHelp);
    return kUsage;
  }
  return std::nullopt;
}

int failed(const silt::Status& status) {
  std::fprintf(stderr, "siltd: %s\n", status.message().c_str());
  return silt::daemon::exit_code(status);
}

int tell(const silt::Result<silt::store::BackupReport>& report, const char* what) {
  if (!report.is_ok()) return failed(report.status());
  std::printf("%s: %llu sources, %llu records in %llu files, %llu bytes; contents %s\n", what,
              static_cast<unsigned long long>(report->sources), static_cast<unsigned long long>(report->records),
              static_cast<unsigned long long>(report->files), static_cast<unsigned long long>(report->bytes), report->sha256.c_str());
  return 0;
}

int print_store_digest(const std::string& path) {
  const auto digest = silt::daemon::store_digest(path);
  if (!digest.is_ok()) return failed(digest.status());
  std::fputs(digest->c_str(), stdout);
  return 0;
}

int export_store(const std::string& path, const std::string& source) {
  const silt::Status done = silt::daemon::export_store(
      path, source, [](std::string_view line) { std::fwrite(line.data(), 1, line.size(), stdout); },
      [](const std::string& warning) { std::fprintf(stderr, "siltd: %s\n", warning.c_str()); });
  return done.is_ok() ? 0 : failed(done);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == silt::connectors::kFarReadArgument) {
    std::signal(SIGHUP, SIG_IGN);  // `systemctl kill -s HUP` reaches the children, too
    return silt::connectors::serve_far_reads();
  }
  // What protobuf cannot read is answered and counted; lines of its own would let strangers fill the log.
  google::protobuf::SetLogHandler(nullptr);
  silt::connectors::make_far_reads_with("/proc/self/exe");
  Arguments arguments;
  if (const auto code = parse(argc, argv, arguments)) return *code;
  if (!arguments.store_digest.empty()) return print_store_digest(arguments.store_digest);
  if (!arguments.export_store.empty()) return export_store(arguments.export_store, arguments.source);
  if (!arguments.verify_backup.empty()) return tell(silt::store::verify_backup(arguments.verify_backup), "whole");
  if (!arguments.check_config) silt::daemon::hold_signals();
  ::umask(S_IRWXG | S_IRWXO);  // what it writes is for its own user; sockets have the mode that is configured

  const auto config = silt::daemon::Config::load(arguments.config);
  if (!config.is_ok()) return failed(config.status());
  if (!arguments.restore.empty()) return tell(silt::store::restore_backup(arguments.restore, config->store.path, arguments.told), "restored");
  if (arguments.check_config) {
    for (const auto& source : config->sources) {
      if (const silt::Status checked = silt::daemon::check_surroundings(source); !checked.is_ok())
        return failed(silt::invalid_argument(checked.message()));
    }
    if (const silt::Status checked = silt::daemon::check_callers(*config); !checked.is_ok()) return failed(checked);
    if (const silt::Status checked = silt::daemon::check_alerts(*config); !checked.is_ok()) return failed(checked);
    if (const silt::Status checked = silt::daemon::state_signer(config->learn.state_key).status(); !checked.is_ok()) return failed(checked);
    std::fputs(config->to_toml().c_str(), stdout);
    return 0;
  }
  if (config->sources.empty()) {
    return failed(
        silt::invalid_argument(arguments.config + ": there is no [[source]]; add one with name and include"));
  }
  // State blobs come and go by megabytes: give them back to the kernel instead of to the heap. What the fold fills and
  // empties all the time stays there, or a tenth of its time were page faults; App gives it back once it is quiet.
  ::mallopt(M_MMAP_THRESHOLD, 2 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 16 << 20);
  ::mallopt(M_ARENA_MAX, 2);
  silt::daemon::install_log_sink(config->telemetry.log_level);

  const silt::SystemClock clock;
  auto app = silt::daemon::App::create(*config, clock);
  if (!app.is_ok()) return failed(app.status());
  const silt::Status ended = (*app)->run();
  return ended.is_ok() ? 0 : failed(ended);
}
